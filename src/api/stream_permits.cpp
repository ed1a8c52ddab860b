#include "api/stream_permits.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace loom::api {

namespace {

namespace net = http::net;

class HeldBody final : public http::BodySource {
 public:
  HeldBody(std::unique_ptr<http::BodySource> body, std::shared_ptr<void> permit)
      : permit_(std::move(permit)), body_(std::move(body)) {}
  [[nodiscard]] std::optional<std::uint64_t> size() const override { return body_->size(); }
  Result<std::size_t> read(std::span<char> into) override { return body_->read(into); }

 private:
  std::shared_ptr<void> permit_;
  std::unique_ptr<http::BodySource> body_;  // goes first
};

}  // namespace

std::shared_ptr<void> StreamPermits::try_take(const std::shared_ptr<State>& state) {
  std::size_t used = state->in_use.load();
  while (used < state->limits.most) {
    if (state->in_use.compare_exchange_weak(used, used + 1))
      return {state.get(), [state](void*) { state->in_use.fetch_sub(1); }};
  }
  return nullptr;
}

http::net::awaitable<Result<std::shared_ptr<void>>> StreamPermits::take() const {
  const std::shared_ptr<State> state = state_;
  const auto until = std::chrono::steady_clock::now() + state->limits.wait;
  net::steady_timer timer(co_await net::this_coro::executor);
  for (;;) {
    if (auto permit = try_take(state)) co_return permit;
    if (std::chrono::steady_clock::now() >= until) break;
    timer.expires_after(state->limits.look);
    co_await timer.async_wait(net::use_awaitable);
  }
  co_return error(Code::unavailable, "as many {} run as may at once ({}); try again when one has ended",
                  state->limits.what, state->limits.most);
}

std::unique_ptr<http::BodySource> with_permit(std::unique_ptr<http::BodySource> body,
                                              std::shared_ptr<void> permit) {
  return std::make_unique<HeldBody>(std::move(body), std::move(permit));
}

}  // namespace loom::api
