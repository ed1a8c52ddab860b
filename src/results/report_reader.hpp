#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace loom::results {

/// What BLAST+'s report prints of one HSP.
struct PairwiseText {
  std::string subject;  ///< the lines of its subject, from ">" to "Length=…"
  std::string text;     ///< its own, from " Score = " to the last row; each line with its newline
};

/// By ids of HSPs.
using PairwiseTexts = std::map<std::int64_t, PairwiseText>;

/// One of a report, with what tells it from others of its subject.
struct ReportHsp {
  std::size_t query = 0;  ///< from 0
  std::string name;       ///< of the subject
  PairwiseText text{};
  std::int64_t score = 0;  ///< raw
  std::int64_t qstart = 0;
  std::int64_t qend = 0;
  std::int64_t sstart = 0;
  std::int64_t send = 0;
};

/// Reads a report (-outfmt 0, not HTML) as it comes, in the memory of its longest alignment. Lines that it
/// does not know are passed over. One thread at a time.
class ReportReader {
 public:
  /// What is given lives until the call returns.
  using Take = std::function<Status(ReportHsp& hsp)>;
  explicit ReportReader(Take take) : take_(std::move(take)) {}

  /// Errors: too_large for an alignment over 256 MiB; those of `take`.
  Status push(std::string_view bytes);
  Status finish();

 private:
  enum class State : std::uint8_t { between, query, subject, alignments };
  Status line(std::string_view text);
  Status end_hsp();
  void row(std::string_view text);

  Take take_;
  std::string held_;
  State state_ = State::between;
  std::size_t queries_ = 0;
  std::string subject_;
  bool length_told_ = false;  // by the line before
  bool in_hsp_ = false;
  ReportHsp hsp_;
};

}  // namespace loom::results
