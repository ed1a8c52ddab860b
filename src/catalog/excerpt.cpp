#include "catalog/excerpt.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <set>
#include <string>

#include "base/fd.hpp"
#include "base/folder.hpp"
#include "base/mapped_file.hpp"

namespace loom::catalog {
namespace {

namespace fs = std::filesystem;

/// In front of each sequence of an excerpt, as the machine writes its numbers: it is not read on another one.
/// What follows are the letters as they are packed, the ambiguities, and the header.
struct RecordHead {
  std::uint32_t oid = 0;
  std::uint32_t letters = 0;  ///< bytes, as all here
  std::uint32_t ambiguities = 0;
  std::uint32_t header = 0;
};

/// The bytes of one sequence, borrowed.
struct Record {
  std::string_view letters;
  std::string_view ambiguities;
  std::string_view header;
};

Error misfit(const fs::path& file) {
  return error(Code::corrupt, "{}: it does not fit its index: it was cut off, or one of both was replaced",
               file.string());
}

/// Reads single sequences of a database from its volumes, in ascending order.
class Originals {
 public:
  explicit Originals(const Database& database) : database_(database) {}

  /// Borrowed until the next call.
  Result<Record> read(std::uint32_t oid) {
    LOOM_CHECKED(enter(oid));
    const Volume& volume = database_.volumes[*volume_];
    const std::uint32_t own = oid - volume.first_oid;
    const ByteRange all = volume.index->sequence_range(own);
    const std::uint64_t letters_end = volume.index->ambiguities_begin(own);
    if (letters_end < all.begin || letters_end > all.end) return misfit(sequences_path_);
    LOOM_CHECKED(read(sequences_, sequences_path_, all, sequence_));
    LOOM_CHECKED(read(headers_, headers_path_, volume.index->header_range(own), header_));
    const std::string_view sequence = sequence_;
    return Record{.letters = sequence.substr(0, letters_end - all.begin),
                  .ambiguities = sequence.substr(letters_end - all.begin),
                  .header = header_};
  }

 private:
  Status enter(std::uint32_t oid) {
    const auto after = std::ranges::upper_bound(database_.volumes, oid, {}, &Volume::first_oid);
    const auto volume = static_cast<std::size_t>(after - database_.volumes.begin()) - 1;
    if (volume_ == volume) return ok();
    const std::string base = database_.volumes[volume].base.string();
    sequences_path_ = base + extension(database_.molecule, "sq");
    headers_path_ = base + extension(database_.molecule, "hr");
    LOOM_CHECKED(open(sequences_path_, sequences_));
    LOOM_CHECKED(open(headers_path_, headers_));
    volume_ = volume;
    return ok();
  }

  static Status open(const fs::path& path, Fd& file) {
    file = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return system_error(errno, path.string());
    ::posix_fadvise(file.get(), 0, 0,
                    POSIX_FADV_RANDOM);  // what is not in memory is read, and nothing around it
    return ok();
  }

  static Status read(const Fd& file, const fs::path& path, const ByteRange& range, std::string& into) {
    if (range.end < range.begin) return misfit(path);
    into.resize(range.end - range.begin);
    for (std::size_t done = 0; done < into.size();) {
      const ssize_t got =
          ::pread(file.get(), into.data() + done, into.size() - done, static_cast<off_t>(range.begin + done));
      if (got == 0) return misfit(path);
      if (got < 0 && errno != EINTR) return system_error(errno, path.string());
      if (got > 0) done += static_cast<std::size_t>(got);
    }
    return ok();
  }

  const Database& database_;
  std::optional<std::size_t> volume_;
  Fd sequences_;
  Fd headers_;
  fs::path sequences_path_;
  fs::path headers_path_;
  std::string sequence_;
  std::string header_;
};

/// Excerpts one after the other, in ascending order of OIDs.
class Excerpts {
 public:
  static Result<Excerpts> open(std::span<const fs::path> files) {
    Excerpts excerpts;
    for (const fs::path& file : files) {
      LOOM_TRY(MappedFile mapped, MappedFile::open(file));
      excerpts.files_.push_back(std::move(mapped));
    }
    excerpts.paths_.assign(files.begin(), files.end());
    return excerpts;
  }

  /// nullopt if it is in none. `oid` rises from call to call. Borrowed as long as this is there.
  Result<std::optional<Record>> find(std::uint32_t oid) {
    while (file_ < files_.size()) {
      const std::string_view rest = files_[file_].text().substr(at_);
      if (rest.empty()) {
        ++file_;
        at_ = 0;
        continue;
      }
      RecordHead head;
      if (rest.size() < sizeof head) return misfit(paths_[file_]);
      std::memcpy(&head, rest.data(), sizeof head);
      const std::uint64_t size = std::uint64_t{head.letters} + head.ambiguities + head.header;
      if (rest.size() - sizeof head < size) return misfit(paths_[file_]);
      if (head.oid > oid) return std::nullopt;
      at_ += sizeof head + size;
      if (head.oid < oid) continue;
      const std::string_view bytes = rest.substr(sizeof head, size);
      return Record{.letters = bytes.substr(0, head.letters),
                    .ambiguities = bytes.substr(head.letters, head.ambiguities),
                    .header = bytes.substr(std::size_t{head.letters} + head.ambiguities)};
    }
    return std::nullopt;
  }

 private:
  std::vector<MappedFile> files_;
  std::vector<fs::path> paths_;
  std::size_t file_ = 0;
  std::size_t at_ = 0;
};

/// A file of a work folder, written from the front.
class Output {
 public:
  explicit Output(fs::path path) : path_(std::move(path)), file_(path_, std::ios::binary | std::ios::trunc) {}

  void write(std::string_view bytes) {
    file_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    size_ += bytes.size();
  }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  Status close() {
    errno = 0;
    file_.close();
    if (!file_) return system_error(errno == 0 ? EIO : errno, "write " + path_.string());
    return ok();
  }

 private:
  fs::path path_;
  std::ofstream file_;
  std::uint64_t size_ = 0;
};

/// An index file of which only some pages are written; the others are holes.
class SparseIndex {
 public:
  static Result<SparseIndex> create(const fs::path& path, const VolumeIndex& like) {
    SparseIndex index;
    index.path_ = path;
    index.file_ = Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!index.file_ || ::ftruncate(index.file_.get(), static_cast<off_t>(like.bytes().size())) != 0)
      return system_error(errno, "write " + path.string());
    const auto head = like.bytes().first(like.head().header_table());
    LOOM_CHECKED(index.write(0, {reinterpret_cast<const char*>(head.data()), head.size()}));
    index.tables_ = {Run{like.head().header_table()}, Run{like.head().sequence_table},
                     Run{like.head().ambiguity_table()}};
    return index;
  }

  enum Table : std::size_t { headers, sequences, ambiguities };

  /// Entries of one table rise, or stay the same, from call to call.
  Status put(Table table, std::uint32_t entry, std::uint64_t offset) {
    constexpr std::size_t kGap = 4096;  // that is rather written than left out
    constexpr std::size_t kMost = std::size_t{1} << 20U;
    Run& run = tables_[table];
    const std::size_t at = run.table + 4 * std::size_t{entry};
    if (at > run.begin + run.bytes.size() + kGap || run.bytes.size() > kMost) LOOM_CHECKED(flush(run));
    if (run.bytes.empty()) run.begin = at;
    run.bytes.resize(std::max(run.bytes.size(), at + 4 - run.begin));
    for (std::size_t i = 0; i < 4; ++i)
      run.bytes[at - run.begin + i] = static_cast<char>(offset >> (24U - 8U * i) & 0xFFU);
    return ok();
  }

  Status finish() {
    for (Run& run : tables_) LOOM_CHECKED(flush(run));
    return ok();
  }

 private:
  /// Entries that are written at once.
  struct Run {
    std::size_t table = 0;  ///< where the table starts in the file
    std::size_t begin = 0;
    std::string bytes{};
  };

  Status flush(Run& run) {
    LOOM_CHECKED(write(run.begin, run.bytes));
    run.bytes.clear();
    return ok();
  }

  Status write(std::size_t at, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t done = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(at));
      if (done < 0 && errno != EINTR) return system_error(errno, "write " + path_.string());
      if (done <= 0) continue;
      bytes.remove_prefix(static_cast<std::size_t>(done));
      at += static_cast<std::size_t>(done);
    }
    return ok();
  }

  fs::path path_;
  Fd file_;
  std::array<Run, 3> tables_{};
};

/// A volume that holds some sequences of another one, at their OIDs.
class VolumeExcerpt {
 public:
  static Result<VolumeExcerpt> create(const fs::path& base, const Volume& like) {
    const Molecule molecule = like.head().molecule;
    LOOM_TRY(SparseIndex index, SparseIndex::create(base.string() + extension(molecule, "in"), *like.index));
    VolumeExcerpt volume(molecule, std::move(index), Output(base.string() + extension(molecule, "sq")),
                         Output(base.string() + extension(molecule, "hr")));
    volume.sequences_.write(std::string_view("\0", 1));  // as in front of, and between, proteins
    return volume;
  }

  Status add(std::uint32_t oid, const Record& record) {
    LOOM_CHECKED(index_.put(SparseIndex::headers, oid, headers_.size()));
    LOOM_CHECKED(index_.put(SparseIndex::sequences, oid, sequences_.size()));
    if (molecule_ == Molecule::nucleotide)
      LOOM_CHECKED(index_.put(SparseIndex::ambiguities, oid, sequences_.size() + record.letters.size()));
    headers_.write(record.header);
    sequences_.write(record.letters);
    sequences_.write(record.ambiguities);
    LOOM_CHECKED(index_.put(SparseIndex::headers, oid + 1, headers_.size()));
    return index_.put(SparseIndex::sequences, oid + 1, sequences_.size());
  }

  Status finish() {
    LOOM_CHECKED(index_.finish());
    LOOM_CHECKED(sequences_.close());
    return headers_.close();
  }

 private:
  VolumeExcerpt(Molecule molecule, SparseIndex index, Output sequences, Output headers)
      : molecule_(molecule),
        index_(std::move(index)),
        sequences_(std::move(sequences)),
        headers_(std::move(headers)) {}

  Molecule molecule_;
  SparseIndex index_;
  Output sequences_;
  Output headers_;
};

/// Whether `file` belongs to `volume`, beside its index, sequences and headers: an alias of the same name
/// does not.
bool goes_with(const std::string& file, const Volume& volume) {
  const Molecule molecule = volume.head().molecule;
  const auto dot = file.rfind('.');
  if (dot == std::string::npos) return false;
  const std::string stem = file.substr(0, dot);
  const std::string kind = file.substr(dot);
  const auto is_one_of = [&](std::initializer_list<const char*> kinds) {
    return std::ranges::any_of(kinds, [&](const char* one) { return kind == extension(molecule, one); });
  };
  if (stem == volume.base.filename()) return !is_one_of({"in", "sq", "hr", "al"});
  const fs::path ids = volume.head().id_database;
  return !ids.empty() && stem == ids.stem() && is_one_of({"db", "os", "ot", "tf", "to"});
}

/// Links what goes with the volumes of folder `from` into `to`.
Status link_rest(const Database& database, const fs::path& from, const fs::path& to) {
  return for_entries(from, [&](const fs::directory_entry& file) -> Status {
    const std::string name = file.path().filename();
    const bool wanted = std::ranges::any_of(database.volumes, [&](const Volume& volume) {
      return volume.base.parent_path() == from && goes_with(name, volume);
    });
    if (!wanted) return ok();
    std::error_code refused;
    fs::create_symlink(file.path(), to / name, refused);
    if (refused) return system_error(refused.value(), "link to " + file.path().string());
    return ok();
  });
}

/// `database` with a folder below `folder` for each of those that its volumes are in, in the same order:
/// BLAST+ sorts volumes of one name by it.
Result<Database> moved(const Database& database, const fs::path& folder) {
  std::set<std::string> homes;
  for (const Volume& volume : database.volumes) homes.insert(volume.base.parent_path().string());
  Database copy = database;
  for (std::size_t number = 0; const std::string& home : homes) {
    const fs::path place = fs::absolute(folder) / fmt::format("{:06}", number++);
    LOOM_CHECKED(make_folders(place));
    LOOM_CHECKED(link_rest(database, home, place));
    for (Volume& volume : copy.volumes)
      if (volume.base.parent_path().string() == home) volume.base = place / volume.base.filename();
  }
  return copy;
}

}  // namespace

std::uint64_t excerpt_bytes(const Database& database, std::span<const std::uint32_t> oids) {
  std::uint64_t bytes = 0;
  auto volume = database.volumes.begin();
  for (const std::uint32_t oid : oids) {
    while (oid - volume->first_oid >= volume->head().sequences) ++volume;
    const ByteRange sequence = volume->index->sequence_range(oid - volume->first_oid);
    const ByteRange header = volume->index->header_range(oid - volume->first_oid);
    bytes += sequence.end - sequence.begin + header.end - header.begin;
  }
  return bytes;
}

Status write_excerpt(const fs::path& file, const Database& database, std::span<const std::uint32_t> oids) {
  Originals originals(database);
  Output out(file);
  for (const std::uint32_t oid : oids) {
    LOOM_TRY(const Record record, originals.read(oid));
    const RecordHead head{.oid = oid,
                          .letters = static_cast<std::uint32_t>(record.letters.size()),
                          .ambiguities = static_cast<std::uint32_t>(record.ambiguities.size()),
                          .header = static_cast<std::uint32_t>(record.header.size())};
    out.write({reinterpret_cast<const char*>(&head), sizeof head});
    for (const std::string_view bytes : {record.letters, record.ambiguities, record.header}) out.write(bytes);
  }
  return out.close();
}

Result<Database> lay_out_excerpts(const fs::path& folder, const Database& database,
                                  std::span<const std::uint32_t> oids, std::span<const fs::path> excerpts) {
  LOOM_TRY(Database copy, moved(database, folder));
  LOOM_TRY(Excerpts found, Excerpts::open(excerpts));
  Originals originals(database);
  auto oid = oids.begin();
  for (const Volume& volume : copy.volumes) {
    LOOM_TRY(VolumeExcerpt out, VolumeExcerpt::create(volume.base, volume));
    for (; oid != oids.end() && *oid - volume.first_oid < volume.head().sequences; ++oid) {
      LOOM_TRY(std::optional<Record> record, found.find(*oid));
      if (!record) {
        LOOM_TRY(record, originals.read(*oid));
      }
      LOOM_CHECKED(out.add(*oid - volume.first_oid, *record));
    }
    LOOM_CHECKED(out.finish());
  }
  return copy;
}

}  // namespace loom::catalog
