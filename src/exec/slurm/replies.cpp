#include "exec/slurm/replies.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "base/lines.hpp"

namespace loom::exec::slurm {
namespace {

std::vector<std::string_view> split(std::string_view line, std::size_t fields) {
  std::vector<std::string_view> parts;
  while (parts.size() + 1 < fields) {
    const std::size_t bar = line.find('|');
    if (bar == std::string_view::npos) return {};
    parts.push_back(line.substr(0, bar));
    line.remove_prefix(bar + 1);
  }
  parts.push_back(line);
  return parts;
}

/// 3 of "12_3"; nullopt for what is no element.
std::optional<std::size_t> index_in(std::string_view slurm_id) {
  const std::size_t bar = slurm_id.find('_');
  if (bar == std::string_view::npos) return std::nullopt;
  std::size_t index = 0;
  const std::string_view number = slurm_id.substr(bar + 1);
  const auto read = std::from_chars(number.data(), number.data() + number.size(), index);
  return read.ec == std::errc{} ? std::optional(index) : std::nullopt;
}

/// "1-02:03:04", "03:04.500"; 0 for what is none.
Duration parse_time(std::string_view text) {
  double seconds = 0;
  double days = 0;
  if (const std::size_t dash = text.find('-'); dash != std::string_view::npos) {
    const std::string_view front = text.substr(0, dash);
    std::from_chars(front.begin(), front.end(), days);
    text.remove_prefix(dash + 1);
  }
  while (!text.empty()) {
    double part = 0;
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string_view front = text.substr(0, colon);
    std::from_chars(front.begin(), front.end(), part);
    seconds = seconds * 60 + part;
    text.remove_prefix(std::min(colon + 1, text.size()));
  }
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(days * 86400 + seconds));
}

/// "12345K"; 0 for what is none.
std::uint64_t parse_bytes(std::string_view text) {
  double number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc{} || number < 0) return 0;
  constexpr std::string_view kUnits = "KMGT";
  const std::size_t unit =
      read.ptr == text.data() + text.size() ? std::string_view::npos : kUnits.find(*read.ptr);
  return static_cast<std::uint64_t>(
      number *
      static_cast<double>(unit == std::string_view::npos ? 1 : std::uint64_t{1} << (10 * (unit + 1))));
}

std::string token_in(std::string_view text) {
  const std::size_t at = text.find(kComment);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + kComment.size());
  return std::string(text.substr(0, text.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz")));
}

}  // namespace

bool is_over(std::string_view state) {
  constexpr std::array<std::string_view, 10> kOver{"COMPLETED", "FAILED",    "CANCELLED", "TIMEOUT",
                                                   "NODE_FAIL", "PREEMPTED", "OUT_OF_ME", "DEADLINE",
                                                   "BOOT_FAIL", "REVOKED"};
  return std::ranges::any_of(kOver, [&](auto one) { return state.starts_with(one); });
}

bool is_held(const ElementState& element) {
  return element.state == "PENDING" && element.reason == "BeginTime";
}

Elements parse_elements(std::string_view text) {
  constexpr std::size_t kFields = 5;
  Elements elements;
  while (!text.empty()) {
    const auto parts = split(take_line(text), kFields);
    if (parts.empty() || !parts[4].starts_with(kComment)) continue;
    const auto index = index_in(parts[0]);
    if (!index) continue;
    elements[{std::string(parts[4].substr(kComment.size())), *index}] = {.slurm_id = std::string(parts[0]),
                                                                         .state = std::string(parts[1]),
                                                                         .nodes = std::string(parts[2]),
                                                                         .reason = std::string(parts[3])};
  }
  return elements;
}

Accounts parse_accounts(std::string_view text) {
  enum Column { id, state, exit_code, elapsed, cpu, peak, nodes, comment, submit_line, columns };
  Accounts accounts;
  std::string_view element;    // of the lines that follow, which are those of its steps
  Account* account = nullptr;  // its; null: it is not ours, or runs
  while (!text.empty()) {
    const auto parts = split(take_line(text), columns);
    if (parts.empty()) continue;
    if (!element.empty() && parts[id].starts_with(element) &&
        parts[id].substr(element.size()).starts_with('.')) {
      if (account == nullptr) continue;
      account->cpu = std::max(account->cpu, parse_time(parts[cpu]));
      account->peak_bytes = std::max(account->peak_bytes, parse_bytes(parts[peak]));
      continue;
    }
    element = parts[id];
    account = nullptr;
    std::string token = token_in(parts[comment]);
    if (token.empty()) token = token_in(parts[submit_line]);
    const auto index = index_in(parts[id]);
    if (token.empty() || !index || !is_over(parts[state])) continue;
    account = &accounts[{std::move(token), *index}];
    *account = {.state = std::string(parts[state]),
                .exit_code = std::string(parts[exit_code]),
                .nodes = std::string(parts[nodes]),
                .wall = parse_time(parts[elapsed]),
                .cpu = parse_time(parts[cpu]),
                .peak_bytes = parse_bytes(parts[peak])};
  }
  return accounts;
}

}  // namespace loom::exec::slurm
