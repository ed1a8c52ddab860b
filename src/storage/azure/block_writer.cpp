#include "storage/azure/block_writer.hpp"

#include <algorithm>
#include <array>

#include "base/base64.hpp"
#include "base/guarded.hpp"

namespace loom::storage::azure {
namespace {

constexpr std::size_t kMostBlocks = 50'000;   // the service's limit
constexpr std::size_t kSmallBlocks = 10'000;  // after that they are larger: 1.3 TiB in all from 4 MiB on
constexpr std::size_t kLargerBy = 8;

std::string block_id(std::uint32_t number, std::uint32_t size, const Md5Digest& md5) {
  std::array<std::byte, 24> raw{};
  for (std::size_t i = 0; i < 4; ++i) {
    raw.at(i) = static_cast<std::byte>(number >> (24 - 8 * i));
    raw.at(4 + i) = static_cast<std::byte>(size >> (24 - 8 * i));
  }
  std::copy(md5.begin(), md5.end(), raw.begin() + 8);
  return base64(raw);
}

}  // namespace

BlockWriter::BlockWriter(Blobs& blobs, UploadPool& pool, ObjectKey key, std::size_t block_bytes)
    : blobs_(blobs), pool_(pool), key_(std::move(key)), block_bytes_(block_bytes) {}

BlockWriter::~BlockWriter() {
  static_cast<void>(wait_for_uploads());
}

std::size_t BlockWriter::block_bytes() const {
  return ids_.size() < kSmallBlocks ? block_bytes_ : block_bytes_ * kLargerBy;
}

Status BlockWriter::write(std::span<const std::byte> bytes, Deadline deadline) {
  while (!bytes.empty()) {
    if (buffer_.size() == block_bytes()) LOOM_CHECKED(end_block(deadline));
    const std::size_t count = std::min(bytes.size(), block_bytes() - buffer_.size());
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
    bytes = bytes.subspan(count);
  }
  return ok();
}

Status BlockWriter::end_block(Deadline deadline) {
  if (ids_.size() == kMostBlocks)
    return error(Code::too_large, "object '{}' has more than {} parts, which the store does not take",
                 key_.str(), kMostBlocks);
  if (!there_) {
    LOOM_TRY(const auto blocks, blobs_.uncommitted(key_, deadline));
    there_.emplace();
    for (const Block& block : blocks) there_->emplace(block.id, block.size_bytes);
  }
  md5_.update(buffer_);
  std::string id = block_id(static_cast<std::uint32_t>(ids_.size()),
                            static_cast<std::uint32_t>(buffer_.size()), Md5::of(buffer_));
  ids_.push_back(id);
  std::vector<std::byte> bytes = std::exchange(buffer_, {});
  const auto found = there_->find(id);
  if (found != there_->end() && found->second == bytes.size()) return ok();
  return upload(std::move(id), std::move(bytes), deadline);
}

Status BlockWriter::upload(std::string id, std::vector<std::byte> bytes, Deadline deadline) {
  std::function<void()> work = [this, id = std::move(id), bytes = std::move(bytes), deadline] {
    // On a thread of the pool too, where nobody would catch it, and the writer would wait for ever.
    uploaded(guarded([&] { return blobs_.put_block(key_, id, bytes, deadline); }));
  };
  {
    const MutexLock lock(mutex_);
    if (failed_) return *failed_;
    ++under_way_;
  }
  auto taken = guarded([&]() -> Result<UploadPool::Taken> { return pool_.offer(work); });
  if (!taken) {
    uploaded(std::move(taken.error()));  // nobody has it, and the writer would wait for ever
  } else if (*taken == UploadPool::Taken::full) {
    work();
  }
  return ok();
}

/// By value: a copy of the error could throw before the count is back.
void BlockWriter::uploaded(Status done) {
  const MutexLock lock(mutex_);
  if (!done && !failed_) failed_ = std::move(done.error());
  --under_way_;
  changed_.notify_all();  // under the lock: the writer may be gone once it is free
}

Status BlockWriter::wait_for_uploads() {
  const MutexLock lock(mutex_);
  while (under_way_ > 0) changed_.wait(mutex_);
  if (failed_) return *failed_;
  return ok();
}

Status BlockWriter::commit(Deadline deadline) {
  if (ids_.empty()) {
    LOOM_CHECKED(blobs_.put(key_, buffer_, {}, deadline));
    return ok();
  }
  if (!buffer_.empty()) LOOM_CHECKED(end_block(deadline));
  LOOM_CHECKED(wait_for_uploads());
  LOOM_CHECKED(blobs_.commit(key_, ids_, md5_.finish(), {}, deadline));
  return ok();
}

}  // namespace loom::storage::azure
