#include "sched/reuse.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <span>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/folder.hpp"
#include "base/number.hpp"
#include "base/random.hpp"
#include "blast/engine.hpp"
#include "blast/outfmt.hpp"
#include "catalog/database_files.hpp"
#include "catalog/search_path.hpp"
#include "search/scout.hpp"
#include "storage/object_store.hpp"

namespace loom::sched {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "blastloom-reuse 1";
constexpr std::size_t kHeaderBytes = 114;

/// Any change of the file shows in it.
std::string stamp_of(const fs::path& file) {
  struct stat found{};
  if (::stat(file.c_str(), &found) != 0) return fmt::format("{} none\n", file.string());
  return fmt::format("{} {} {} {}.{:09}\n", file.string(), found.st_ino, found.st_size, found.st_mtim.tv_sec,
                     found.st_mtim.tv_nsec);
}

/// In the order of their names: they are a set, but for the format that prints the command line.
std::vector<std::string> texts_of(const blast::Options& options) {
  std::vector<std::string> texts;
  for (const auto& entry : options.entries())
    texts.push_back(fmt::format("{} {}:{}\n", entry.spec->name, entry.text.size(), entry.text));
  const auto* outfmt = options.find("outfmt");
  const auto format = blast::parse_outfmt(options.program(), outfmt == nullptr ? "0" : outfmt->text);
  if (!format || format->number != 17) std::ranges::sort(texts);
  return texts;
}

/// The taxa's names, which some formats print.
std::string taxonomy_stamps(std::string_view database_path) {
  std::string stamps;
  for (const fs::path& folder : catalog::SearchPath::with(database_path).folders)
    for (const char* name : {"taxdb.bti", "taxdb.btd"})
      if (std::error_code unknown; fs::exists(folder / name, unknown)) stamps += stamp_of(folder / name);
  return stamps;
}

/// All of one query set's begin alike.
std::string name_front(std::string_view query_sha256) {
  return std::string(query_sha256.substr(0, 16)) + "-";
}

std::string name_of(std::string_view key, std::string_view query_sha256) {
  const XXH128_hash_t hash = XXH3_128bits(key.data(), key.size());
  return fmt::format("{}{:016x}{:016x}", name_front(query_sha256), hash.high64, hash.low64);
}

struct Header {
  std::array<std::uint64_t, 3> bytes{};  // of the key, the output and the messages
  std::string sum;                       // of all three
};

std::string text_of(const Header& header) {
  std::string text = fmt::format("{} {:020} {:020} {:020} {}\n", kMagic, header.bytes[0], header.bytes[1],
                                 header.bytes[2], header.sum);
  return text;
}

std::optional<Header> parse_header(std::string_view text) {
  if (!text.starts_with(kMagic) || text.size() != kHeaderBytes || !text.ends_with('\n')) return std::nullopt;
  text.remove_prefix(kMagic.size());
  Header header;
  for (std::uint64_t& number : header.bytes) {
    const auto read = number_of<std::uint64_t>(text.substr(1, 20));
    if (!read) return std::nullopt;
    number = *read;
    text.remove_prefix(21);
  }
  header.sum = text.substr(1, 32);
  return header;
}

class Sum {
 public:
  Sum() : state_(XXH3_createState()) { XXH3_128bits_reset(state_.get()); }
  void add(std::span<const std::byte> bytes) {
    XXH3_128bits_update(state_.get(), bytes.data(), bytes.size());
  }
  [[nodiscard]] std::string text() const {
    const XXH128_hash_t hash = XXH3_128bits_digest(state_.get());
    return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
  }

 private:
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> state_;
};

/// Fills `into` from `at`; false where the file ends before.
bool read_at(int fd, std::uint64_t at, std::span<std::byte> into) {
  while (!into.empty()) {
    const ssize_t got = ::pread(fd, into.data(), into.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    into = into.subspan(static_cast<std::size_t>(got));
    at += static_cast<std::uint64_t>(got);
  }
  return true;
}

std::string sum_of(int fd, std::uint64_t bytes) {
  Sum sum;
  std::vector<std::byte> block(std::min<std::uint64_t>(storage::kBlock, bytes));
  for (std::uint64_t at = 0; at < bytes; at += block.size()) {
    const auto part = std::span(block).first(std::min<std::uint64_t>(block.size(), bytes - at));
    if (!read_at(fd, kHeaderBytes + at, part)) return {};
    sum.add(part);
  }
  return sum.text();
}

}  // namespace

Result<std::optional<std::string>> surroundings_of(const ReuseOptions& options, const JobSpec& spec) {
  LOOM_TRY(const catalog::Database database, open_job_database(spec));
  // What deltablast finds depends on a second database, whose state no job holds.
  const bool domains = spec.options.program() == blast::Program::deltablast;
  if (domains || !database.unshardable.empty()) return std::optional<std::string>();
  LOOM_TRY(const fs::path engine, blast::find_engine(spec.options.program()));
  const char* batch = std::getenv("BATCH_SIZE");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  std::string text =
      fmt::format("release {}\nengine {}program {}\non_saturation {}\nbatch_size {}\n", options.release,
                  stamp_of(engine), blast::name(spec.options.program()),
                  spec.on_saturation == search::OnSaturation::complete ? "complete" : "identical",
                  batch == nullptr ? "" : batch);
  for (const std::string& option : texts_of(spec.options)) text += "option " + option;
  text += fmt::format("snapshot {}\n{} {}\n", spec.snapshot, database.title.size(), database.title);
  for (const catalog::DatabaseFile& file : catalog::files_of(database)) text += stamp_of(file.path);
  text += taxonomy_stamps(spec.database_path);
  return std::optional(std::move(text));
}

std::string search_key(std::string_view surroundings, const std::string& query_sha256) {
  return fmt::format("{}queries {}\n", surroundings, query_sha256);
}

Result<std::size_t> Reuse::Found::read(std::uint64_t at, std::span<std::byte> into) const {
  if (at >= output_bytes) return std::size_t{0};
  const auto part = into.first(std::min<std::uint64_t>(into.size(), output_bytes - at));
  if (read_at(file.get(), output_at + at, part)) return part.size();
  return error(Code::corrupt, "an output that was kept was cut short while it was read");
}

/// One file on its way into the folder: nothing is left of it unless it is whole.
class Reuse::Writing {
 public:
  Writing(const Reuse& reuse, const std::string& name)
      : path_(reuse.options_.folder / name), part_(path_.string() + "." + random_token() + ".part") {
    fd_ = Fd(::open(part_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    good_ = fd_ && ::lseek(fd_.get(), kHeaderBytes, SEEK_SET) >= 0;
  }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;
  ~Writing() {
    if (!part_.empty()) ::unlink(part_.c_str());
  }

  void add(std::span<const std::byte> bytes) {
    sum_.add(bytes);
    write(bytes);
  }
  /// Whether it lies there under its name. Not synced: what a power failure takes is found by its sum.
  bool finish(Header header) {
    header.sum = sum_.text();
    const std::string text = text_of(header);
    good_ = good_ && text.size() == kHeaderBytes &&
            ::pwrite(fd_.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()) &&
            ::rename(part_.c_str(), path_.c_str()) == 0;
    if (good_) part_.clear();
    return good_;
  }

 private:
  void write(std::span<const std::byte> bytes) {
    while (good_ && !bytes.empty()) {
      const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      good_ = written > 0;
      if (good_) bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }
  fs::path path_;
  std::string part_;
  Fd fd_;
  Sum sum_;
  bool good_ = false;
};

Reuse::Reuse(ReuseOptions options) : options_(std::move(options)) {
  std::error_code failed;
  if (options_.most_bytes == 0) {
    fs::remove_all(options_.folder, failed);
    return;
  }
  fs::create_directories(options_.folder, failed);
  std::vector<std::pair<fs::file_time_type, std::string>> found;
  // What cannot be looked through is not reused.
  static_cast<void>(for_entries(options_.folder, [&](const fs::directory_entry& file) {
    std::error_code gone;
    const std::string name = file.path().filename().string();
    if (!file.is_regular_file(gone)) return;
    if (name.ends_with(".part"))
      fs::remove(file.path(), gone);
    else
      found.emplace_back(file.last_write_time(gone), name);
  }));
  std::ranges::sort(found);
  for (const auto& [when, name] : found) {
    std::error_code gone;
    const std::uintmax_t bytes = fs::file_size(options_.folder / name, gone);
    if (!gone) added(name, bytes);
  }
}

bool Reuse::may_have(const std::string& query_sha256) const {
  const std::string front = name_front(query_sha256);
  const MutexLock lock(mutex_);
  const auto first = entries_.lower_bound(front);
  return first != entries_.end() && first->first.starts_with(front);
}

std::optional<Reuse::Found> Reuse::find(const std::string& key, const std::string& query_sha256) {
  const std::string name = name_of(key, query_sha256);
  {
    const MutexLock lock(mutex_);
    const auto entry = entries_.find(name);
    if (entry == entries_.end()) return std::nullopt;
    use(*entry);
  }
  const auto read = [&]() -> std::optional<Found> {
    Fd file(::open((options_.folder / name).c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, kHeaderBytes> head{};
    if (!file || !read_at(file.get(), 0, std::as_writable_bytes(std::span(head)))) return std::nullopt;
    const auto header = parse_header({head.data(), head.size()});
    if (!header || header->bytes[0] != key.size()) return std::nullopt;
    std::string kept(key.size(), '\0');
    if (!read_at(file.get(), kHeaderBytes, std::as_writable_bytes(std::span(kept))) || kept != key)
      return std::nullopt;
    const auto [keys, output, messages] = header->bytes;
    if (sum_of(file.get(), keys + output + messages) != header->sum) return std::nullopt;
    Found found{.file = std::move(file),
                .output_at = kHeaderBytes + keys,
                .output_bytes = output,
                .messages = std::string(messages, '\0')};
    if (!read_at(found.file.get(), found.output_at + output,
                 std::as_writable_bytes(std::span(found.messages))))
      return std::nullopt;
    return found;
  };
  auto found = read();
  if (!found) {
    dropped(name);
    return std::nullopt;
  }
  static_cast<void>(::futimens(found->file.get(), nullptr));  // the order of use, for the next start
  return found;
}

void Reuse::keep(const std::string& key, const std::string& query_sha256, std::string_view output,
                 std::string_view messages) {
  const std::uint64_t bytes = kHeaderBytes + key.size() + output.size() + messages.size();
  if (bytes > options_.most_bytes) return;
  const std::string name = name_of(key, query_sha256);
  Writing file(*this, name);
  for (const std::string_view part : {std::string_view(key), output, messages})
    file.add(std::as_bytes(std::span(part)));
  if (file.finish({.bytes = {key.size(), output.size(), messages.size()}, .sum = {}})) added(name, bytes);
}

void Reuse::use(Entries::value_type& entry) {
  by_use_.erase(entry.second.used);
  entry.second.used = ++uses_;
  by_use_.emplace(uses_, entry.first);
}

void Reuse::erase(Entries::iterator entry) {
  bytes_ -= entry->second.bytes;
  by_use_.erase(entry->second.used);
  entries_.erase(entry);
}

void Reuse::added(const std::string& name, std::uint64_t bytes) {
  std::vector<std::string> gone;
  {
    const MutexLock lock(mutex_);
    const auto entry = entries_.try_emplace(name).first;
    bytes_ += bytes - entry->second.bytes;
    entry->second.bytes = bytes;
    use(*entry);
    while (bytes_ > options_.most_bytes) {
      gone.push_back(by_use_.begin()->second);
      erase(entries_.find(gone.back()));
    }
  }
  for (const std::string& one : gone) ::unlink((options_.folder / one).c_str());
}

void Reuse::dropped(const std::string& name) {
  const MutexLock lock(mutex_);
  const auto entry = entries_.find(name);
  if (entry == entries_.end()) return;
  erase(entry);
  ::unlink((options_.folder / name).c_str());
}

Reuse::Counts Reuse::counts() const {
  const MutexLock lock(mutex_);
  return {.entries = entries_.size(), .bytes = bytes_};
}

}  // namespace loom::sched
