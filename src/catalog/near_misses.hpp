#pragma once
#include <string>

#include "base/result.hpp"
#include "catalog/search_path.hpp"
#include "catalog/volume.hpp"

namespace loom::catalog {

/// The error for a database that is in no folder of `path`: where BLAST+ looked, whether one of the other
/// molecule has this name (then invalid_argument, else not_found), and the nearest name in those folders.
/// Blocking: lists folders.
Error not_found(const std::string& name, Molecule molecule, const SearchPath& path);

}  // namespace loom::catalog
