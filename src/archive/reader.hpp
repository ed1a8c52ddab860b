#pragma once
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "archive/asn_text.hpp"
#include "archive/seq_id.hpp"
#include "archive/stream.hpp"
#include "base/result.hpp"

namespace loom::archive {

struct Query {
  std::string id;  ///< "lcl|Query_1"; with -parse_deflines what the user's header says
  std::uint64_t letters = 0;
  std::string title;  ///< at most kMaxStringBytes; empty where `id` is one of a database
};

/// What stands in an archive before its alignments.
struct Head {
  std::string program;   ///< "blastn", …; psiblast calls itself "blastp"
  std::string database;  ///< as the engine was told
  std::vector<Query> queries;
};

/// One Seq-align: an HSP; of an ungapped search all HSPs of a subject (`diags`).
struct Alignment {
  std::size_t query = 0;  ///< index into Head::queries
  SeqId subject;
  std::int64_t score = 0;                                   ///< raw, of the first HSP
  double bit_score = 0;                                     ///< of the first HSP
  double evalue = std::numeric_limits<double>::infinity();  ///< the best of its HSPs' `e_value` or `sum_e`
  std::size_t hsps = 0;
  bool summed = false;  ///< `sum_e` was among them: sum statistics
  std::string text;     ///< as it stands in the file, `{` to `}`; empty unless asked for
};

/// Streams the Blast4-archives of an -outfmt 11 file, of which there is one per internal batch of queries
/// (psiblast: per query and iteration).
/// Memory: a scanner's 256 KiB, one Head and one Alignment. Thread-safety: none. Blocking: as its Pull does.
/// Errors: corrupt, with file, line and byte, when it is no archive or cut short; those of the Pull.
class Reader {
 public:
  struct Options {
    bool keep_text = false;  ///< fill Alignment::text
    /// Takes the whole file but for the alignments: up to the start of an archive's list of them before
    /// next_archive() returns, and from its end on in the next call.
    Write frame;
    /// What `frame` gets in the database's place.
    std::optional<std::string> database;
  };

  Reader(Pull pull, std::string name, Options options);
  Reader(Pull pull, std::string name) : Reader(std::move(pull), std::move(name), Options{}) {}
  static Result<Reader> open(const std::filesystem::path& path, Options options);
  static Result<Reader> open(const std::filesystem::path& path) { return open(path, Options{}); }

  /// The next archive's head, after passing over what is left of the one before; nullptr after the last.
  /// Lives until the next call.
  Result<const Head*> next_archive();

  /// The archive's next alignment, in the order of the file, which is by query; nullptr after the last.
  /// Lives until the next call.
  Result<const Alignment*> next_alignment();

  [[nodiscard]] const std::string& name() const { return scanner_.name(); }

 private:
  enum class Score : std::uint8_t { other, raw, bits, evalue, sum };
  enum class At : std::uint8_t { between, list, tail };

  Status read_request();
  Status read_search(std::string_view member);
  Status read_queries();
  Status read_query();
  Status read_place();
  Status read_until_alignments();
  Status finish_archive();
  Status read_alignment();
  Status read_segments();
  Status read_pair();
  Status read_scores();
  Result<Score> read_score_name();
  Status read_score(Score which, bool first);
  Result<std::size_t> query_index(const std::string& id) const;

  Scanner scanner_;
  Options options_;
  At at_ = At::between;
  bool first_in_list_ = false;
  Head head_;
  Alignment alignment_;
  bool named_ = false;  // alignment_ has its query and subject
};

}  // namespace loom::archive
