#pragma once
#include <sys/uio.h>

#include <span>
#include <string_view>

namespace loom::http {

inline iovec piece(std::string_view text) {
  return {const_cast<char*>(text.data()), text.size()};
}

enum class Sent { all, blocked, failed };

/// Writes pieces in order with as few calls as may be, without blocking and without SIGPIPE. `rest` is left
/// with what is still to be sent (its pieces are changed in place).
Sent send_now(int socket, std::span<iovec>& rest);

}  // namespace loom::http
