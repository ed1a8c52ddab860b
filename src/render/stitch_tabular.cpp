// Formats 6, 7, 10, 17 and 18: rows that follow each other.
#include <fmt/format.h>

#include <charconv>

#include "render/number_queries.hpp"
#include "render/part_text.hpp"
#include "render/stitch_text.hpp"

namespace loom::render {
namespace {

class Plain final : public Stitcher {
 public:
  Status add(const Part& part, Sink& out) override {
    LOOM_TRY(const std::uint64_t size, size_of(part.file));
    return copy_range(part.file, 0, size, out);
  }
  Status finish(Sink&) override { return ok(); }
};

/// Format 7: comment lines name the database; the last line of a run counts its queries.
class Commented final : public Stitcher {
 public:
  explicit Commented(const StitchSpec& spec) {
    if (spec.database) database_line_ = kDatabase + *spec.database + "\n";
  }

  Status add(const Part& part, Sink& out) override {
    LOOM_TRY(LineReader lines, LineReader::open(part.file));
    std::uint64_t counted = 0;
    for (;;) {
      LOOM_TRY(const auto line, lines.next());
      if (!line) break;
      if (line->starts_with(kDatabase)) {
        LOOM_CHECKED(out.write(database_line_ ? std::string_view(*database_line_) : *line));
      } else if (line->starts_with(kProcessed)) {
        const std::string_view rest = line->substr(kProcessed.size());
        std::from_chars(rest.data(), rest.data() + rest.size(), counted);
      } else {
        LOOM_CHECKED(out.write(*line));
      }
    }
    if (counted == 0) return unlike(part.file, "its closing line '# BLAST processed N queries' is missing");
    queries_ += counted;
    return ok();
  }

  Status finish(Sink& out) override { return out.write(fmt::format("{}{} queries\n", kProcessed, queries_)); }

 private:
  static constexpr std::string_view kProcessed = "# BLAST processed ";
  inline static const std::string kDatabase = "# Database: ";
  std::optional<std::string> database_line_;
  std::uint64_t queries_ = 0;
};

/// Format 17: all @SQ lines (one per query with hits), then the @PG line, then the rows. A part without hits
/// is empty. Rows wait in the scratch folder.
class Sam final : public Stitcher {
 public:
  explicit Sam(StitchSpec spec) : spec_(std::move(spec)), rows_path_(spec_.scratch / "sam-rows") {}

  Status add(const Part& part, Sink& out) override {
    if (!rows_) {
      LOOM_TRY(AtomicFile file, AtomicFile::create(rows_path_));
      file_ = std::make_unique<AtomicFile>(std::move(file));
      rows_ = std::make_unique<Sink>(*file_);
    }
    LOOM_TRY(LineReader lines, LineReader::open(part.file));
    for (;;) {
      LOOM_TRY(const auto line, lines.next());
      if (!line) return ok();
      LOOM_CHECKED(add_line(*line, part.first_query, out));
    }
  }

  Status finish(Sink& out) override {
    if (program_line_.empty()) return ok();
    LOOM_CHECKED(out.write(program_line_));
    LOOM_CHECKED(rows_->flush());
    LOOM_CHECKED(file_->commit());
    return copy_range(rows_path_, 0, rows_->bytes(), out);
  }

 private:
  Status add_line(std::string_view line, std::uint64_t first_query, Sink& out) {
    if (line.starts_with("@HD")) return program_line_.empty() ? out.write(line) : ok();
    if (line.starts_with("@SQ")) return out.write(renumber_all(line, first_query));
    if (line.starts_with("@PG")) {
      program_line_ = with_user_command(line);
      return ok();
    }
    // The query is the third column: <subject> <flag> Query_N ...
    std::size_t at = line.find('\t');
    if (at != std::string_view::npos) at = line.find('\t', at + 1);
    if (at == std::string_view::npos) return rows_->write(line);
    const auto moved = renumbered(line, line.substr(0, at + 1), first_query);
    return rows_->write(moved ? std::string_view(*moved) : line);
  }

  [[nodiscard]] std::string with_user_command(std::string_view line) const {
    constexpr std::string_view kCommand = "\tCL:";
    const std::size_t from = line.find(kCommand);
    const std::size_t to = line.rfind("\tPN:");
    if (from == std::string_view::npos || to == std::string_view::npos || to < from) return std::string(line);
    return fmt::format("{}{}{} {}", line.substr(0, from), kCommand, spec_.command_line, line.substr(to));
  }

  StitchSpec spec_;
  std::filesystem::path rows_path_;
  std::string program_line_;
  std::unique_ptr<AtomicFile> file_;
  std::unique_ptr<Sink> rows_;
};

}  // namespace

std::unique_ptr<Stitcher> plain_stitcher() {
  return std::make_unique<Plain>();
}
std::unique_ptr<Stitcher> commented_stitcher(const StitchSpec& spec) {
  return std::make_unique<Commented>(spec);
}
std::unique_ptr<Stitcher> sam_stitcher(StitchSpec spec) {
  return std::make_unique<Sam>(std::move(spec));
}

}  // namespace loom::render
