#pragma once
#include <sys/fsuid.h>
#include <unistd.h>

namespace loom::testkit {

/// This thread is to the file system nobody of importance while this lives: root may read and write all.
class WithoutRights {
 public:
  WithoutRights() : before_(static_cast<uid_t>(::setfsuid(::geteuid() == 0 ? kNobody : ::geteuid()))) {}
  WithoutRights(const WithoutRights&) = delete;
  WithoutRights& operator=(const WithoutRights&) = delete;
  ~WithoutRights() { ::setfsuid(before_); }

 private:
  static constexpr uid_t kNobody = 65534;
  uid_t before_;
};

}  // namespace loom::testkit
