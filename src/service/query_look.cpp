#include "service/query_look.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace loom::service {

namespace {

using blast::Molecule;
using blast::Program;

constexpr std::uint64_t kShortProtein = 30;
constexpr std::uint64_t kShortNucleotide = 50;

class Looker {
 public:
  void line(std::string_view text) {
    if (text.starts_with('>')) {
      end_record();
      ++look_.records;
      return;
    }
    for (const char byte : text) {
      const auto c = static_cast<char>(std::toupper(static_cast<unsigned char>(byte)));
      if ((c < 'A' || c > 'Z') && c != '*') continue;
      ++letters_;
      if (c == 'N' || c == 'X') continue;
      ++telling_;
      if (std::string_view("ACGTU").find(c) != std::string_view::npos) ++bases_;
    }
  }
  QueryLook finish() {
    end_record();
    if (look_.records == 0 && look_.letters > 0) look_.records = 1;
    return look_;
  }

 private:
  void end_record() {
    look_.letters += letters_;
    look_.longest = std::max(look_.longest, letters_);
    if (telling_ >= QueryLook::kEnoughLetters) {
      const Molecule seen = bases_ * 10 > telling_ * 9 ? Molecule::nucleotide : Molecule::protein;
      if (!look_.molecule) look_.molecule = seen;
      look_.mixed = look_.mixed || *look_.molecule != seen;
    }
    letters_ = telling_ = bases_ = 0;
  }

  QueryLook look_;
  std::uint64_t letters_ = 0;
  std::uint64_t telling_ = 0;
  std::uint64_t bases_ = 0;
};

}  // namespace

Result<QueryLook> look_at_query(sequence::ByteSource& source) {
  std::string text(QueryLook::kLookedAt + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    LOOM_TRY(const std::size_t got, source.read(std::span(text).subspan(size)));
    if (got == 0) break;
    size += got;
  }
  return look_at_text(std::string_view(text).substr(0, size));
}

QueryLook look_at_text(std::string_view text) {
  Looker looker;
  std::string_view rest = text.substr(0, QueryLook::kLookedAt);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    looker.line(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  QueryLook look = looker.finish();
  look.whole = text.size() <= QueryLook::kLookedAt;
  return look;
}

Program counterpart(Program program) {
  switch (program) {
    case Program::blastn:
    case Program::tblastx:
      return Program::tblastn;
    case Program::blastx:
      return Program::blastp;
    case Program::tblastn:
      return Program::blastn;
    case Program::rpsblast:
      return Program::rpstblastn;
    case Program::rpstblastn:
      return Program::rpsblast;
    case Program::blastp:
    case Program::psiblast:
    case Program::deltablast:
      return Program::blastx;
  }
  return program;
}

std::string short_task(Program program, std::uint64_t longest) {
  if (program == Program::blastp && longest <= kShortProtein) return "blastp-short";
  if (program == Program::blastn && longest <= kShortNucleotide) return "blastn-short";
  return {};
}

std::vector<std::string> query_warnings(const QueryLook& look, const blast::Options& options) {
  std::vector<std::string> warnings;
  const Program program = options.program();
  const Molecule wanted = blast::query_molecule(program);
  if (look.mixed) {
    warnings.emplace_back(
        "query: some of the sequences look like proteins and some like nucleotides; search them apart");
  } else if (look.molecule && *look.molecule != wanted) {
    warnings.push_back(fmt::format("query: its letters look like {}, and {} reads them as {}; {} is for such",
                                   blast::name(*look.molecule), blast::name(program), blast::name(wanted),
                                   blast::name(counterpart(program))));
  }
  const std::string task = short_task(program, look.longest);
  if (look.whole && look.longest > 0 && !task.empty() && options.find("task") == nullptr)
    warnings.push_back(fmt::format("query: at most {} letters long; with option task {} such find more",
                                   look.longest, task));
  return warnings;
}

}  // namespace loom::service
