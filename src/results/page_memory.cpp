#include "results/page_memory.hpp"

#include <algorithm>

namespace loom::results {
namespace {

constexpr std::size_t kMostTotals = 1000;
constexpr std::size_t kMostAhead = 64;  // 80 kB each
constexpr std::size_t kMostSets = 32;

}  // namespace

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

std::optional<std::vector<PageCursor>> PageMemory::rows(const std::string& key, Sort sort,
                                                        const PageCursor& after, std::size_t limit) {
  std::shared_ptr<const Ahead> ahead;
  {
    const MutexLock lock(mutex_);
    const auto known = ahead_.find({key, sort});
    if (known == ahead_.end()) return std::nullopt;
    ahead = known->second;
  }
  const auto& rows = ahead->rows;
  auto first = rows.begin();
  if (after.id != ahead->after.id) {
    const auto found = std::ranges::find(rows, after.id, &PageCursor::id);
    if (found == rows.end()) return std::nullopt;
    first = found + 1;
  }
  const auto left = static_cast<std::size_t>(rows.end() - first);
  if (left < limit && !ahead->whole) return std::nullopt;
  return std::vector(first, first + static_cast<std::ptrdiff_t>(std::min(left, limit)));
}

bool PageMemory::knows_rows(const std::string& key, Sort sort) {
  const MutexLock lock(mutex_);
  return ahead_.contains({key, sort});
}

void PageMemory::forget_rows(const std::string& key, Sort sort) {
  const MutexLock lock(mutex_);
  ahead_.erase({key, sort});
}

void PageMemory::keep_rows(const std::string& key, Sort sort, const PageCursor& after,
                           std::vector<PageCursor> rows, bool whole) {
  auto kept = std::make_shared<Ahead>(Ahead{.after = after, .rows = std::move(rows), .whole = whole});
  const MutexLock lock(mutex_);
  if (ahead_.size() >= kMostAhead) ahead_.clear();
  ahead_[{key, sort}] = std::move(kept);
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
