#pragma once
#include <string>

#include "search/local_search.hpp"

namespace loom::app {

/// The plan of a search in words, and as JSON (doc/formats/explain.md).
std::string explain_text(const search::LocalSearch& search);
std::string explain_json(const search::LocalSearch& search);

}  // namespace loom::app
