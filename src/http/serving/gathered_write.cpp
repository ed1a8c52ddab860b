#include "http/serving/gathered_write.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace loom::http {
namespace {

void take_off(std::span<iovec>& rest, std::size_t bytes) {
  while (!rest.empty() && bytes >= rest.front().iov_len) {
    bytes -= rest.front().iov_len;
    rest = rest.subspan(1);
  }
  if (bytes == 0) return;
  rest.front().iov_base = static_cast<char*>(rest.front().iov_base) + bytes;
  rest.front().iov_len -= bytes;
}

}  // namespace

Sent send_now(int socket, std::span<iovec>& rest) {
  constexpr std::size_t kMostPieces = 1024;  // IOV_MAX
  take_off(rest, 0);
  while (!rest.empty()) {
    msghdr message{};
    message.msg_iov = rest.data();
    message.msg_iovlen = std::min(rest.size(), kMostPieces);
    const auto sent = ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK ? Sent::blocked : Sent::failed;
    }
    take_off(rest, static_cast<std::size_t>(sent));
  }
  return Sent::all;
}

}  // namespace loom::http
