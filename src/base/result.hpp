#pragma once
#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>
#include <variant>

namespace loom {

/// Why something that may fail in a healthy program failed. Closed; spelt as on the wire.
/// The code is chosen where the cause is known; callers add place, never another code.
enum class Code {
  invalid_argument,  ///< the caller asked for something that can never work; change the request
  not_found,         ///< the named thing does not exist
  conflict,          ///< it exists already, or is in use
  forbidden,         ///< the caller may not do that
  too_large,         ///< past a stated limit
  too_many,          ///< as many as are allowed are there already; retryable
  timed_out,         ///< the deadline passed first; retryable
  cancelled,         ///< someone asked to stop
  unavailable,       ///< a peer, process or device did not answer; retryable
  out_of_memory,     ///< this machine or limit has too little memory
  disk_full,         ///< this disk or quota has too little space
  corrupt,           ///< stored or received bytes are not what they must be
  internal,          ///< a defect of ours, or of something we cannot name; stays the last
};

std::string_view name(Code code);
/// The code of that name; nothing when none has it.
std::optional<Code> parse_code(std::string_view text);

/// Whether the same call may succeed later without any change: too_many, timed_out, unavailable.
bool retryable(Code code);

/// What went wrong, for a person: which thing, where, what to do. One sentence or two, no trailing newline.
struct Error {
  Code code = Code::internal;
  std::string message;

  /// The same error with `place` in front: "place: message".
  [[nodiscard]] Error at(std::string_view place) const&;
  [[nodiscard]] Error at(std::string_view place) &&;
};

template <class... Args>
Error error(Code code, fmt::format_string<Args...> text, Args&&... args) {
  return Error{code, fmt::format(text, std::forward<Args>(args)...)};
}

/// The error of a failed system call: errno `number` mapped to a code, "what: strerror".
Error system_error(int number, std::string_view what);

/// A T or an Error. Ignoring one is a compile error. Result<bool> does not compile: an `if (result)` would
/// lie.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
  static_assert(!std::is_same_v<T, bool>, "use an enum: a Result<bool> in a condition reads as its value");

 public:
  using tl::expected<T, Error>::expected;
  // NOLINTNEXTLINE(google-explicit-constructor): `return error(...)` is the point.
  Result(Error error) : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}
};

/// Success, or an Error.
using Status = Result<std::monostate>;
inline Status ok() {
  return std::monostate{};
}

}  // namespace loom

#define LOOM_CONCAT_INNER(a, b) a##b
#define LOOM_CONCAT(a, b) LOOM_CONCAT_INNER(a, b)

/// LOOM_TRY(const auto x, f()): x is f()'s value, or the function returns f()'s Error.
#define LOOM_TRY(decl, ...) LOOM_TRY_INNER(LOOM_CONCAT(loom_try_, __LINE__), decl, __VA_ARGS__)
#define LOOM_TRY_INNER(tmp, decl, ...)                  \
  auto tmp = (__VA_ARGS__);                             \
  if (!tmp) return std::move(tmp.error()); /* NOLINT */ \
  decl = *std::move(tmp)

/// LOOM_CHECKED(f()): the function returns f()'s Error, if any; the value is dropped.
#define LOOM_CHECKED(...)                                    \
  do {                                                       \
    auto loom_status = (__VA_ARGS__);                        \
    if (!loom_status) return std::move(loom_status.error()); \
  } while (false)
