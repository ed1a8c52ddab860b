#pragma once
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.hpp"
#include "http/message.hpp"

namespace loom::app {

/// The multipart/form-data body of a submit: some fields, then the query, read from its file or pipe as it is
/// sent, in constant memory.
class QueryForm final : public http::BodySource {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;
  /// `query` is a path; "-" is standard input. Errors: not_found and the like, for the file.
  static Result<std::unique_ptr<QueryForm>> open(const Fields& fields, const std::string& query);

  [[nodiscard]] std::string content_type() const { return "multipart/form-data; boundary=" + boundary_; }
  [[nodiscard]] std::optional<std::uint64_t> size() const override { return std::nullopt; }
  Result<std::size_t> read(std::span<char> into) override;

 private:
  QueryForm(const Fields& fields, Fd query);

  std::string boundary_;
  Fd query_;          // closed at its end
  std::string text_;  // in front of the query, then behind it
  std::size_t sent_ = 0;
};

}  // namespace loom::app
