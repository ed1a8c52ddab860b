#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace loom::catalog {

/// The folders in which BLAST+ looks for a database, in its order: the working folder, those of the
/// environment variable BLASTDB (separated by ':'), then those of the entry BLASTDB in the section [BLAST] of
/// the first `.ncbirc` found in the working folder, $HOME and $NCBI. NCBI_CONFIG__BLAST__BLASTDB in the
/// environment stands above that file, NCBI_CONFIG_PATH above its places.
struct SearchPath {
  std::vector<std::filesystem::path> folders;  ///< the first is the working folder, absolute

  /// Reads environment and files. Blocking: on disk. Thread-safety: as getenv.
  static SearchPath from_environment();
  /// The same with `first`, folders joined by ':', behind the working folder.
  static SearchPath with(std::string_view first);
};

/// The folders in a list joined by ':', as BLASTDB is; empty ones are left out.
std::vector<std::filesystem::path> split_folders(std::string_view list);

/// The value of BLASTDB in the section [BLAST] of a `.ncbirc` file's text, the last if it stands there more
/// than once; empty if it does not. Names are compared without regard to case.
std::string ncbirc_database_path(std::string_view text);

}  // namespace loom::catalog
