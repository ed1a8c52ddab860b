#include "api/until_final.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace loom::api {

namespace net = http::net;

net::awaitable<Result<store::Job>> until_final(Context& context, service::Caller caller, store::JobId id,
                                               Duration most) {
  const auto executor = co_await net::this_coro::executor;
  const auto timer = std::make_shared<net::steady_timer>(executor);
  timer->expires_after(most);
  const auto ends_it = [id](const store::Event& event) {
    return event.job == id && store::is_final(event.state);
  };
  auto listener = [executor, timer, ends_it](const std::vector<store::Event>& events) {
    if (std::ranges::none_of(events, ends_it)) return;
    // Not cancel(): the wait may be still to come.
    net::post(executor, [timer] { timer->expires_at(net::steady_timer::time_point::min()); });
  };
  std::shared_ptr<void> listening;
  context.deps.hub.listen(std::move(listener), listening);
  const auto look = [&] { return context.deps.jobs.get(caller, id, lookup_deadline()); };
  auto job = co_await context.deps.blocking.run(look);
  if (!job || store::is_final(job->state)) co_return job;
  co_await timer->async_wait(net::as_tuple(net::use_awaitable));
  co_return co_await context.deps.blocking.run(look);
}

}  // namespace loom::api
