#pragma once
#include <chrono>
#include <optional>
#include <string_view>

#include "base/clock.hpp"

namespace loom::storage::azure {

/// How often and how long after each other a request is tried.
struct RetryPolicy {
  int attempts = 12;                          ///< at least 1; these take 31 to 62 s where nobody answers
  std::chrono::milliseconds first_wait{200};  ///< doubled for each further one
  std::chrono::milliseconds most_wait{10'000};
  std::chrono::milliseconds silence{30'000};  ///< an attempt without a byte for that long is given up
};

/// The wait before attempt number `next` (from 2): a random part of it is left out, at most half, so that
/// many clients do not come back at once. `random` is 0 to 1.
std::chrono::milliseconds backoff(const RetryPolicy& policy, int next, double random);

/// What a Retry-After header asks for (RFC 9110, 10.2.3): seconds, or a date compared with `now`. Nothing
/// when it is neither.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view text,
                                                      std::chrono::system_clock::time_point now);

/// 408, 429, 500, 502, 503 and 504: the same request may succeed later.
bool worth_retrying(int http_status);

}  // namespace loom::storage::azure
