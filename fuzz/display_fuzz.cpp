// Any bytes as the metadata beside a database: what is shown stays one JSON object, and nothing in it but
// what metadata may add differs from what is shown without.
#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.hpp"
#include "catalog/display.hpp"

namespace catalog = loom::catalog;
namespace json = boost::json;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  catalog::Database database;
  database.title = text.substr(0, 40);
  database.shown = {.sequences = 15, .letters = 7'000};
  json::object shown =
      json::parse(catalog::display_json(database, {.name = "d", .source = "s", .metadata = text}))
          .as_object();
  json::object bare =
      json::parse(catalog::display_json(database, {.name = "d", .source = "s", .metadata = {}})).as_object();
  LOOM_CHECK(shown.size() == bare.size(), "all members are there");
  for (const char* added : {"description", "updated", "bytes_to_cache", "warnings"}) {
    LOOM_CHECK(shown.contains(added), "also those of the metadata");
    shown[added] = bare[added] = nullptr;
  }
  LOOM_CHECK(shown == bare, "the database has the last word");
  (void)catalog::iso_date(text);
  return 0;
}
