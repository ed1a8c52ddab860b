// Any bytes as the text of an alias file, as a -db argument and as a volume's index: names survive being
// quoted, keys are words, values lines, and an index that is taken has all its tables within its bytes.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "catalog/alias_file.hpp"
#include "catalog/search_path.hpp"
#include "catalog/volume.hpp"

namespace catalog = loom::catalog;

namespace {

void check_index(std::span<const std::byte> bytes) {
  const auto head = catalog::parse_index(bytes);
  if (!head) return;
  LOOM_CHECK(head->sequence_table + 4 * (std::size_t{head->sequences} + 1) <= bytes.size(), "the table fits");
  LOOM_CHECK(!catalog::parse_index(bytes.first(head->sequence_table)), "and is needed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  for (const auto& [key, value] : catalog::parse_alias(text)) {
    LOOM_CHECK(!key.empty() && key.find_first_of(" \t\r\n") == std::string::npos, "a key is a word");
    LOOM_CHECK(value.find_first_of("\t\r\n") == std::string::npos, "a value is a line");
  }
  std::string again;
  const auto names = catalog::split_names(text);
  for (const auto& name : names) again += catalog::quoted_name(name) + ' ';
  LOOM_CHECK(catalog::split_names(again) == names, "quoted names are the same names");
  LOOM_CHECK(catalog::ncbirc_database_path(text).size() <= size, "a part of the text");
  check_index(std::as_bytes(std::span(data, size)));
  return 0;
}
