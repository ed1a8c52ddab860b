#include "sequence/fasta_reader.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <utility>

namespace loom::sequence {
namespace {

constexpr std::size_t kWindowBytes = std::size_t{64} * 1024;

bool is_space(char byte) {
  return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/// BLAST+ skips white space, takes one byte whatever it is, and goes on up to a blank or control character.
std::string_view first_word(std::string_view defline) {
  defline.remove_prefix(defline.starts_with(">?_") ? 3 : 1);
  const auto first = std::find_if_not(defline.begin(), defline.end(), is_space);
  if (first == defline.end()) return {};
  const auto last =
      std::find_if(first + 1, defline.end(), [](char c) { return static_cast<unsigned char>(c) <= ' '; });
  return {first, last};
}

/// BLAST+ tries a first line like this as an accession or gi to fetch before it takes it for sequence data.
bool may_be_accession(std::string_view line) {
  const auto first = std::find_if_not(line.begin(), line.end(), is_space);
  return first != line.end() && std::isalnum(static_cast<unsigned char>(*first)) != 0;
}

Error refusal(std::uint64_t line_number, std::string_view line) {
  const std::string_view hint =
      line.starts_with('@') ? "this looks like FASTQ: convert it to FASTA first" : "check the file's format";
  return error(Code::invalid_argument,
               "line {}: neither a defline (>...) nor sequence data, and BLAST+ refuses it; {}", line_number,
               hint);
}

}  // namespace

FastaReader::FastaReader(ByteSource& source, Alphabet alphabet)
    : source_(source), alphabet_(alphabet), buffer_(kWindowBytes) {}

Result<std::optional<Record>> FastaReader::next() {
  const std::uint64_t ordinal = record_.ordinal + (has_content() ? 1 : 0);
  const std::uint64_t offset = record_.offset + record_.raw.size();
  record_ = Record{};
  record_.ordinal = ordinal;
  record_.first_line = line_;
  record_.offset = offset;
  has_data_ = false;
  begin_ = scan_;
  for (;;) {
    LOOM_TRY(const auto line, peek_line());
    if (!line) return finish();
    if (is_defline(*line)) {
      if (has_content()) return finish();
      take_defline(*line);
    } else {
      LOOM_CHECKED(take_data_line(*line));
    }
    scan_ = std::min(scan_ + line->size() + 1, end_);  // the last line may have no line feed
    searched_ = scan_;
    ++line_;
  }
}

/// The line at scan_ without its line feed; nullopt at the end of the input.
Result<std::optional<std::string_view>> FastaReader::peek_line() {
  for (;;) {
    const void* found = std::memchr(buffer_.data() + searched_, '\n', end_ - searched_);
    const char* start = buffer_.data() + scan_;
    if (found != nullptr) return std::string_view(start, static_cast<const char*>(found));
    if (at_end_) {
      if (scan_ == end_) return std::optional<std::string_view>{};
      return std::string_view(start, end_ - scan_);
    }
    searched_ = end_;
    LOOM_CHECKED(fill());
  }
}

/// Reads more behind the record being read, which moves to the front; grows only when it fills the buffer.
Status FastaReader::fill() {
  if (begin_ > 0) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    scan_ -= begin_;
    searched_ -= begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
  LOOM_TRY(const std::size_t got, source_.read(std::span(buffer_).subspan(end_)));
  end_ += got;
  at_end_ = got == 0;
  return ok();
}

void FastaReader::take_defline(std::string_view line) {
  record_.has_defline = true;
  defline_ = scan_ - begin_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.find('\r') != std::string_view::npos)
    set_unsplittable("has a carriage return without a line feed");
}

Status FastaReader::take_data_line(std::string_view line) {
  if (line_ == 1 && may_be_accession(line)) set_unsplittable("may be an accession for BLAST+ to fetch");
  const bool first_data = record_.letters == 0;
  const LineLetters found = count_letters(line, alphabet_);
  record_.letters += found.count;
  if (found.has_lone_cr) set_unsplittable("has a carriage return without a line feed");
  if (found.has_gap) set_unsplittable("is an assembly gap (>?)");
  if (!first_data) return ok();
  if (!is_plausible(line)) {
    // Certain only where nothing before it may be read in another way, and nothing was searched yet.
    if (record_.ordinal == 0 && unsplittable_.empty()) return refusal(line_, line);
    set_unsplittable("does not look like sequence data, so BLAST+ will stop there");
  }
  if (!record_.has_defline && !data_part(line).empty()) {
    has_data_ = true;
    set_unsplittable("is sequence data without a defline");
  }
  return ok();
}

std::optional<Record> FastaReader::finish() {
  record_.raw = std::string_view(buffer_.data() + begin_, scan_ - begin_);
  if (!has_content()) return std::nullopt;
  if (record_.has_defline) {
    const std::string_view rest = record_.raw.substr(defline_);
    record_.id = first_word(rest.substr(0, rest.find('\n')));
  }
  return record_;
}

void FastaReader::set_unsplittable(std::string_view reason) {
  if (unsplittable_.empty()) unsplittable_ = fmt::format("line {} {}", line_, reason);
}

}  // namespace loom::sequence
