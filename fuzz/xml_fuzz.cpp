// Any bytes as BLAST's XML: refused with a reason, or the same tabular output whatever the pieces it comes
// in, which has a row's columns in each row.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "results/blast_xml.hpp"

namespace results = loom::results;

namespace {

/// nullopt: refused.
std::optional<std::string> read(std::string_view xml, std::size_t piece) {
  results::BlastXml reader;
  std::string out;
  for (std::size_t at = 0; at < xml.size(); at += piece) {
    const loom::Status taken = reader.push(xml.substr(at, piece), out);
    LOOM_CHECK(taken || !taken.error().message.empty(), "a refusal says why");
    if (!taken) return std::nullopt;
  }
  if (!reader.finish()) return std::nullopt;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::ptrdiff_t kTabs = 22;
  const std::string_view xml(reinterpret_cast<const char*>(data), size);
  const auto whole = read(xml, std::max<std::size_t>(size, 1));
  LOOM_CHECK(read(xml, 7) == whole, "pieces make no difference");
  if (!whole) return 0;
  std::string_view rest = *whole;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    LOOM_CHECK(line.starts_with("# ") || std::ranges::count(line, '\t') == kTabs, "a row has all columns");
    rest.remove_prefix(line.size() + 1);
  }
  return 0;
}
