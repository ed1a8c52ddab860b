#include "http/server.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <deque>
#include <thread>

#include "http/serving/lane.hpp"

namespace loom::http {
namespace {

using boost::asio::ip::tcp;

class LanedServer final : public Server {
 public:
  LanedServer(ServerOptions options, std::vector<Route> routes, Handler fallback,
              async::BlockingPool& blocking)
      : site_{std::move(options), Router(std::move(routes)), {}, blocking, {}} {
    site_.fallback.handler = std::move(fallback);
    for (std::size_t i = 0; i < std::max<std::size_t>(1, site_.options.threads); ++i)
      lanes_.emplace_back(site_);
  }

  Status listen() {
    boost::system::error_code bad;
    const auto address = boost::asio::ip::make_address(site_.options.host, bad);
    if (bad) {
      return error(Code::invalid_argument,
                   "cannot listen on '{}': not an IP address; try 127.0.0.1 or 0.0.0.0", site_.options.host);
    }
    tcp::endpoint at(address, site_.options.port);
    const bool shared = lanes_.size() > 1;
    if (shared && at.port() != 0) {
      // A shared port would let in another server of the same user, silently: so it must be free unshared.
      Lane probe(site_);
      LOOM_CHECKED(probe.listen(at, false));
    }
    for (Lane& lane : lanes_) {
      LOOM_CHECKED(lane.listen(at, shared));
      at.port(lane.port());
    }
    return ok();
  }

  [[nodiscard]] std::uint16_t port() const override { return lanes_.front().port(); }
  void on_exchange(std::function<void(const Exchange&)> told) override { site_.told = std::move(told); }

  void run() override {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < lanes_.size(); ++i) others.emplace_back([&lane = lanes_[i]] { lane.run(); });
    lanes_.front().run();
  }

  void stop(std::chrono::milliseconds grace) override {
    for (Lane& lane : lanes_) lane.post_stop(grace);
  }

  [[nodiscard]] std::size_t connections() const override {
    return site_.open.load(std::memory_order_relaxed);
  }

 private:
  Site site_;
  std::deque<Lane> lanes_;  // they do not move
};

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(ServerOptions options, std::vector<Route> routes,
                                               Handler fallback, async::BlockingPool& blocking) {
  auto server =
      std::make_unique<LanedServer>(std::move(options), std::move(routes), std::move(fallback), blocking);
  LOOM_CHECKED(server->listen());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace loom::http
