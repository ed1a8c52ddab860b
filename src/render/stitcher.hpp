#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "blast/outfmt.hpp"
#include "blast/program.hpp"
#include "render/sink.hpp"

namespace loom::render {

/// What the whole output is, for all parts alike.
struct StitchSpec {
  blast::Program program = blast::Program::blastp;
  blast::OutFormat format;
  /// -db as the user gave it, where parts may have been searched over an alias of ours with another name:
  /// wherever a report names its database, this text stands in the output. Else the engine's own words do.
  std::optional<std::string> database;
  /// False with -parse_deflines, which leaves queries the ids that the user gave them.
  bool queries_numbered = true;
  /// The program and its arguments as the user gave them, separated by spaces: what SAM's @PG line quotes.
  std::string command_line;
  /// The path of the output, for formats 13 and 14, which write one more file per query beside it.
  std::filesystem::path out;
  /// A private folder for what must wait until the end (SAM rows).
  std::filesystem::path scratch;
};

/// Output of one task: what BLAST+ wrote for queries first_query, first_query + 1, … (ordinals from 0), which
/// it numbered from 1. Without numbers (StitchSpec::queries_numbered) first_query is 0.
struct Part {
  std::filesystem::path file;
  std::uint64_t first_query = 0;
};

/// Puts the outputs of consecutive tasks together to the bytes that one run over all queries writes: header
/// and footer once, queries numbered on, totals summed. One class per family of formats; doc/exactness.md
/// lists what each must mend.
/// Memory: a few buffers, whatever the size of the result. Thread-safety: one thread at a time. Blocking:
/// on disk.
/// Errors: corrupt when a part is not what the format must look like (names the file); those of reading and
/// writing. After an error the output is of no use.
class Stitcher {
 public:
  virtual ~Stitcher() = default;
  /// Appends the next part, in order of queries. The part's files are not needed afterwards.
  virtual Status add(const Part& part, Sink& out) = 0;
  /// After the last part.
  virtual Status finish(Sink& out) = 0;
  /// Writes the files beside the main output (formats 13, 14) under their names. Call it once the main
  /// output is complete, before it is committed.
  virtual Status commit() { return ok(); }
};

/// The stitcher for `spec.format`, any of 0-18.
std::unique_ptr<Stitcher> make_stitcher(StitchSpec spec);

}  // namespace loom::render
