#include "results/report_reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/lines.hpp"

namespace loom::results {
namespace {

constexpr std::size_t kMostBytes = std::size_t{256} << 20U;

/// "Length=123"
bool tells_length(std::string_view line) {
  constexpr std::string_view kLength = "Length=";
  return line.starts_with(kLength) && line.size() > kLength.size() &&
         line.find_first_not_of("0123456789", kLength.size()) == std::string_view::npos;
}

/// The number in parentheses behind "bits".
std::int64_t raw_score(std::string_view line) {
  const std::size_t at = line.find(" bits (");
  std::int64_t score = 0;
  if (at != std::string_view::npos) std::from_chars(line.data() + at + 7, line.data() + line.size(), score);
  return score;
}

}  // namespace

Status ReportReader::push(std::string_view bytes) {
  LOOM_CHECKED(take_lines(held_, bytes, [this](std::string_view one) { return line(one); }));
  if (held_.size() + subject_.size() + hsp_.text.text.size() <= kMostBytes) return ok();
  return error(Code::too_large, "an alignment of the report is longer than {} bytes", kMostBytes);
}

Status ReportReader::finish() {
  if (!held_.empty()) LOOM_CHECKED(line(std::exchange(held_, {})));
  return end_hsp();
}

Status ReportReader::line(std::string_view text) {
  // A definition line is wrapped anywhere, so what stands in it is no mark of anything: it ends with the
  // length and an empty line.
  const bool told = std::exchange(length_told_, tells_length(text));
  if (state_ == State::query || state_ == State::subject) {
    if (told && text.empty()) {
      state_ = state_ == State::query ? State::between : State::alignments;
    } else if (state_ == State::query && told) {
      state_ = State::between;
    } else if (state_ == State::subject) {
      subject_.append(text) += '\n';
    }
    return ok();
  }
  if (text.starts_with("Query= ")) {
    LOOM_CHECKED(end_hsp());
    ++queries_;
    state_ = State::query;
  } else if (text.starts_with('>') && queries_ > 0) {
    LOOM_CHECKED(end_hsp());
    subject_.assign(text) += '\n';
    state_ = State::subject;
  } else if (state_ == State::alignments && text.starts_with("Lambda ")) {
    LOOM_CHECKED(end_hsp());
    state_ = State::between;
  } else if (state_ == State::alignments && text.starts_with(" Score = ")) {
    LOOM_CHECKED(end_hsp());
    in_hsp_ = true;
    hsp_ = {};
    hsp_.score = raw_score(text);
    hsp_.text.text.append(text) += '\n';
  } else if (in_hsp_) {
    row(text);
    hsp_.text.text.append(text) += '\n';
  }
  return ok();
}

void ReportReader::row(std::string_view text) {
  const bool query = text.starts_with("Query ");
  if (!query && !text.starts_with("Sbjct ")) return;
  // Label, first position, letters, last position; a row of gaps alone has no positions.
  std::array<std::string_view, 4> words;
  std::size_t count = 0;
  while (count < words.size()) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.empty()) break;
    words[count] = text.substr(0, text.find(' '));
    text.remove_prefix(words[count].size());
    ++count;
  }
  if (count < words.size()) return;
  const auto number = [](std::string_view word) {
    std::int64_t value = 0;
    std::from_chars(word.data(), word.data() + word.size(), value);
    return value;
  };
  std::int64_t& start = query ? hsp_.qstart : hsp_.sstart;
  if (start == 0) start = number(words[1]);
  (query ? hsp_.qend : hsp_.send) = number(words[3]);
}

Status ReportReader::end_hsp() {
  if (!std::exchange(in_hsp_, false)) return ok();
  std::string& text = hsp_.text.text;
  while (text.ends_with("\n\n")) text.pop_back();
  hsp_.query = queries_ - 1;
  hsp_.text.subject = subject_;
  hsp_.name = subject_.substr(1, subject_.find_first_of(" \n") - 1);
  return take_(hsp_);
}

}  // namespace loom::results
