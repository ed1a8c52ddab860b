#include "base/result.hpp"

#include <cerrno>
#include <system_error>

#include "base/check.hpp"

namespace loom {

std::string_view name(Code code) {
  switch (code) {
    case Code::invalid_argument:
      return "invalid_argument";
    case Code::not_found:
      return "not_found";
    case Code::conflict:
      return "conflict";
    case Code::forbidden:
      return "forbidden";
    case Code::too_large:
      return "too_large";
    case Code::too_many:
      return "too_many";
    case Code::timed_out:
      return "timed_out";
    case Code::cancelled:
      return "cancelled";
    case Code::unavailable:
      return "unavailable";
    case Code::out_of_memory:
      return "out_of_memory";
    case Code::disk_full:
      return "disk_full";
    case Code::corrupt:
      return "corrupt";
    case Code::internal:
      return "internal";
  }
  LOOM_CHECK(false, "a Code outside its enumerators");
}

std::optional<Code> parse_code(std::string_view text) {
  for (int i = 0; i <= static_cast<int>(Code::internal); ++i)
    if (const auto code = static_cast<Code>(i); name(code) == text) return code;
  return std::nullopt;
}

bool retryable(Code code) {
  return code == Code::too_many || code == Code::timed_out || code == Code::unavailable;
}

Error Error::at(std::string_view place) const& {
  return Error{code, fmt::format("{}: {}", place, message)};
}

Error Error::at(std::string_view place) && {
  message.insert(0, ": ").insert(0, place);
  return std::move(*this);
}

namespace {
Code code_of(int number) {
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      return Code::not_found;
    case EEXIST:
    case EBUSY:
      return Code::conflict;
    case EFBIG:
    case E2BIG:
      return Code::too_large;
    case ETIMEDOUT:
      return Code::timed_out;
    case EAGAIN:
    case ECONNREFUSED:
    case ECONNRESET:
      return Code::unavailable;
    case ENOMEM:
      return Code::out_of_memory;
    case ENOSPC:
    case EDQUOT:
      return Code::disk_full;
    case EACCES:
    case EPERM:
    case EROFS:
    case EINVAL:
    case EISDIR:
    case ENAMETOOLONG:
      return Code::invalid_argument;
    default:
      return Code::internal;
  }
}
}  // namespace

Error system_error(int number, std::string_view what) {
  return error(code_of(number), "{}: {}", what, std::generic_category().message(number));
}

}  // namespace loom
