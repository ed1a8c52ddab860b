#pragma once
#include <filesystem>
#include <system_error>
#include <type_traits>

#include "base/result.hpp"

namespace loom {

/// Calls `visit` with each std::filesystem::directory_entry of `folder`, in no order. `visit` returns
/// nothing, or a Status whose error ends the walk and is the answer. A range-for over a directory_iterator
/// would throw on what fails once the folder is open; this throws only what `visit` does. Errors: not_found
/// for a missing folder; others of the system, which name the folder: then some entries may have been
/// visited. What is put into the folder or taken from it meanwhile may be visited or not. Blocking: on disk.
template <class Visit>
Status for_entries(const std::filesystem::path& folder, Visit visit) {
  using std::filesystem::directory_entry;
  using std::filesystem::directory_iterator;
  std::error_code failed;
  directory_iterator entry(folder, failed);
  for (; !failed && entry != directory_iterator(); entry.increment(failed)) {
    if constexpr (std::is_void_v<std::invoke_result_t<Visit&, const directory_entry&>>)
      visit(*entry);
    else
      LOOM_CHECKED(visit(*entry));
  }
  if (failed) return system_error(failed.value(), "look through " + folder.string());
  return ok();
}

/// Makes `folder` and what is missing above it; success where it is there. Thread-safe. Blocking: on disk.
Status make_folders(const std::filesystem::path& folder);

/// Makes durable what the file at `path` holds, or which names are in the folder there. Success too on a file
/// system that cannot sync such a thing: it promises no more. Thread-safe. Blocking: on disk.
Status sync_path(const std::filesystem::path& path);
/// As sync_path, of the files in `folder` and of their names.
Status sync_all(const std::filesystem::path& folder);

}  // namespace loom
