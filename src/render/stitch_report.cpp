// Formats 0-4: reports with one header, a section per query and one footer.
#include <algorithm>

#include "render/number_queries.hpp"
#include "render/part_text.hpp"
#include "render/stitch_text.hpp"

namespace loom::render {
namespace {

constexpr std::string_view kQuery = "Query= ";
constexpr std::string_view kRound = "Results from round ";  // psiblast: stands in front of the query
constexpr std::string_view kSpace = "Effective search space used: ";
constexpr std::string_view kFooter = "\n\n\n  Database: ";  // its two blank lines are its own

/// Where the footer of a report starts: behind the blank lines that end the last query's section.
Result<std::uint64_t> footer_of(const std::filesystem::path& file) {
  LOOM_TRY(const std::uint64_t size, size_of(file));
  for (std::uint64_t most = 16 << 10;; most *= 8) {
    LOOM_TRY(const std::string tail, tail_of(file, most));
    const std::size_t section_end =
        std::max(tail.rfind(kSpace) + 1, tail.rfind(kQuery) + 1);  // npos + 1 is 0
    if (section_end != 0) {
      const std::size_t footer = tail.find(kFooter, section_end);
      if (footer == std::string::npos) return unlike(file, "its footer is missing");
      return size - tail.size() + footer + 1;
    }
    if (tail.size() == size) return unlike(file, "no query stands in it");
  }
}

/// In the query-anchored formats 1-4 each row of an alignment starts with a label, padded to the longest one
/// of the section, or of the reading frame if the query is translated. A longer query number may widen that
/// column. The query's row is the first of its block.
class AnchoredSection {
 public:
  explicit AnchoredSection(std::uint64_t first_query) : first_query_(first_query) {}

  Status take(std::string_view line, Sink& out) {
    const bool blank = line == "\n";
    if (line.starts_with(kQuery) || line.starts_with("Lambda ")) inside_ = false;
    follow_lists(line, blank);
    if (list_ == List::none && line.starts_with("For reading frame ")) inside_ = false;
    const bool opens_block = list_ == List::none && after_blank_;
    const auto label = opens_block ? query_label(line) : std::nullopt;
    if (label && !inside_) enter(line, *label);
    after_blank_ = blank || (after_blank_ && !label && line.starts_with(' '));
    if (label) return out.write(relabelled(line, label->size));
    if (!inside_ || shift_ == 0 || !is_row(line)) return out.write(line);
    return out.write(shifted(line));
  }

 private:
  /// Lists of subjects stand between "Sequences producing …" with a blank line behind it and a blank line.
  enum class List { none, heading, inside };

  void follow_lists(std::string_view line, bool blank) {
    if (line.starts_with("Sequences ")) {
      list_ = List::heading;
    } else if (blank && list_ != List::none) {
      list_ = list_ == List::heading ? List::inside : List::none;
    }
  }

  /// Two blanks end the label column of every row, with a label or without; "For reading frame …" has none
  /// there.
  [[nodiscard]] bool is_row(std::string_view line) const {
    return line.size() > width_ && line[width_ - 1] == ' ' && line[width_ - 2] == ' ';
  }

  void enter(std::string_view line, QueryLabel label) {
    inside_ = true;
    width_ = std::min(line.find_first_not_of(' ', label.size), line.size());
    const std::string true_label = *renumbered(line.substr(0, label.size), "", first_query_);
    grown_ = true_label.size() - label.size;
    shift_ = true_label.size() + 2 > width_ ? true_label.size() + 2 - width_ : 0;
  }

  /// The query's row with its true label. What follows moves as far as all rows do.
  [[nodiscard]] std::string relabelled(std::string_view line, std::size_t label_size) const {
    const std::string label = *renumbered(line.substr(0, label_size), "", first_query_);
    const std::string_view rest = line.substr(label_size);
    if (shift_ >= grown_) return label + std::string(shift_ - grown_, ' ') + std::string(rest);
    return label + std::string(rest.substr(grown_ - shift_));
  }

  [[nodiscard]] std::string shifted(std::string_view line) const {
    std::string result(line);
    result.insert(width_, shift_, ' ');
    return result;
  }

  std::uint64_t first_query_;
  bool inside_ = false;       // among the rows of a query
  bool after_blank_ = false;  // the line before was blank
  List list_ = List::none;
  std::size_t width_ = 0;  // of the label column, in the part
  std::size_t grown_ = 0;  // characters that the true label is longer
  std::size_t shift_ = 0;  // columns that the rest of a row moves
};

class Report final : public Stitcher {
 public:
  explicit Report(const StitchSpec& spec) : anchored_(spec.format.number != 0) {}

  Status add(const Part& part, Sink& out) override {
    LOOM_TRY(const std::uint64_t footer, footer_of(part.file));
    LOOM_TRY(const std::uint64_t body, write_header(part, out));
    if (!anchored_ || part.first_query == 0) {
      LOOM_CHECKED(copy_range(part.file, body, footer, out));
    } else {
      LOOM_CHECKED(write_anchored(part, body, footer, out));
    }
    LOOM_TRY(const std::uint64_t size, size_of(part.file));
    LOOM_TRY(footer_, tail_of(part.file, size - footer));
    return ok();
  }

  Status finish(Sink& out) override { return out.write(footer_); }

 private:
  /// Returns where the first query's section starts, and writes what is before it if this is the first part.
  /// The two blank lines in front of "Query=" belong to the section; a round of psiblast starts without any.
  Result<std::uint64_t> write_header(const Part& part, Sink& out) {
    LOOM_TRY(LineReader lines, LineReader::open(part.file));
    for (std::uint64_t at = 0;; at = lines.offset()) {
      LOOM_TRY(const auto line, lines.next());
      if (!line) return unlike(part.file, "no query stands in it");
      if (!line->starts_with(kQuery) && !line->starts_with(kRound)) continue;
      const std::uint64_t body = line->starts_with(kQuery) && at >= 2 ? at - 2 : at;
      if (footer_.empty()) LOOM_CHECKED(copy_range(part.file, 0, body, out));
      return body;
    }
  }

  static Status write_anchored(const Part& part, std::uint64_t from, std::uint64_t to, Sink& out) {
    LOOM_TRY(LineReader lines, LineReader::open(part.file));
    AnchoredSection section(part.first_query);
    for (std::uint64_t at = 0; at < to; at = lines.offset()) {
      LOOM_TRY(const auto line, lines.next());
      if (!line) return unlike(part.file, "it ends too early");
      if (at >= from) LOOM_CHECKED(section.take(*line, out));
    }
    return ok();
  }

  bool anchored_;
  std::string footer_;  // of the last part; never empty once there is one
};

}  // namespace

std::unique_ptr<Stitcher> report_stitcher(const StitchSpec& spec) {
  return std::make_unique<Report>(spec);
}

}  // namespace loom::render
