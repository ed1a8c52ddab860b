#include "render/part_text.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace loom::render {

namespace {
Result<Fd> open_part(const std::filesystem::path& file) {
  Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_error(errno, "open " + file.string());
  return fd;
}
}  // namespace

Result<std::uint64_t> size_of(const std::filesystem::path& file) {
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0) return system_error(errno, "read " + file.string());
  return static_cast<std::uint64_t>(info.st_size);
}

Status copy_range(const std::filesystem::path& file, std::uint64_t from, std::uint64_t to, Sink& out) {
  LOOM_TRY(const Fd fd, open_part(file));
  std::vector<char> block(std::size_t{256} << 10);
  while (from < to) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), to - from));
    const ssize_t got = ::pread(fd.get(), block.data(), want, static_cast<off_t>(from));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(errno, "read " + file.string());
    if (got == 0) return unlike(file, "it ends too early");
    LOOM_CHECKED(out.write({block.data(), static_cast<std::size_t>(got)}));
    from += static_cast<std::uint64_t>(got);
  }
  return ok();
}

Result<RangeReader> RangeReader::open(const std::filesystem::path& file) {
  LOOM_TRY(Fd fd, open_part(file));
  return RangeReader(std::move(fd), file);
}

Result<std::string> RangeReader::read(std::uint64_t from, std::uint64_t to) const {
  std::string text(static_cast<std::size_t>(to - from), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t got =
        ::pread(fd_.get(), text.data() + done, text.size() - done, static_cast<off_t>(from + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(errno, "read " + file_.string());
    if (got == 0) return unlike(file_, "it ends too early");
    done += static_cast<std::size_t>(got);
  }
  return text;
}

Result<std::string> tail_of(const std::filesystem::path& file, std::uint64_t most) {
  LOOM_TRY(const std::uint64_t size, size_of(file));
  LOOM_TRY(const RangeReader reader, RangeReader::open(file));
  return reader.read(size - std::min(size, most), size);
}

std::string xml_escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '\'':
        result += "&apos;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string json_escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

Error unlike(const std::filesystem::path& file, std::string_view what) {
  return error(
      Code::corrupt,
      "output of a task, {}: {}. The engine wrote something else than this format has, or the disk lost "
      "it; run the search again, and report this if it stays.",
      file.filename().string(), what);
}

}  // namespace loom::render
