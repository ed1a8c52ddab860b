#pragma once
#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <stop_token>

#include "base/result.hpp"
#include "taxonomy/dump.hpp"

namespace loom::taxonomy {

/// Takes the next bytes of a file that is being made; an error ends the making.
using Sink = std::function<Status(std::span<const std::byte>)>;

/// How much a taxonomy holds.
struct Size {
  std::size_t nodes = 0;
  std::size_t names = 0;
  std::size_t merged = 0;
  std::size_t deleted = 0;
};

/// Writes the taxonomy file (doc/formats/taxonomy.md) of a dump, front to back. About 5 s and 600 MB for all
/// of NCBI's. Errors: corrupt, with a taxid, unless the nodes are one tree with one root, every node has a
/// scientific name, and names and merged ids lead to nodes; those of `sink`.
Result<Size> write_image(Dump dump, const Sink& sink);

/// Reads a taxdump (read_dump) and puts its taxonomy file in the place of `target`, whole or not at all
/// (AtomicFile). Who has the old one open keeps it. Blocking: on disk, seconds. Errors: those of read_dump,
/// write_image and AtomicFile.
Result<Size> import_taxdump(const std::filesystem::path& source, const std::filesystem::path& target,
                            std::stop_token stop = {});

}  // namespace loom::taxonomy
