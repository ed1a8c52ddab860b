#pragma once
#include <boost/json.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "app/flags.hpp"
#include "app/query_form.hpp"
#include "base/result.hpp"
#include "http/client.hpp"

namespace loom::app {

/// How long a server that is gone, or busy, is waited for.
inline constexpr std::chrono::seconds kPatience{120};

/// What a person needs of an answer that is a problem.
Error problem_of(const http::Reply& reply);

/// A user's talk with the server. Move-only; one thread at a time. Blocking: on the network.
class Session {
 public:
  /// The server: --server, else BLASTLOOM_SERVER, else `server` of the user's file, else
  /// http://127.0.0.1:8765. The token: BLASTLOOM_TOKEN, else `token` of the file, which goes to no other
  /// server than the file's. The file, in TOML: $XDG_CONFIG_HOME/blastloom/client.toml, or
  /// ~/.config/blastloom/client.toml; it need not be there. `quiet`: how long the server may say nothing.
  /// Errors: invalid_argument, naming file and line, for another key and for a token that others may read;
  /// those of http::Client::connect.
  static Result<Session> open(const Arguments& arguments, std::chrono::seconds quiet);

  Result<std::string> call(boost::beast::http::verb method, const std::string& target,
                           const std::string& body = {});
  Result<boost::json::value> ask(boost::beast::http::verb method, const std::string& target,
                                 const std::string& body = {});

  using MakeForm = std::function<Result<std::unique_ptr<QueryForm>>()>;
  /// Submits what `form` makes, under `key`: however often the server takes it, it is one job. While the
  /// server is away, or its answer is lost, it is sent again with a new form, if it is `repeatable`, for
  /// kPatience.
  Result<boost::json::value> submit(const MakeForm& form, const std::string& key, bool repeatable);

  Result<http::Client::Followed> follow(const std::string& target, std::string_view last_event_id,
                                        const http::Client::OnEvent& told, std::stop_token stop) {
    return client_.follow_events(target, last_event_id, told, std::move(stop), headers_);
  }
  http::Client& client() { return client_; }
  [[nodiscard]] const http::Pairs& headers() const { return headers_; }
  [[nodiscard]] bool json_wanted() const { return json_; }

 private:
  explicit Session(http::Client client) : client_(std::move(client)) {}
  static Result<boost::json::value> parsed(const std::string& text);

  http::Client client_;
  http::Pairs headers_;
  bool json_ = false;
};

}  // namespace loom::app
