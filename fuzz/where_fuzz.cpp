// Any text as a filter of hits: refused with a reason, or the same filter when its own text is read again,
// which gives the same SQL and the same tests of columns at both levels.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/check.hpp"
#include "results/filter.hpp"

namespace results = loom::results;

namespace {

/// Some taxids, and for half of all clades none.
loom::Result<std::vector<std::int64_t>> members_of(double clade) {
  if (std::fmod(clade, 2) != 0) return std::vector<std::int64_t>();
  return std::vector<std::int64_t>{9606, 10090};
}

loom::Result<std::shared_ptr<const results::SubjectSet>> find_none(const results::Sql& select) {
  LOOM_CHECK(!select.text.empty() && !select.values.empty(), "subjects are asked for by a value");
  return std::make_shared<const results::SubjectSet>(select.text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto filter = results::Filter::parse({reinterpret_cast<const char*>(data), size});
  if (!filter) {
    LOOM_CHECK(!filter.error().message.empty(), "a refusal says why");
    return 0;
  }
  auto again = results::Filter::parse(filter->text());
  // Quotes and spelt-out numbers may make the text longer than what is taken.
  if (!again) {
    LOOM_CHECK(filter->text().size() > 4096, "what was read reads back");
    return 0;
  }
  LOOM_CHECK(again->text() == filter->text(), "a filter has one spelling");
  LOOM_CHECK(filter->settle_clades(members_of) && again->settle_clades(members_of), "every clade is known");
  for (const auto level : {results::Level::hits, results::Level::hsps}) {
    const auto sql = filter->sql(level);
    const auto same = again->sql(level);
    LOOM_CHECK(sql.has_value() == same.has_value(), "both are refused, or none");
    LOOM_CHECK(!sql || (sql->text == same->text && sql->values == same->values), "the SQL is the same");
    const auto parts = filter->indexed_parts(level, find_none);
    const auto same_parts = again->indexed_parts(level, find_none);
    LOOM_CHECK(parts.has_value() == same_parts.has_value(), "both are refused, or none");
    LOOM_CHECK(!parts || parts->size() == same_parts->size(), "as many can be answered by an index");
  }
  const auto sieve = filter->column_sieve(find_none);
  LOOM_CHECK(!sieve || sieve->exact == again->column_sieve(find_none)->exact, "the sieve is the same");
  return 0;
}
