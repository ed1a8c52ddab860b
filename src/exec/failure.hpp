#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "exec/process_runner.hpp"

namespace loom::exec {

/// Who has to mend it. Spelt as on the wire and in the database.
enum class FailureClass {
  input,     ///< the query or the options: the user
  memory,    ///< too little memory: fewer at once, or a smaller piece
  disk,      ///< too little space where it writes
  database,  ///< missing, damaged, or changed under the search
  engine,    ///< the program itself
  lost,      ///< ended from outside, for no reason of its own
  timeout,   ///< past its deadline
};
std::string_view name(FailureClass failure_class);

/// Of what a program said, that is kept of a run that failed: the end of it.
inline constexpr std::size_t kMostSaidBytes = std::size_t{64} << 10U;

struct Failure {
  FailureClass failure_class;
  bool retryable;  ///< the same run may succeed later without any change
  std::string
      sentence;  ///< one sentence: what failed, in the program's own words if it had any, and what to do
  std::string said{};  ///< on standard error, at most kMostSaidBytes
};

/// Why a run of `program` (its plain name) did not succeed. Words on stderr count before the exit code,
/// because BLAST+ 2.12.0 often exits with a code of another cause: 3 for a query without letters, 2 for too
/// little memory, 255 for a missing volume file, SIGSEGV for a truncated one. Exit codes of BLAST+: 1 query
/// or options, 2 database, 3 engine, 4 memory, 5 network, 6 output, 255 other; 128+N, from a wrapper script,
/// is signal N. `outcome.succeeded()` must be false.
Failure explain_failure(const ProcessOutcome& outcome, std::string_view program);

/// The same for a run that gave no outcome: ProcessRunner::run()'s error.
Failure explain_failure(const Error& error, std::string_view program);

}  // namespace loom::exec
