#include "service/fasta_feeder.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <span>
#include <vector>

#include "base/guarded.hpp"

namespace loom::service {

namespace {

/// False when the reader is gone.
bool send_all(int to, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<FastaFeeder>> FastaFeeder::open(const std::filesystem::path& fasta,
                                                       BuildProgress progress) {
  std::unique_ptr<FastaFeeder> feeder(new FastaFeeder(std::move(progress)));
  if (fasta == "-") {
    LOOM_TRY(feeder->source_, sequence::open_byte_source("-"));
    return feeder;
  }
  Fd fd(::open(fasta.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_error(errno, fasta.string());
  std::error_code unknown;
  feeder->total_ =
      std::filesystem::is_regular_file(fasta, unknown) ? std::filesystem::file_size(fasta, unknown) : 0;
  // The descriptor is shared with the source: its offset tells how far that has read.
  feeder->place_ = Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  feeder->source_ = sequence::byte_source_of(std::move(fd), fasta.string());
  return feeder;
}

void FastaFeeder::run(int to) {
  const Status fed = guarded([&] { return feed(to); });
  if (!fed) failure_ = fed.error();
}

Status FastaFeeder::feed(int to) {
  std::vector<char> block(std::size_t{1} << 18U);
  for (;;) {
    LOOM_TRY(const std::size_t got, source_->read(block));
    if (got == 0) return ok();
    const std::span<const char> came = std::span(block).first(got);
    ids_.add({came.data(), came.size()});
    bytes_ += came.size();
    if (!send_all(to, came)) return ok();
    if (progress_ && place_)
      progress_(static_cast<std::uint64_t>(::lseek(place_.get(), 0, SEEK_CUR)), total_);
  }
}

}  // namespace loom::service
