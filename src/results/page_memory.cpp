#include "results/page_memory.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/sha256.hpp"

namespace loom::results {
namespace {

constexpr std::size_t kMostTotals = 1000;
constexpr std::size_t kMostAhead = 32;  // of twice 160 kB
constexpr std::size_t kMostRows = 2 * PageMemory::kRowsAhead;
constexpr std::size_t kMostSets = 32;

}  // namespace

std::string key_of(const Sql& sql) {
  std::string text = sql.text;
  for (const Bound& value : sql.values) {
    text += '\n';
    if (const double* number = std::get_if<double>(&value); number != nullptr) {
      text += fmt::to_string(*number);
      continue;
    }
    const std::string* words = std::get_if<std::string>(&value);
    const std::string& all =
        words != nullptr ? *words : std::get<std::shared_ptr<const SubjectSet>>(value)->key();
    text += fmt::format("{}:{}", all.size(), all);
  }
  return sha256_hex(text);
}

std::optional<std::optional<std::uint64_t>> PageMemory::total(const std::string& key) {
  const MutexLock lock(mutex_);
  const auto known = totals_.find(key);
  if (known == totals_.end()) return std::nullopt;
  return std::optional<std::optional<std::uint64_t>>(std::in_place, known->second);
}

void PageMemory::keep_total(const std::string& key, std::optional<std::uint64_t> total) {
  const MutexLock lock(mutex_);
  if (totals_.size() >= kMostTotals) totals_.clear();
  totals_[key] = total;
}

std::optional<std::size_t> PageMemory::Ahead::place_behind(const PageCursor& cursor) const {
  if (cursor.id == after.id) return 0;
  const auto found = std::ranges::find(rows, cursor.id, &PageCursor::id);
  return found == rows.end() ? std::nullopt : std::optional<std::size_t>(found - rows.begin() + 1);
}

std::optional<std::vector<PageCursor>> PageMemory::rows(const std::string& key, Sort sort,
                                                        const PageCursor& after, std::size_t limit) {
  Kept kept;
  {
    const MutexLock lock(mutex_);
    const auto known = ahead_.find({key, sort});
    if (known == ahead_.end()) return std::nullopt;
    kept = known->second;
  }
  for (const auto& ahead : kept) {
    const auto place = ahead ? ahead->place_behind(after) : std::nullopt;
    if (!place) continue;
    const std::size_t left = ahead->rows.size() - *place;
    if (left < limit && !ahead->whole) continue;
    const auto first = ahead->rows.begin() + static_cast<std::ptrdiff_t>(*place);
    return std::vector(first, first + static_cast<std::ptrdiff_t>(std::min(left, limit)));
  }
  return std::nullopt;
}

void PageMemory::keep_rows(const std::string& key, Sort sort, const PageCursor& after,
                           std::vector<PageCursor> rows, bool whole) {
  const MutexLock lock(mutex_);
  if (ahead_.size() >= kMostAhead) ahead_.clear();
  Kept& kept = ahead_[{key, sort}];
  for (auto& ahead : kept) {
    const auto place = ahead ? ahead->place_behind(after) : std::nullopt;
    if (!place || *place + rows.size() > kMostRows) continue;
    std::vector<PageCursor> joined(ahead->rows.begin(),
                                   ahead->rows.begin() + static_cast<std::ptrdiff_t>(*place));
    joined.insert(joined.end(), rows.begin(), rows.end());
    ahead = std::make_shared<Ahead>(Ahead{.after = ahead->after, .rows = std::move(joined), .whole = whole});
    return;
  }
  kept[after.id == 0 ? 0 : 1] =
      std::make_shared<Ahead>(Ahead{.after = after, .rows = std::move(rows), .whole = whole});
}

bool PageMemory::was_in_vain(const std::string& key, Sort sort) {
  const MutexLock lock(mutex_);
  return in_vain_.contains({key, sort});
}

void PageMemory::keep_in_vain(const std::string& key, Sort sort) {
  const MutexLock lock(mutex_);
  if (in_vain_.size() >= kMostTotals) in_vain_.clear();
  in_vain_.emplace(key, sort);
}

std::shared_ptr<const SubjectSet> PageMemory::subjects(const std::string& key) {
  const MutexLock lock(mutex_);
  const auto known = sets_.find(key);
  return known == sets_.end() ? nullptr : known->second;
}

void PageMemory::keep_subjects(std::shared_ptr<const SubjectSet> subjects) {
  const MutexLock lock(mutex_);
  if (sets_.size() >= kMostSets) sets_.clear();
  sets_[subjects->key()] = std::move(subjects);
}

}  // namespace loom::results
