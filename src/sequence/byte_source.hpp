#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace loom::sequence {

/// A stream of bytes read once, from front to back, in constant memory.
/// Thread-safety: none; one thread at a time.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  /// Fills the front of `into` (not empty) and returns how many bytes it wrote: 0 only at the end of the
  /// input. May return fewer than asked for. Blocking: yes, on disk or pipe.
  /// After an error the source is of no further use. Errors name the input: corrupt (gzip data cut short or
  /// damaged), and those of a failed read.
  virtual Result<std::size_t> read(std::span<char> into) = 0;
};

/// Opens a file, a named pipe or, for "-", standard input. Gzip data (RFC 1952, any number of members) is
/// recognised by its magic bytes and unpacked; anything else is passed on as it stands. Memory: 0.2 MiB.
/// Errors: not_found, and the others of open(2).
Result<std::unique_ptr<ByteSource>> open_byte_source(const std::string& path);

/// The same on a descriptor that is open already and that the source then owns. `name` stands for the input
/// in error messages.
std::unique_ptr<ByteSource> byte_source_of(Fd fd, const std::string& name);

/// What `from` gives, unpacked if it is gzip data. As open_byte_source.
std::unique_ptr<ByteSource> unpacked(std::unique_ptr<ByteSource> from, std::string name);

}  // namespace loom::sequence
