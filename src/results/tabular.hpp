#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "blast/outfmt.hpp"

namespace loom::results {

/// What a column of tabular output means to the index. `query` is qaccver, qseqid or qacc, the first of them
/// that is there; so are subject, taxids and sciname chosen among theirs.
enum class Field : std::uint8_t {
  query,
  subject,
  pident,
  length,
  mismatch,
  gapopen,
  qstart,
  qend,
  sstart,
  send,
  evalue,
  bitscore,
  qlen,
  slen,
  score,
  nident,
  positive,
  gaps,
  qframe,
  sframe,
  taxids,
  sciname,
  qseq,
  sseq,
  title
};
inline constexpr std::size_t kFields = 25;
/// The columns that tell `field`, the better ones first.
std::span<const std::string_view> columns_of(Field field);

/// The format that gives an index all it can hold. The title is last, for titles of a database may hold tabs.
inline constexpr std::string_view kIndexOutfmt =
    "7 std qlen slen score nident positive gaps qframe sframe staxids sscinames qseq sseq stitle";

/// kIndexOutfmt, and of the columns that `own` asks for those which it lacks. But for salltitles: they may
/// hold tabs, and there is one last place.
std::string index_outfmt(const blast::OutFormat& own);

/// Which column of a row means what.
class Layout {
 public:
  /// Errors: invalid_argument when `format` is not tabular, or lacks what every index needs: a query, a
  /// subject, evalue and bitscore.
  static Result<Layout> of(const blast::OutFormat& format);
  /// Of what stands behind "# Fields: ": "query acc.ver, subject acc.ver, % identity". Errors: as above, and
  /// for a label that BLAST+ has not.
  static Result<Layout> of_labels(std::string_view labels);

  [[nodiscard]] std::optional<std::size_t> place(Field field) const {
    return places_[static_cast<std::size_t>(field)];
  }
  /// BLAST+'s names of the columns, in order.
  [[nodiscard]] std::span<const std::string> names() const { return names_; }
  /// The columns without a meaning of their own; they are kept as they are.
  [[nodiscard]] std::span<const std::size_t> others() const { return others_; }
  [[nodiscard]] const std::string& delimiter() const { return delimiter_; }

 private:
  static Result<Layout> of_names(std::vector<std::string> names, std::string delimiter);

  std::vector<std::string> names_;
  std::array<std::optional<std::size_t>, kFields> places_{};
  std::vector<std::size_t> others_;
  std::string delimiter_;
};

/// Whether output in `format` tells the index all that kIndexOutfmt does, but for the aligned sequences: also
/// which queries have no hits.
bool is_complete(const blast::OutFormat& format);

/// What tabular output says, in its order. What is borrowed lives until the call returns.
class TabularEvents {
 public:
  virtual ~TabularEvents() = default;
  /// A query begins. `title` is its whole definition line in format 7; in format 6 it is the name, and
  /// queries without hits are not told. `iteration` is PSI-BLAST's, from 1.
  virtual Status begin_query(std::string_view title, int iteration) = 0;
  /// One HSP: as many cells as the layout has columns.
  virtual Status row(const Layout& layout, std::span<const std::string_view> cells) = 0;
};

/// Reads -outfmt 6, 7 or 10 as it comes, in the memory of its longest line. One thread at a time.
class TabularReader {
 public:
  /// Without a layout, lines of "# Fields:" give it (format 7), or the first row has the columns of `std`.
  TabularReader(TabularEvents& events, std::optional<Layout> layout);

  /// Errors: corrupt, with the number of the line, when it has not the columns that are due; too_large for
  /// a line over 256 MiB; those of the events.
  Status push(std::string_view bytes);
  /// The output ends here; a last line may lack its newline. Also corrupt, for a table of BLAST+ with
  /// comments that lacks its end.
  Status finish();
  /// Unset before the first row of an output that does not tell.
  [[nodiscard]] const std::optional<Layout>& layout() const { return layout_; }
  /// Whether comments tell where a query begins; else it is where its name changes.
  [[nodiscard]] bool told_queries() const { return comments_; }

 private:
  Status line(std::string_view text);
  Status comment(std::string_view text);
  Status split(std::string_view text);

  TabularEvents& events_;
  std::optional<Layout> layout_;
  bool given_;  // the layout, by the caller
  std::string held_;
  std::string query_;
  std::vector<std::string_view> cells_;
  std::uint64_t lines_ = 0;
  std::uint64_t rows_ = 0;  // of this query
  int iteration_ = 1;
  bool comments_ = false;  // begin the queries
  bool end_due_ = false;   // BLAST+ has begun, and not said how many queries there were
  bool begun_ = false;
};

}  // namespace loom::results
