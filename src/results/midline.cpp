#include "results/midline.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace loom::results {
namespace {

constexpr std::size_t kLetters = 26;

/// For each letter from A the letters (bit 0 is A) that score more than 0 with it.
struct Matrix {
  std::string_view name;
  std::array<std::uint32_t, kLetters> positive;
};

// As BLAST+ 2.12 has them (NCBISM_GetScore of its libtables).
constexpr std::array<Matrix, 8> kMatrices{{
    {"BLOSUM45",
     {{0x0040001, 0x200201A, 0x0000004, 0x200201A, 0x201041A, 0x1400A20, 0x0000040, 0x1012080, 0x0201B00,
       0x0201B20, 0x2030410, 0x0201B20, 0x0201B00, 0x004208A, 0x0000000, 0x0008000, 0x2030490, 0x2030400,
       0x00C2001, 0x00C0000, 0x0000000, 0x0201B00, 0x1400020, 0x0000000, 0x14000A0, 0x203041A}}},
    {"BLOSUM50",
     {{0x0040001, 0x200201A, 0x0000004, 0x200201A, 0x201041A, 0x1400A20, 0x0000040, 0x1012080, 0x0201B00,
       0x0201B20, 0x2030410, 0x0201B20, 0x0201B00, 0x004208A, 0x0000000, 0x0008000, 0x2030490, 0x0030400,
       0x00C2001, 0x00C0000, 0x0000000, 0x0201B00, 0x1400020, 0x0000000, 0x14000A0, 0x201041A}}},
    {"BLOSUM62",
     {{0x0040001, 0x000201A, 0x0000004, 0x200201A, 0x201041A, 0x1400020, 0x0000040, 0x1002080, 0x0201B00,
       0x0201B00, 0x2030410, 0x0201B00, 0x0201B00, 0x004208A, 0x0000000, 0x0008000, 0x2030410, 0x0030400,
       0x00C2001, 0x00C0000, 0x0000000, 0x0201B00, 0x1400020, 0x0000000, 0x14000A0, 0x2010418}}},
    {"BLOSUM80",
     {{0x0040001, 0x000201A, 0x0000004, 0x200201A, 0x201041A, 0x1000020, 0x0000040, 0x1010080, 0x0201B00,
       0x0201B00, 0x2030410, 0x0201B00, 0x0201B00, 0x000200A, 0x0000000, 0x0008000, 0x2030490, 0x0030400,
       0x00C0001, 0x00C0000, 0x0000000, 0x0201B00, 0x1400000, 0x0000000, 0x14000A0, 0x2010418}}},
    {"BLOSUM90",
     {{0x0040001, 0x000201A, 0x0000004, 0x200201A, 0x201001A, 0x1000020, 0x0000040, 0x1010080, 0x0201B00,
       0x0201B00, 0x2030400, 0x0001B00, 0x0001B00, 0x000200A, 0x0000000, 0x0008000, 0x2030490, 0x0030400,
       0x00C0001, 0x00C0000, 0x0000000, 0x0200300, 0x1400000, 0x0000000, 0x14000A0, 0x2010418}}},
    {"PAM30",
     {{0x0000001, 0x000201A, 0x0000004, 0x200201A, 0x201001A, 0x1000020, 0x0000040, 0x0010080, 0x0200300,
       0x0000B00, 0x0000400, 0x0001A00, 0x0001800, 0x000200A, 0x0000000, 0x0008000, 0x2010090, 0x0020000,
       0x0040000, 0x0080000, 0x0000000, 0x0200100, 0x0400000, 0x0000000, 0x1000020, 0x2010018}}},
    {"PAM70",
     {{0x00C0001, 0x200201A, 0x0000004, 0x200201A, 0x201001A, 0x1000020, 0x0000040, 0x2012080, 0x0201B00,
       0x0201B00, 0x0020400, 0x0001B00, 0x0001B00, 0x004208A, 0x0000000, 0x0008000, 0x2010090, 0x0020400,
       0x00C2001, 0x00C0001, 0x0000000, 0x0200300, 0x0400000, 0x0000000, 0x1000020, 0x201009A}}},
    {"PAM250",
     {{0x00C8041, 0x201249A, 0x0000004, 0x20120DA, 0x201209A, 0x1000B20, 0x0040049, 0x203209A, 0x0201B20,
       0x0201B20, 0x0032402, 0x0201B20, 0x0201B00, 0x205249A, 0x0000000, 0x0048001, 0x203249A, 0x0430480,
       0x00CA041, 0x00C0001, 0x0000000, 0x0201B00, 0x0420000, 0x0000000, 0x1000020, 0x201209A}}},
}};
constexpr std::size_t kUsual = 2;

const Matrix& matrix_of(std::string_view name) {
  const auto* known = std::ranges::find(kMatrices, name, &Matrix::name);
  return known == kMatrices.end() ? kMatrices[kUsual] : *known;
}

std::int64_t letters_of(std::string_view aligned) {
  return std::ranges::count_if(aligned, [](char c) { return c != '-'; });
}

/// Walks along one of the sequences.
class Walk {
 public:
  Walk(std::string_view aligned, Span span) : at_(span.start) {
    const std::int64_t letters = std::max<std::int64_t>(letters_of(aligned), 1);
    const bool back = span.end < span.start;
    const std::int64_t count = (back ? span.start - span.end : span.end - span.start) + 1;
    width_ = std::max<std::int64_t>(count / letters, 1);
    step_ = back ? -1 : 1;
  }
  /// The first and last position of so many letters from here.
  [[nodiscard]] Span next(std::int64_t letters) const { return {at_, at_ + step_ * (letters * width_ - 1)}; }
  void pass(std::int64_t letters) { at_ += step_ * letters * width_; }

 private:
  std::int64_t at_;
  std::int64_t width_ = 1;
  std::int64_t step_ = 1;
};

}  // namespace

std::string midline(std::string_view query, std::string_view subject, std::string_view matrix) {
  std::string line(std::min(query.size(), subject.size()), ' ');
  const Matrix& scores = matrix_of(matrix);
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (query[i] == '-' || subject[i] == '-') continue;
    if (query[i] == subject[i]) {
      line[i] = matrix.empty() ? '|' : query[i];
      continue;
    }
    const auto q = static_cast<std::size_t>(query[i] - 'A');
    const auto s = static_cast<std::size_t>(subject[i] - 'A');
    if (matrix.empty() || q >= kLetters || s >= kLetters) continue;
    if (((scores.positive[q] >> s) & 1U) != 0) line[i] = '+';
  }
  return line;
}

std::vector<Segment> segments(std::string_view query, std::string_view subject, Span query_span,
                              Span subject_span) {
  std::vector<Segment> runs;
  Walk in_query(query, query_span);
  Walk in_subject(subject, subject_span);
  const std::size_t columns = std::min(query.size(), subject.size());
  for (std::size_t at = 0; at < columns;) {
    if (query[at] == '-' || subject[at] == '-') {
      if (query[at] != '-') in_query.pass(1);
      if (subject[at] != '-') in_subject.pass(1);
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < columns && query[end] != '-' && subject[end] != '-') ++end;
    const auto length = static_cast<std::int64_t>(end - at);
    const Span q = in_query.next(length);
    const Span s = in_subject.next(length);
    runs.push_back({static_cast<std::int64_t>(at), length, q.start, q.end, s.start, s.end});
    in_query.pass(length);
    in_subject.pass(length);
    at = end;
  }
  return runs;
}

}  // namespace loom::results
