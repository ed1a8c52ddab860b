#include "search/query_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "base/fd.hpp"
#include "render/part_text.hpp"
#include "render/sink.hpp"

namespace loom::search {

namespace {

/// Whether `path` is a name of an open file of this process, as /dev/stdin and /dev/fd/3 are: children have
/// others under it.
bool names_descriptor(std::filesystem::path path) {
  constexpr int kMostLinks = 40;  // the kernel's own limit
  std::error_code failed;
  for (int links = 0; links < kMostLinks; ++links) {
    const auto next = std::filesystem::read_symlink(path, failed);
    if (failed) return false;
    const auto folder = std::filesystem::canonical(path.has_parent_path() ? path.parent_path() : ".", failed);
    if (!failed && folder.string().starts_with("/proc/")) return true;
    path = folder / next;
  }
  return false;
}

bool can_be_opened_again(const std::string& path) {
  struct stat info{};
  return path != "-" && ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && !names_descriptor(path);
}

bool plain_file(const std::string& path) {
  if (!can_be_opened_again(path)) return false;
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<unsigned char, 2> magic{};
  const bool gzip =
      fd && ::read(fd.get(), magic.data(), magic.size()) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
  return !gzip;
}

Status unpack(const std::string& query, const std::filesystem::path& target) {
  LOOM_TRY(const auto source, sequence::open_byte_source(query));
  LOOM_TRY(AtomicFile file, AtomicFile::create(target));
  std::vector<char> block(std::size_t{1} << 20U);
  for (;;) {
    LOOM_TRY(const std::size_t got, source->read(block));
    if (got == 0) return file.commit();
    LOOM_CHECKED(file.write(std::string_view(block.data(), got)));
  }
}

}  // namespace

std::optional<std::uint64_t> batch_size_of_user() {
  const char* text = std::getenv("BATCH_SIZE");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  if (text == nullptr) return std::nullopt;
  const std::uint64_t size = std::strtoull(text, nullptr, 10);
  return size > 0 ? std::optional(size) : std::nullopt;
}

std::string read_once_because(const blast::Options& options) {
  for (const auto& entry : options.entries()) {
    const bool file =
        entry.spec->type == blast::Type::input_file || entry.spec->refers == blast::Refers::file;
    if (!file || entry.spec->name == "query") continue;
    struct stat info{};
    const bool there = entry.text == "-" || ::stat(entry.text.c_str(), &info) == 0;
    if (there && !can_be_opened_again(entry.text))
      return fmt::format("-{}: {} can be read once only", entry.spec->name, entry.text);
  }
  return {};
}

sequence::Alphabet alphabet_of(blast::Program program) {
  return blast::query_molecule(program) == blast::Molecule::protein ? sequence::Alphabet::protein
                                                                    : sequence::Alphabet::nucleotide;
}

Result<QueryFile> open_queries(const std::string& query, blast::Program program, std::uint64_t unit_letters,
                               const std::filesystem::path& scratch) {
  QueryFile queries;
  queries.path = query;
  if (!plain_file(query)) {
    queries.path = scratch / "queries.fasta";
    LOOM_CHECKED(unpack(query, queries.path));
  }
  LOOM_TRY(const auto source, sequence::open_byte_source(queries.path.string()));
  auto map = sequence::map_queries(*source, alphabet_of(program), unit_letters);
  if (!map) return std::move(map.error());
  queries.map = *std::move(map);
  return queries;
}

Status write_units(const QueryFile& queries, std::size_t first, std::size_t last,
                   const std::filesystem::path& path) {
  const auto& units = queries.map.units;
  LOOM_TRY(AtomicFile file, AtomicFile::create(path));
  render::Sink out(file);
  const std::uint64_t end = units[last - 1].offset + units[last - 1].bytes;
  LOOM_CHECKED(render::copy_range(queries.path, units[first].offset, end, out));
  LOOM_CHECKED(out.flush());
  return file.commit();
}

}  // namespace loom::search
