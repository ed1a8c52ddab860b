#include "app/query_form.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/random.hpp"

namespace loom::app {

Result<std::unique_ptr<QueryForm>> QueryForm::open(const Fields& fields, const std::string& query) {
  Fd file(query == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                       : ::open(query.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return system_error(errno, "-query: read " + query);
  return std::unique_ptr<QueryForm>(new QueryForm(fields, std::move(file)));
}

QueryForm::QueryForm(const Fields& fields, Fd query)
    : boundary_("blastloom" + random_token()), query_(std::move(query)) {
  for (const auto& [name, value] : fields)
    text_ += fmt::format("--{}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n", boundary_, name,
                         value);
  text_ += fmt::format("--{}\r\nContent-Disposition: form-data; name=\"query\"; filename=\"query\"\r\n\r\n",
                       boundary_);
}

Result<std::size_t> QueryForm::read(std::span<char> into) {
  if (sent_ < text_.size()) {
    const std::size_t count = text_.copy(into.data(), into.size(), sent_);
    sent_ += count;
    return count;
  }
  while (query_) {
    const ssize_t got = ::read(query_.get(), into.data(), into.size());
    if (got > 0) return static_cast<std::size_t>(got);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(errno, "-query: read it");
    query_.reset();
    text_ = fmt::format("\r\n--{}--\r\n", boundary_);
    sent_ = 0;
    return read(into);
  }
  return std::size_t{0};
}

}  // namespace loom::app
