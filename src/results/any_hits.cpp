#include "results/any_hits.hpp"

#include <array>
#include <string>
#include <string_view>

namespace loom::results {
namespace {

constexpr std::size_t kBytesAtOnce = std::size_t{1} << 16U;

/// What stands in output with hits only.
std::string_view mark_of(int number) {
  if (number <= 4) return "\nSequences producing significant alignments";
  if (number == 5 || number == 16) return "<Hit>";
  if (number == 15) return "\"hsps\"";
  return {};
}

/// Whether a line of tabular output or SAM is a row.
bool is_row(std::string_view line, int number) {
  if (line.empty() || line == "Search has CONVERGED!") return false;
  return number == 17 ? line.front() != '@' : !line.starts_with("# ");
}

/// Looks for `mark` in the bytes, also across blocks; for rows if there is none.
class Look {
 public:
  explicit Look(int number) : number_(number), mark_(mark_of(number)) {}

  bool found_in(std::string_view bytes) {
    held_ += bytes;
    if (!mark_.empty()) {
      if (held_.find(mark_) != std::string::npos) return true;
      if (held_.size() >= mark_.size()) held_.erase(0, held_.size() - mark_.size() + 1);
      return false;
    }
    std::size_t begin = 0;
    for (std::size_t end = held_.find('\n'); end != std::string::npos; end = held_.find('\n', begin)) {
      if (is_row(std::string_view(held_).substr(begin, end - begin), number_)) return true;
      begin = end + 1;
    }
    held_.erase(0, begin);
    return false;
  }

 private:
  int number_;
  std::string_view mark_;
  std::string held_;
};

}  // namespace

Result<std::optional<bool>> shows_hits(const blast::OutFormat& format, const ReadBytes& read) {
  if (!format.tabular() && format.number != 17 && mark_of(format.number).empty())
    return std::optional<bool>();
  Look look(format.number);
  std::array<char, kBytesAtOnce> block{};
  for (;;) {
    LOOM_TRY(const std::size_t got, read(block));
    if (got == 0) return std::optional(false);
    if (look.found_in({block.data(), got})) return std::optional(true);
  }
}

}  // namespace loom::results
