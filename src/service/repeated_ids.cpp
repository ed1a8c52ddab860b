#include "service/repeated_ids.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cctype>

#include "base/text.hpp"

namespace loom::service {

namespace {

constexpr std::size_t kMostDefline = std::size_t{1} << 20U;  // what is longer is cut

std::uint64_t hash_of(std::string_view id) {
  std::string same(id);
  std::ranges::transform(same, same.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return XXH3_64bits(same.data(), same.size());
}

}  // namespace

std::string words_of(const RepeatedIds& repeated) {
  if (repeated.count == 0) return {};
  std::string text =
      fmt::format("{} id{} more than once: ", repeated.count, repeated.count == 1 ? " stands" : "s stand");
  for (const auto& one : repeated.first)
    text += fmt::format("{}{} (lines {} and {})", &one == &repeated.first.front() ? "" : ", ",
                        one.id.substr(0, 80), one.first_line, one.line);
  return text + (repeated.count > repeated.first.size() ? ", …" : "");
}

void RepeatedIdsFinder::add(std::string_view bytes) {
  while (!bytes.empty()) {
    if (at_start_) in_defline_ = bytes.front() == '>';
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (in_defline_ && defline_.size() < kMostDefline)
      defline_ += part.substr(0, kMostDefline - defline_.size());
    at_start_ = end != std::string_view::npos;
    if (!at_start_) return;
    if (in_defline_) end_defline();
    ++line_;
    bytes.remove_prefix(end + 1);
  }
}

RepeatedIds RepeatedIdsFinder::finish() {
  if (!defline_.empty()) end_defline();
  return std::move(found_);
}

void RepeatedIdsFinder::end_defline() {
  std::string_view rest = std::string_view(defline_).substr(1);  // without '>'
  for (;;) {
    const std::size_t end = rest.find('\x01');
    if (const std::string_view id = first_word(rest.substr(0, end)); !id.empty()) note(id);
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  defline_.clear();
  in_defline_ = false;
}

void RepeatedIdsFinder::note(std::string_view id) {
  const std::uint64_t hash = hash_of(id);
  Slot& slot = place_of(hash);
  if (slot.line != 0) {
    ++found_.count;
    if (found_.first.size() < RepeatedIds::kMostShown)
      found_.first.push_back({.id = std::string(id), .first_line = slot.line, .line = line_});
    return;
  }
  if (used_ == RepeatedIds::kMostIds) {
    found_.complete = false;
    return;
  }
  slot = {hash, line_};
  if (++used_ * 2 > slots_.size()) grow();
}

RepeatedIdsFinder::Slot& RepeatedIdsFinder::place_of(std::uint64_t hash) {
  std::size_t at = hash & (slots_.size() - 1);
  while (slots_[at].line != 0 && slots_[at].hash != hash) at = (at + 1) & (slots_.size() - 1);
  return slots_[at];
}

void RepeatedIdsFinder::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& one : old)
    if (one.line != 0) place_of(one.hash) = one;
}

}  // namespace loom::service
