#pragma once
#include <filesystem>
#include <string>

#include "base/result.hpp"
#include "service/upload.hpp"
#include "storage/object_store.hpp"

namespace loom::service {

/// Objects that databases are built from lie below this.
inline constexpr std::string_view kImports = "imports/";

/// The file that `path` means in the folder an operator set aside for what admins may take in. Links are
/// followed, but not out of the folder. Errors: forbidden when there is no such folder; invalid_argument for
/// a path that leads out of it; not_found.
Result<std::filesystem::path> import_path(const std::filesystem::path& folder, const std::string& path);

/// Copies an object below kImports into `into`. Blocking: on network and disk. Errors: invalid_argument for a
/// key that is elsewhere; not_found; those of both.
Status import_object(storage::ObjectStore& objects, const std::string& key, QueryUpload& into);

}  // namespace loom::service
