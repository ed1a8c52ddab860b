#pragma once
#include <exception>
#include <type_traits>

#include "base/result.hpp"

namespace loom {

/// What `work` returns, a Result, or nothing; what it throws becomes an error. For the one place in a
/// thread's loop where a piece of work is run: what a library throws there (no memory, a folder that may not
/// be read) then ends that piece, and neither the thread nor the server. Errors: those of `work`; internal,
/// with what() of what it threw. Thread-safe as `work` is.
template <class Work>
auto guarded(Work&& work) {
  using Returned = std::invoke_result_t<Work&>;
  constexpr bool kNothing = std::is_void_v<Returned>;
  using Outcome = std::conditional_t<kNothing, Status, Returned>;
  try {
    if constexpr (kNothing) {
      work();
      return Outcome(ok());
    } else {
      return Outcome(work());
    }
  } catch (const std::exception& thrown) {
    return Outcome(error(Code::internal, "{}", thrown.what()));
  } catch (...) {
    return Outcome(error(Code::internal, "something was thrown that does not say what it is"));
  }
}

}  // namespace loom
