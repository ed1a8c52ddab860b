#include "storage/azure/retry.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <string>

#include "base/number.hpp"

namespace loom::storage::azure {

std::chrono::milliseconds backoff(const RetryPolicy& policy, int next, double random) {
  auto wait = policy.first_wait;
  for (int i = 2; i < next && wait < policy.most_wait; ++i) wait *= 2;
  wait = std::min(wait, policy.most_wait);
  return wait - std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(
                    static_cast<double>(wait.count()) / 2 * random));
}

std::optional<std::chrono::seconds> parse_retry_after(std::string_view text,
                                                      std::chrono::system_clock::time_point now) {
  constexpr std::chrono::seconds kMost{24L * 60 * 60};
  if (const auto seconds = number_of<std::chrono::seconds::rep>(text); seconds && *seconds >= 0)
    return std::min(std::chrono::seconds(*seconds), kMost);
  const time_t when = curl_getdate(std::string(text).c_str(), nullptr);
  if (when < 0) return std::nullopt;
  // In whole seconds: a far year does not fit the clock's own unit.
  const auto from = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch();
  return std::clamp(std::chrono::seconds(when) - from, std::chrono::seconds(0), kMost);
}

bool worth_retrying(int http_status) {
  return http_status == 408 || http_status == 429 || http_status == 500 || http_status == 502 ||
         http_status == 503 || http_status == 504;
}

}  // namespace loom::storage::azure
