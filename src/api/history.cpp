#include "api/history.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace loom::api {
namespace {

namespace net = boost::asio;

constexpr int kPagesAtOnce = 2;
constexpr std::chrono::milliseconds kPageSpace{25};

struct Page {
  std::shared_ptr<std::string> frames = std::make_shared<std::string>();
  std::uint64_t after = 0;               ///< the last id that was looked at
  std::optional<store::JobState> state;  ///< after the last event
  bool end = false;                      ///< there are no more now
};

Result<Page> read_page(service::JobService& jobs, const service::Caller& caller, const Topic& topic,
                       std::uint64_t after) {
  Page page;
  std::vector<store::Event> events;
  if (topic.job) {
    LOOM_TRY(events, jobs.events(caller, *topic.job, after, store::kMostRows, lookup_deadline()));
    page.after = events.empty() ? after : events.back().seq;
    page.end = events.size() < store::kMostRows;
  } else {
    page.after = after;
    LOOM_TRY(events, jobs.all_events(caller, after, store::kMostRows, page.after, lookup_deadline()));
    // Others' events may fill a page of which nothing is shown.
    page.end = page.after <= after;
  }
  for (const store::Event& event : events) append_frame(*page.frames, event, topic.job.has_value());
  if (!events.empty()) page.state = events.back().state;
  return page;
}

}  // namespace

net::awaitable<void> catch_up(Context& context, service::Caller caller, std::shared_ptr<Listener> listener,
                              std::uint64_t after, bool final_at_first) {
  const Topic topic = listener->topic();
  bool at_its_end = final_at_first;
  bool live = false;
  net::steady_timer pause(co_await net::this_coro::executor);
  int pages = 0;
  while (!live && !listener->gone()) {
    context.broadcaster.begin_catching_up(*listener);
    bool more = true;
    while (more && !listener->gone()) {
      if (pages++ >= kPagesAtOnce) {
        pause.expires_after(kPageSpace);
        co_await pause.async_wait(net::use_awaitable);
      }
      const auto read = [&context, &caller, &topic, after] {
        return read_page(context.deps.jobs, caller, topic, after);
      };
      const auto page = co_await context.deps.blocking.run(read);
      if (!page) {
        listener->sink().close();
        co_return;
      }
      after = page->after;
      if (page->state) at_its_end = store::is_final(*page->state);
      listener->sink().send(page->frames);
      more = !page->end;
    }
    if (topic.job && at_its_end) {
      listener->sink().close();
      co_return;
    }
    live = context.broadcaster.try_go_live(*listener, after);
  }
}

}  // namespace loom::api
