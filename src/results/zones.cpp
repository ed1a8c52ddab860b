#include "results/zones.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace loom::results {
namespace {

Verdict opposite(Verdict verdict) {
  return verdict == Verdict::some ? verdict : verdict == Verdict::all ? Verdict::none : Verdict::all;
}

/// Of one that all cells from the least to the greatest pass if both do.
template <class Passes>
Verdict judge(const Bounds& zone, Passes passes) {
  const bool least = passes(zone.least);
  const bool greatest = passes(zone.greatest);
  return least != greatest ? Verdict::some : least ? Verdict::all : Verdict::none;
}

Verdict judge_equal(const Bounds& zone, double value) {
  if (value < zone.least || value > zone.greatest) return Verdict::none;
  return zone.least == zone.greatest ? Verdict::all : Verdict::some;
}

}  // namespace

Zones::Zones(SqliteFile& file, PageTable table, std::int64_t rows) : rows_(rows) {
  for (std::size_t column = 0; column < kZoned.size(); ++column)
    columns_.emplace_back(file, bounds_table(table, rows, column), kTogether);
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the filter.
Result<Zones::Verdicts> Zones::judge(std::int64_t piece, const ColumnTest& test) {
  using Kind = ColumnTest::Kind;
  Verdicts verdicts{};
  if (test.kind == Kind::subject) {
    verdicts.fill(Verdict::some);
  } else if (test.kind == Kind::number) {
    LOOM_TRY(const Bounds* zones, bounds(piece, test.column));
    const auto each = [&](auto verdict_of) {
      std::transform(zones, zones + kTogether, verdicts.begin(), verdict_of);
    };
    if (test.op == Op::equal || test.op == Op::unequal) {
      each([&](const Bounds& zone) {
        const Verdict equal = judge_equal(zone, test.value);
        return test.op == Op::equal ? equal : opposite(equal);
      });
    } else {
      with_comparison(test.op, test.value, [&](auto passes) {
        each([&](const Bounds& zone) { return results::judge(zone, passes); });
      });
    }
  } else {
    // Of all the worst of the parts counts, of any the best.
    const bool any = test.kind == Kind::any;
    verdicts.fill(any ? Verdict::none : Verdict::all);
    for (const ColumnTest& part : test.parts) {
      LOOM_TRY(const Verdicts of_part, judge(piece, part));
      std::ranges::transform(verdicts, of_part, verdicts.begin(), [any](Verdict one, Verdict other) {
        return any ? std::max(one, other) : std::min(one, other);
      });
    }
    if (test.kind == Kind::none_of) std::ranges::transform(verdicts, verdicts.begin(), opposite);
  }
  return verdicts;
}

Result<std::vector<IdRange>> Zones::passing(const IdRange& ids, const ColumnTest& test) {
  std::int64_t id = piece_of(ids.first);
  LOOM_TRY(const Verdicts verdicts, judge(id, test));
  std::vector<IdRange> ranges;
  for (const Verdict verdict : verdicts) {
    const IdRange rows{std::max(id, ids.first), std::min(id + rows_ - 1, ids.second)};
    id += rows_;
    if (verdict == Verdict::none || rows.first > rows.second) continue;
    if (!ranges.empty() && ranges.back().second + 1 == rows.first) {
      ranges.back().second = rows.second;
    } else {
      ranges.push_back(rows);
    }
  }
  return ranges;
}

}  // namespace loom::results
