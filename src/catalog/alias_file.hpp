#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace loom::catalog {

/// The lines of a database alias file (.pal, .nal) as key and value, read as BLAST+ does: comments start with
/// '#', a key ends at the first blank or tab, of a repeated key the last value counts, unknown keys stay.
using AliasValues = std::map<std::string, std::string, std::less<>>;

AliasValues parse_alias(std::string_view text);

/// The names in a -db argument or a DBLIST: separated by blanks; double quotes keep blanks inside a name. A
/// name cannot hold a double quote. '\' becomes '/', as in BLAST+.
std::vector<std::string> split_names(std::string_view names);

/// Whether an alias file can name `path`: no quote, backslash, tab, carriage return or line feed is in it.
bool can_name(std::string_view path);

/// `name` such that split_names gives it back as one. It must hold no double quote.
std::string quoted_name(std::string_view name);

}  // namespace loom::catalog
