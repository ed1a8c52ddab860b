#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "sequence/byte_source.hpp"
#include "service/repeated_ids.hpp"

namespace loom::service {

/// Bytes of a file that were read, packed as they lie there, and in all (0: not known).
using BuildProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// Hands FASTA text, unpacked, to a process that reads it, and looks at its ids on the way. One thread at a
/// time.
class FastaFeeder {
 public:
  /// "-" is standard input. `progress` may be empty. Errors: not_found and the like.
  static Result<std::unique_ptr<FastaFeeder>> open(const std::filesystem::path& fasta,
                                                   BuildProgress progress);

  /// Writes all of it to the socket `to`, or until its reader is gone. Once. Blocking.
  void run(int to);

  // After run():
  /// What went wrong with reading.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  /// Once.
  RepeatedIds repeated() { return ids_.finish(); }

 private:
  explicit FastaFeeder(BuildProgress progress) : progress_(std::move(progress)) {}
  Status feed(int to);

  BuildProgress progress_;
  std::unique_ptr<sequence::ByteSource> source_;
  Fd place_;
  std::uint64_t total_ = 0;
  std::uint64_t bytes_ = 0;
  RepeatedIdsFinder ids_;
  std::optional<Error> failure_;
};

}  // namespace loom::service
