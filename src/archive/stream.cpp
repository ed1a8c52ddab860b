#include "archive/stream.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "base/fd.hpp"

namespace loom::archive {

Result<Pull> pull_file(const std::filesystem::path& path) {
  // A std::function must be copyable, hence the shared descriptor.
  auto fd = std::make_shared<Fd>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!*fd) return system_error(errno, path.string());
  return Pull([fd, name = path.string()](std::span<char> into) -> Result<std::size_t> {
    for (;;) {
      const ssize_t got = ::read(fd->get(), into.data(), into.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) return system_error(errno, "read " + name);
    }
  });
}

Pull pull_text(std::string_view text, std::size_t piece_bytes) {
  return [rest = text, piece_bytes](std::span<char> into) mutable -> Result<std::size_t> {
    const std::size_t size = std::min({rest.size(), into.size(), piece_bytes});
    if (size > 0) std::memcpy(into.data(), rest.data(), size);
    rest.remove_prefix(size);
    return size;
  };
}

Write append_to(std::string& into) {
  return [&into](std::string_view text) {
    into += text;
    return ok();
  };
}

}  // namespace loom::archive
