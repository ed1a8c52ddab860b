#include "storage/azure/upload_pool.hpp"

namespace loom::storage::azure {

UploadPool::UploadPool(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

UploadPool::~UploadPool() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

UploadPool::Taken UploadPool::offer(std::function<void()>& upload) {
  {
    const MutexLock lock(mutex_);
    if (waiting_.size() >= threads_.size()) return Taken::full;
    waiting_.push_back(std::move(upload));
  }
  changed_.notify_one();
  return Taken::yes;
}

void UploadPool::work() {
  for (;;) {
    std::function<void()> upload;
    {
      const MutexLock lock(mutex_);
      while (waiting_.empty() && !stopping_) changed_.wait(mutex_);
      if (waiting_.empty()) return;
      upload = std::move(waiting_.front());
      waiting_.pop_front();
    }
    upload();
  }
}

}  // namespace loom::storage::azure
