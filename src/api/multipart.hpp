#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace loom::api {

inline constexpr std::string_view kFormType = "multipart/form-data";

/// The head of one part of a form.
struct PartHead {
  std::string name;
  std::string filename;      ///< empty if none
  std::string content_type;  ///< empty if none
};

/// Where the parts go, in the order they came. An error stops the parser with it.
class PartSink {
 public:
  virtual ~PartSink() = default;
  virtual Status begin_part(PartHead head) = 0;
  /// Some more bytes of the part; in how many calls they come means nothing.
  virtual Status part_data(std::string_view bytes) = 0;
  virtual Status end_part() = 0;
};

/// Reads multipart/form-data (RFC 7578, 2046) as it comes, in constant memory: it keeps less than one part
/// head and a boundary besides what it was fed. Limits: kMostParts parts, kMostHeadBytes for a part's head,
/// and as much before the first boundary. After an error it is of no use.
class MultipartParser {
 public:
  static constexpr std::size_t kMostParts = 100;
  static constexpr std::size_t kMostHeadBytes = 8192;

  /// The boundary in a Content-Type header. Errors: invalid_argument.
  static Result<std::string> boundary_of(std::string_view content_type);

  /// `sink` is borrowed.
  MultipartParser(std::string_view boundary, PartSink& sink);

  /// Errors: invalid_argument for what is no form; too_large past a limit; those of the sink.
  Status feed(std::string_view bytes);
  /// No more comes. Errors: invalid_argument unless the form was whole.
  Status finish();

 private:
  enum class State { preamble, boundary_end, head, data, epilogue };
  enum class Step { again, need_more };

  Result<Step> step();
  Result<Step> skip_preamble();
  Result<Step> end_boundary();
  Result<Step> read_head();
  Result<Step> read_data();
  void drop(std::size_t bytes) { at_ += bytes; }
  [[nodiscard]] std::string_view rest() const { return std::string_view(buffer_).substr(at_); }

  PartSink& sink_;
  std::string delimiter_;  ///< CRLF, two dashes, boundary
  std::string buffer_;
  std::size_t at_ = 0;  ///< what lies before it in buffer_ is done
  std::size_t parts_ = 0;
  std::size_t skipped_ = 0;
  State state_ = State::preamble;
};

}  // namespace loom::api
