#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "mirror/download.hpp"

namespace loom::mirror {

/// A database as a mirror of NCBI's offers it.
struct RemoteDatabase {
  std::string name;
  std::string metadata;            ///< NCBI's JSON about it; empty: the mirror has none
  std::string type;                ///< "Protein" or "Nucleotide"; empty: unknown
  std::string updated;             ///< as the metadata says it; empty: unknown
  std::uint64_t sequences = 0;     ///< 0: unknown
  std::uint64_t bytes = 0;         ///< of its files unpacked; 0: unknown
  std::vector<std::string> files;  ///< addresses: archives NAME[.NN].tar.gz, or the files themselves
};

/// Looks for `name` under `base`, in the layouts of NCBI's mirrors: a bucket (latest-dir, then
/// DIR/blastdb-metadata-1-1.json names the files), and the folder `db` (NAME-prot-metadata.json or
/// NAME-nucl-metadata.json beside NAME.tar.gz or NAME.00.tar.gz, NAME.01.tar.gz, …). All files are taken from
/// under `base`, whatever host the metadata names. Thread-safe. Blocking: on the network. Errors: not_found;
/// corrupt for metadata that are none; those of fetch_text.
Result<RemoteDatabase> find_database(const std::string& base, const std::string& name,
                                     const DownloadOptions& options);

struct FetchOptions {
  DownloadOptions download{};
  unsigned parallel = 4;  ///< files at once
};

/// Fetches all files of `remote` into the folder `cache` (where an earlier call for the same may have left
/// some), checks archives against their .md5, and puts the database's files into `into`, on the same disk:
/// names that begin with the database's and a dot; what else is in an archive stays out. One that does not
/// fit its checksum is fetched once more, checksum first. Errors: corrupt, with the file; those of download;
/// disk_full, before anything is fetched if the sizes are known.
Status fetch_files(const RemoteDatabase& remote, const std::filesystem::path& cache,
                   const std::filesystem::path& into, const FetchOptions& options);

}  // namespace loom::mirror
