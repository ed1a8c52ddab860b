// Formats 5, 13, 14, 15 and 16: XML and JSON.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/number.hpp"
#include "render/number_queries.hpp"
#include "render/part_text.hpp"
#include "render/stitch_text.hpp"

namespace loom::render {
namespace {

/// Format 5: one header and footer around the iterations of all queries, which are numbered on.
class Xml final : public Stitcher {
 public:
  explicit Xml(const StitchSpec& spec) {
    if (spec.database)
      database_line_ = fmt::format("{}{}</BlastOutput_db>\n", kDatabase, xml_escaped(*spec.database));
  }

  Status add(const Part& part, Sink& out) override {
    LOOM_TRY(LineReader lines, LineReader::open(part.file));
    bool ended = false;
    bool in_header = true;
    // One of a query that has none leaves a gap; psiblast's are of rounds, not of queries.
    before_ = std::max(last_, part.first_query);
    while (!ended) {
      LOOM_TRY(const auto line, lines.next());
      if (!line) return unlike(part.file, "its closing tag is missing");
      if (line->starts_with(kIterations)) {
        if (first_) LOOM_CHECKED(out.write(*line));
        in_header = first_ = false;
      } else if (in_header) {
        if (first_)
          LOOM_CHECKED(out.write(
              database_line_ && line->starts_with(kDatabase) ? std::string_view(*database_line_) : *line));
      } else if (line->starts_with("</BlastOutput_iterations>")) {
        ended = true;
      } else {
        LOOM_CHECKED(write_body(*line, part.first_query, out));
      }
    }
    return ok();
  }

  Status finish(Sink& out) override { return out.write("</BlastOutput_iterations>\n</BlastOutput>\n\n"); }

 private:
  Status write_body(std::string_view line, std::uint64_t first_query, Sink& out) {
    if (line.starts_with(kNumber)) {
      const std::string_view text = line.substr(kNumber.size());
      last_ = before_ + number_of<std::uint64_t>(text.substr(0, text.find('<'))).value_or(0);
      return out.write(fmt::format("{}{}</Iteration_iter-num>\n", kNumber, last_));
    }
    if (const auto moved = renumbered(line, "  <Iteration_query-ID>", first_query)) return out.write(*moved);
    if (line.starts_with("  <Iteration_message>")) return out.write(renumber_all(line, first_query));
    return out.write(line);
  }

  static constexpr std::string_view kDatabase = "  <BlastOutput_db>";
  static constexpr std::string_view kIterations = "<BlastOutput_iterations>";
  static constexpr std::string_view kNumber = "  <Iteration_iter-num>";
  std::optional<std::string> database_line_;
  bool first_ = true;
  std::uint64_t before_ = 0;  // of iterations, in front of the part
  std::uint64_t last_ = 0;    // number written
};

/// What formats 13-16 say of a query: its label, the database, messages. Line by line.
class ReportLines {
 public:
  ReportLines(const StitchSpec& spec, bool json) : json_(json) {
    if (spec.database)
      database_ = json ? '"' + json_escaped(*spec.database) + '"' : xml_escaped(*spec.database);
  }

  Status write(std::string_view line, std::uint64_t first_query, Sink& out) const {
    const std::size_t indent = line.find_first_not_of(' ');
    if (indent == std::string_view::npos) return out.write(line);
    const std::string_view text = line.substr(indent);
    const std::string_view key = json_ ? R"("query_id": ")" : "<query-id>";
    if (text.starts_with(key)) {
      const auto moved = renumbered(line, line.substr(0, indent + key.size()), first_query);
      return out.write(moved ? std::string_view(*moved) : line);
    }
    if (text.starts_with(json_ ? R"("message": ")" : "<message>"))
      return out.write(renumber_all(line, first_query));
    if (database_ && json_ && text.starts_with(R"("db": ")")) {
      return out.write(fmt::format("{}\"db\": {}\n", line.substr(0, indent), *database_));
    }
    if (database_ && !json_ && text.starts_with("<db>")) {
      return out.write(fmt::format("{}<db>{}</db>\n", line.substr(0, indent), *database_));
    }
    return out.write(line);
  }

 private:
  bool json_;
  std::optional<std::string> database_;
};

/// Format 16 (`json` false) and 15: the reports of all queries in one list.
class ReportList final : public Stitcher {
 public:
  ReportList(const StitchSpec& spec, bool json)
      : lines_(spec, json),
        first_line_(json ? "{\n" : "<BlastOutput2>\n"),
        separator_(json ? ",\n" : "\n"),
        last_line_(json ? "]\n" : "</BlastXML2>\n"),
        closing_(json ? "]\n}\n" : "</BlastXML2>\n"),
        json_(json) {}

  Status add(const Part& part, Sink& out) override {
    LOOM_TRY(LineReader lines, LineReader::open(part.file));
    LOOM_CHECKED(pass_header(part, lines, out));
    for (;;) {
      LOOM_TRY(const auto line, lines.next());
      if (!line) return unlike(part.file, "its closing line is missing");
      if (*line == last_line_) return ok();
      LOOM_CHECKED(lines_.write(*line, part.first_query, out));
    }
  }

  Status finish(Sink& out) override { return out.write(closing_); }

 private:
  /// Up to the first report, whose first line is written as well.
  Status pass_header(const Part& part, LineReader& lines, Sink& out) {
    const bool first = first_;
    first_ = false;
    if (!first) LOOM_CHECKED(out.write(separator_));
    for (std::uint64_t number = 0;; ++number) {
      LOOM_TRY(const auto line, lines.next());
      if (!line) return unlike(part.file, "no query stands in it");
      // The JSON header itself starts with a brace.
      const bool starts_report = *line == first_line_ && (!json_ || number > 0);
      if (first || starts_report) LOOM_CHECKED(out.write(*line));
      if (starts_report) return ok();
    }
  }

  ReportLines lines_;
  std::string_view first_line_;
  std::string_view separator_;
  std::string_view last_line_;
  std::string_view closing_;
  bool json_;
  bool first_ = true;
};

/// Formats 13 and 14: a list of file names, and one file per query (or, for psiblast, per iteration) beside
/// it.
class FileSet final : public Stitcher {
 public:
  explicit FileSet(StitchSpec spec)
      : spec_(std::move(spec)),
        json_(spec_.format.number == 13),
        base_(without(json_ ? ".json" : ".xml", spec_.out)),
        lines_(spec_, json_) {}

  Status add(const Part& part, Sink&) override {
    for (std::uint64_t local = 1;; ++local) {
      const std::filesystem::path from = numbered(part.file, local);
      if (!std::filesystem::exists(from)) {
        if (local == 1) return unlike(part.file, "no file of a query stands beside it");
        return ok();
      }
      LOOM_TRY(AtomicFile file, AtomicFile::create(numbered(spec_.scratch / "report", ++files_)));
      Sink out(file);
      LOOM_TRY(LineReader lines, LineReader::open(from));
      for (;;) {
        LOOM_TRY(const auto line, lines.next());
        if (!line) break;
        LOOM_CHECKED(lines_.write(*line, part.first_query, out));
      }
      LOOM_CHECKED(out.flush());
      LOOM_CHECKED(file.commit());
    }
  }

  Status finish(Sink& out) override {
    LOOM_CHECKED(out.write(json_ ? "{\n\t\"BlastJSON\": [\n" : kXmlHead));
    for (std::uint64_t n = 1; n <= files_; ++n) {
      const std::string name = numbered(without(".xml", spec_.out), n).filename().string();
      LOOM_CHECKED(out.write(json_ ? fmt::format("\t\t{{\"File\": \"{}\" }}{}\n", name, n < files_ ? "," : "")
                                   : fmt::format("\t<xi:include href=\"{}\"/>\n", name)));
    }
    return out.write(json_ ? "\t]\n}" : "</BlastXML2>\n");
  }

  Status commit() override {
    for (std::uint64_t n = 1; n <= files_; ++n) {
      const std::filesystem::path from = numbered(spec_.scratch / "report", n);
      LOOM_TRY(AtomicFile file, AtomicFile::create(numbered(base_, n)));
      Sink out(file);
      LOOM_TRY(const std::uint64_t size, size_of(from));
      LOOM_CHECKED(copy_range(from, 0, size, out));
      LOOM_CHECKED(out.flush());
      LOOM_CHECKED(file.commit());
    }
    return ok();
  }

 private:
  /// Before BLAST+ numbers a name it takes the format's own extension off, in any case. The list of JSON
  /// files is made as that of XML files is, and so may name files that are not there; ours does too.
  [[nodiscard]] static std::string without(std::string_view extension, const std::string& out) {
    if (out.size() < extension.size()) return out;
    const std::string_view end = std::string_view(out).substr(out.size() - extension.size());
    const bool same = std::ranges::equal(
        extension, end, [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); });
    return same ? out.substr(0, out.size() - extension.size()) : out;
  }
  [[nodiscard]] std::filesystem::path numbered(const std::filesystem::path& base, std::uint64_t n) const {
    return base.string() + fmt::format("_{}.{}", n, json_ ? "json" : "xml");
  }

  static constexpr std::string_view kXmlHead =
      "<?xml version=\"1.0\"?>\n<BlastXML2\nxmlns=\"http://www.ncbi.nlm.nih.gov\"\n"
      "xmlns:xi=\"http://www.w3.org/2003/XInclude\"\nxmlns:xs=\"http://www.w3.org/2001/XMLSchema-instance\"\n"
      "xs:schemaLocation=\"http://www.ncbi.nlm.nih.gov "
      "http://www.ncbi.nlm.nih.gov/data_specs/schema_alt/NCBI_BlastOutput2.xsd\">\n";

  StitchSpec spec_;
  bool json_;
  std::string base_;
  ReportLines lines_;
  std::uint64_t files_ = 0;  // finished, in the scratch folder
};

}  // namespace

std::unique_ptr<Stitcher> xml_stitcher(const StitchSpec& spec) {
  return std::make_unique<Xml>(spec);
}
std::unique_ptr<Stitcher> json_stitcher(const StitchSpec& spec) {
  return std::make_unique<ReportList>(spec, true);
}
std::unique_ptr<Stitcher> xml2_stitcher(const StitchSpec& spec) {
  return std::make_unique<ReportList>(spec, false);
}
std::unique_ptr<Stitcher> file_set_stitcher(StitchSpec spec) {
  return std::make_unique<FileSet>(std::move(spec));
}

}  // namespace loom::render
