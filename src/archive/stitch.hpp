#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "archive/stream.hpp"
#include "base/result.hpp"

namespace loom::archive {

/// What one task's output must say in the whole output.
struct PartNames {
  /// Ordinal (from 0) in the whole query set of the query that the task called Query_1.
  std::uint64_t first_query = 0;
  /// False with -parse_deflines, which leaves queries the names that the user gave them.
  bool queries_numbered = true;
  /// Stands in -outfmt 11 for whatever database the task searched, if it is set.
  std::optional<std::string> database;
};

/// Writes the output `file` of a task, with its queries renumbered and its database renamed. The formats are
/// 8 (Seq-annot, text), 9 (Seq-annot, BER), 11 (Blast4-archive, text) and 12 (Seq-annot, JSON). They have no
/// frame: 8, 9 and 12 print one Seq-annot per query with hits, 11 one archive per internal batch. So
/// the outputs of consecutive tasks, each cut at a boundary of internal batches and copied in turn, are the
/// bytes of one run.
/// Query ids are known by their place in the structure: a subject or a title that reads "Query_7" stays.
/// Memory: 512 KiB. Thread-safety: distinct calls at once. Blocking: on disk, and as `write` does.
/// Errors: invalid_argument for another format; corrupt, with file and place, when the file is not what the
/// format prints or is cut short; those of reading and writing. What was written by then is of no use.
Status copy_part(int outfmt, const std::filesystem::path& file, const PartNames& names, const Write& write);

/// The same on a stream that is called `name` in messages.
Status copy_part(int outfmt, Pull pull, const std::string& name, const PartNames& names, const Write& write);

}  // namespace loom::archive
