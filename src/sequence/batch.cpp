#include "sequence/batch.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "base/check.hpp"

namespace loom::sequence {
namespace {

constexpr std::array kBatchLetters{
    std::pair<std::string_view, std::uint32_t>{"blastp", 10'000},
    std::pair<std::string_view, std::uint32_t>{"blastx", 10'002},
    std::pair<std::string_view, std::uint32_t>{"tblastn", 20'000},
    std::pair<std::string_view, std::uint32_t>{"tblastx", 10'002},
    std::pair<std::string_view, std::uint32_t>{"rpsblast", 10'000},
    std::pair<std::string_view, std::uint32_t>{"rpstblastn", 10'000},
};

/// A place where a task may start, and the letters before it.
struct Cut {
  std::size_t ordinal;
  std::uint64_t before;
};

std::vector<Cut> inner_cuts(std::span<const std::uint32_t> letters, std::span<const std::size_t> allowed) {
  std::vector<Cut> cuts;
  std::uint64_t before = 0;
  std::size_t at = 0;
  for (const std::size_t ordinal : allowed) {
    LOOM_CHECK(ordinal >= at, "allowed starts ascend");
    if (ordinal == 0) continue;
    if (ordinal >= letters.size()) break;
    const auto part = letters.subspan(at, ordinal - at);
    before += std::accumulate(part.begin(), part.end(), std::uint64_t{0});
    at = ordinal;
    cuts.push_back({ordinal, before});
  }
  return cuts;
}

}  // namespace

std::optional<std::uint32_t> internal_batch_letters(std::string_view program) {
  const auto* found = std::find_if(kBatchLetters.begin(), kBatchLetters.end(),
                                   [&](const auto& entry) { return entry.first == program; });
  if (found == kBatchLetters.end()) return std::nullopt;
  return found->second;
}

std::vector<std::size_t> internal_batch_starts(std::span<const std::uint32_t> letters,
                                               std::uint32_t batch_letters) {
  LOOM_CHECK(batch_letters > 0, "an internal batch has a size");
  std::vector<std::size_t> starts;
  std::uint64_t held = batch_letters;  // so that the first record opens a batch
  for (std::size_t ordinal = 0; ordinal < letters.size(); ++ordinal) {
    if (held >= batch_letters) {
      starts.push_back(ordinal);
      held = 0;
    }
    held += letters[ordinal];
  }
  return starts;
}

std::vector<BatchRange> cut_batches(std::span<const std::uint32_t> letters, std::uint64_t target_letters,
                                    std::span<const std::size_t> allowed_starts) {
  LOOM_CHECK(target_letters > 0, "a task has a size");
  std::vector<BatchRange> tasks;
  if (letters.empty()) return tasks;
  const std::uint64_t total = std::accumulate(letters.begin(), letters.end(), std::uint64_t{0});
  const std::uint64_t count = std::max<std::uint64_t>(1, (total + target_letters - 1) / target_letters);
  const double share = static_cast<double>(total) / static_cast<double>(count);
  const std::vector<Cut> cuts = inner_cuts(letters, allowed_starts);

  std::size_t first = 0;
  std::size_t next_cut = 0;
  for (std::uint64_t task = 1; task < count && next_cut < cuts.size(); ++task) {
    const double ideal = share * static_cast<double>(task);
    const auto distance = [&](std::size_t i) {
      const double d = static_cast<double>(cuts[i].before) - ideal;
      return d < 0 ? -d : d;
    };
    while (next_cut + 1 < cuts.size() && distance(next_cut + 1) <= distance(next_cut)) ++next_cut;
    // A cut nearer to the next ideal place is left for it; else a long record would get a task of its own
    // twice.
    if (task + 1 < count && distance(next_cut) > share / 2 &&
        static_cast<double>(cuts[next_cut].before) > ideal)
      continue;
    tasks.push_back({first, cuts[next_cut].ordinal});
    first = cuts[next_cut].ordinal;
    ++next_cut;
  }
  tasks.push_back({first, letters.size()});
  return tasks;
}

}  // namespace loom::sequence
