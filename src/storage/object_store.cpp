#include "storage/object_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/atomic_file.hpp"
#include "base/fd.hpp"

namespace loom::storage {
namespace {

constexpr std::size_t kMaxKeyBytes = 1024;
constexpr std::size_t kMaxSegmentBytes = 200;  // leaves room for a store's own affixes in a file name

/// What is wrong with a segment, or nothing.
std::string_view fault_in(std::string_view segment) {
  if (segment.empty()) return "an empty segment";
  if (segment.size() > kMaxSegmentBytes) return "a segment of more than 200 bytes";
  if (segment.front() == '.') return "a segment that begins with '.'";
  if (segment.back() == '.' || segment.back() == ' ') return "a segment that ends with '.' or a space";
  const auto allowed = [](char c) { return c >= ' ' && c <= '~' && c != '\\'; };
  if (!std::all_of(segment.begin(), segment.end(), allowed))
    return "a byte that is not printable ASCII, or '\\'";
  return {};
}

/// `text` for a message: cut, and without the bytes that a key must not have.
std::string shown(std::string_view text) {
  constexpr std::size_t kMaxShown = 80;
  std::string safe(text.substr(0, kMaxShown));
  std::replace_if(safe.begin(), safe.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return safe;
}

}  // namespace

Result<ObjectKey> ObjectKey::parse(std::string_view text) {
  if (text.size() > kMaxKeyBytes) {
    return error(Code::invalid_argument, "object key '{}...' has {} bytes, at most {} are allowed",
                 shown(text), text.size(), kMaxKeyBytes);
  }
  for (std::string_view rest = text;;) {
    const std::size_t slash = rest.find('/');
    if (const std::string_view fault = fault_in(rest.substr(0, slash)); !fault.empty()) {
      return error(Code::invalid_argument, "object key '{}' has {}", shown(text), fault);
    }
    if (slash == std::string_view::npos) return ObjectKey(text);
    rest.remove_prefix(slash + 1);
  }
}

Error no_such_object(const ObjectKey& key) {
  return error(Code::not_found, "no object '{}'", key.str());
}

Error object_too_large(const ObjectKey& key, std::uint64_t size_bytes, std::uint64_t max_bytes) {
  return error(Code::too_large, "object '{}' has {} bytes, more than the {} this read allows", key.str(),
               size_bytes, max_bytes);
}

Error key_in_the_way(const ObjectKey& key) {
  return error(Code::conflict,
               "object '{}' cannot be: one key would be a folder of another; choose another key", key.str());
}

Status ObjectReader::skip(std::uint64_t count, Deadline deadline) {
  std::vector<std::byte> block(std::min<std::uint64_t>(count, kBlock));
  while (count > 0) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(count, block.size()));
    LOOM_TRY(const std::size_t came, read(std::span(block).first(wanted), deadline));
    if (came == 0) return error(Code::corrupt, "an object ends {} bytes before the place asked for", count);
    count -= came;
  }
  return ok();
}

std::unique_ptr<ObjectReader> text_reader(std::string bytes) {
  class TextReader final : public ObjectReader {
   public:
    explicit TextReader(std::string bytes) : bytes_(std::move(bytes)) {}
    Result<std::size_t> read(std::span<std::byte> into, Deadline /*deadline*/) override {
      const std::size_t count = std::min(into.size(), bytes_.size() - at_);
      std::memcpy(into.data(), bytes_.data() + at_, count);
      at_ += count;
      return count;
    }

   private:
    std::string bytes_;
    std::size_t at_ = 0;
  };
  return std::make_unique<TextReader>(std::move(bytes));
}

Status put_file(ObjectStore& store, const ObjectKey& key, const std::filesystem::path& path,
                Deadline deadline, const std::stop_token& stop) {
  const Fd from(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!from) return system_error(errno, "read " + path.filename().string());
  LOOM_TRY(const auto writer, store.open_writer(key, deadline));
  std::vector<std::byte> block(kBlock);
  for (;;) {
    if (stop.stop_requested()) return error(Code::cancelled, "object '{}' was not written", key.str());
    const ssize_t got = ::read(from.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(errno, "read " + path.filename().string());
    if (got == 0) return writer->commit(deadline);
    LOOM_CHECKED(writer->write(std::span(block).first(static_cast<std::size_t>(got)), deadline));
  }
}

Status copy_to_file(ObjectReader& from, const std::filesystem::path& path, Deadline deadline,
                    const std::stop_token& stop) {
  LOOM_TRY(AtomicFile to, AtomicFile::create(path));
  std::vector<std::byte> block(kBlock);
  for (;;) {
    if (stop.stop_requested()) return error(Code::cancelled, "{} was not written", path.filename().string());
    LOOM_TRY(const std::size_t got, from.read(block, deadline));
    if (got == 0) return to.commit();
    LOOM_CHECKED(to.write(std::span<const std::byte>(block).first(got)));
  }
}

Status get_file(ObjectStore& store, const ObjectKey& key, const std::filesystem::path& path,
                Deadline deadline, const std::stop_token& stop) {
  LOOM_TRY(const auto reader, store.open_reader(key, deadline));
  return copy_to_file(*reader, path, deadline, stop);
}

}  // namespace loom::storage
