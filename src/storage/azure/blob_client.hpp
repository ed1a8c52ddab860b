#pragma once
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "storage/azure/account.hpp"
#include "storage/azure/request.hpp"
#include "storage/azure/retry.hpp"

namespace loom::storage::azure {

/// Sends requests to one account and keeps its connections. TLS certificates are verified. Thread-safe.
class BlobClient {
 public:
  BlobClient(Account account, RetryPolicy retry);
  BlobClient(const BlobClient&) = delete;
  BlobClient& operator=(const BlobClient&) = delete;
  ~BlobClient();

  /// The service's answer, whatever it says but what is worth retrying: that is retried, after what it asks
  /// for by Retry-After or a growing wait, until `deadline` or the last attempt. Blocking. Errors, which name
  /// the request and never a secret: timed_out past `deadline`; unavailable; corrupt for a reply that is too
  /// long.
  Result<Reply> send(const Request& request, Deadline deadline);

  /// Closes the connections that nobody uses, and from now on each one after its use.
  void retire();

 private:
  class Connection;
  struct Attempt;
  std::unique_ptr<Connection> take();
  void give_back(std::unique_ptr<Connection> connection);
  Attempt try_once(const Request& request, Deadline deadline);

  const Account account_;
  const RetryPolicy retry_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_ GUARDED_BY(mutex_);
  bool retired_ GUARDED_BY(mutex_) = false;
};

}  // namespace loom::storage::azure
