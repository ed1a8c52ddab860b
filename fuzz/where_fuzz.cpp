// Any text as a filter of hits: refused with a reason, or the same filter when its own text is read again.
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "results/filter.hpp"

namespace results = loom::results;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto filter = results::Filter::parse({reinterpret_cast<const char*>(data), size});
  if (!filter) {
    LOOM_CHECK(!filter.error().message.empty(), "a refusal says why");
    return 0;
  }
  const auto again = results::Filter::parse(filter->text());
  // Quotes and spelt-out numbers may make the text longer than what is taken.
  if (!again) {
    LOOM_CHECK(filter->text().size() > 4096, "what was read reads back");
    return 0;
  }
  LOOM_CHECK(again->text() == filter->text(), "a filter has one spelling");
  const auto sql = filter->sql(results::Level::hsps);
  LOOM_CHECK(!sql || again->sql(results::Level::hsps)->values == sql->values, "the values are the same");
  return 0;
}
