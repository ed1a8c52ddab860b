#include "exec/failure.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace loom::exec {
namespace {

struct Case {
  int exit_code;
  int signal;
  const char* stderr_text;
  FailureClass expected;
  const char* in_sentence;
};

Failure explain(const Case& given, std::string_view program = "blastp") {
  ProcessOutcome outcome;
  outcome.exit_code = given.exit_code;
  outcome.signal = given.signal;
  outcome.stderr_text = given.stderr_text;
  return explain_failure(outcome, program);
}

// What blastp 2.12.0 wrote and how it ended, each seen in a run.
constexpr Case kSeen[] = {
    {2, 0,
     "BLAST Database error: No alias or index file found for protein database [x] in search path [::]\n",
     FailureClass::database, "No alias or index file found for protein database [x]"},
    {2, 0, "BLAST Database error: Error: Not a valid version 4 or 5 database.\n", FailureClass::database,
     "blastdbcheck"},
    {1, 0, "Command line argument error: Argument \"query\". File is not accessible:  `no.fa'\n",
     FailureClass::input, "`no.fa'"},
    {1, 0,
     "USAGE\n  blastp [-h]\n\nError: Unknown argument: \"nosuch\"\n"
     "Error:  (CArgException::eInvalidArg) Unknown argument: \"nosuch\"\n",
     FailureClass::input, "Unknown argument: \"nosuch\""},
    {1, 0, "BLAST query error: CFastaReader: Near line 1, there's a line\n", FailureClass::input,
     "Near line 1"},
    {3, 0, "BLAST engine error: Warning: Sequence contains no data \n", FailureClass::input,
     "no data); correct"},
    {255, 0, "Error: Formatting choice is out of range\n", FailureClass::input, "out of range"},
    {6, 0, "BLAST failed to write output\n", FailureClass::disk, "free space"},
    {6, 0,
     "Error: (802.4) [blastp] [Cannot close serializing output stream] Exception: basic_ios::clear: iostream "
     "error\n"
     "BLAST failed to write output\n",
     FailureClass::disk, "BLAST failed to write output"},
    {2, 0, "Error: (106.6) Application's initialization failed: std::bad_alloc\n", FailureClass::memory,
     "std::bad_alloc"},
    {127, 0, "blastp: error while loading shared libraries: x.so: failed to map segment from shared object\n",
     FailureClass::memory, "x.so"},
    {255, 0,
     "Error: NCBI C++ Exception:\n    T0 \"c++/include/corelib/ncbidiag.hpp\", line 177: Error: "
     "(CSerialException::eFormatError) ncbi::CObjectIStreamAsnBinary::UnexpectedTagClassByte() - byte 0\n",
     FailureClass::database, "UnexpectedTagClassByte"},
    {0, SIGSEGV, "", FailureClass::database, "blastdbcheck"},
    {0, SIGBUS, "", FailureClass::database, "do not replace a database in use"},
    {0, SIGABRT,
     "terminate called after throwing an instance of 'std::__ios_failure'\n  what():  basic_ios::clear: "
     "iostream "
     "error\n",
     FailureClass::disk, "basic_ios::clear: iostream error"},
    {0, SIGXFSZ, "", FailureClass::disk, "ulimit -f"},
    {2, 0, "BLAST Database error: Taxonomy ID(s) not found. This could be because\n", FailureClass::input,
     "get_species_taxids.sh"},
    {255, 0, "CMemoryFileMap() - To be memory mapped the file must exist: ''\n", FailureClass::input,
     "check the paths"},
};

TEST(ExplainFailure, AnAccessionThatIsNotFetchedIsNoFaultOfTheDatabase) {
  ProcessOutcome outcome;
  outcome.exit_code = 3;
  outcome.stderr_text =
      "Error: (CSerialException::eIoError) [blastp] byte 130: cannot close output stream\n"
      "BLAST engine error: Empty CBlastQueryVector\n";
  const Failure failure = explain_failure(outcome, "blastp");
  EXPECT_EQ(failure.failure_class, FailureClass::input);
  EXPECT_NE(failure.sentence.find("give sequences themselves as FASTA"), std::string::npos)
      << failure.sentence;
}

TEST(ExplainFailure, EveryEndSeenOfBlastHasItsClassItsWordsAndAWayOut) {
  for (const Case& seen : kSeen) {
    const Failure failure = explain(seen);
    EXPECT_EQ(name(failure.failure_class), name(seen.expected)) << failure.sentence;
    EXPECT_NE(failure.sentence.find(seen.in_sentence), std::string::npos) << failure.sentence;
    EXPECT_FALSE(failure.retryable) << failure.sentence;
    EXPECT_EQ(failure.sentence.find('\n'), std::string::npos);
  }
}

TEST(ExplainFailure, TheSentenceReadsWhole) {
  EXPECT_EQ(explain({0, SIGKILL, "", FailureClass::memory, ""}).sentence,
            "blastp was killed, most likely because the machine ran out of memory (signal 9); run fewer jobs "
            "at once "
            "or split the database into more shards");
  EXPECT_EQ(
      explain({6, 0, "BLAST failed to write output\n", FailureClass::disk, ""}).sentence,
      "blastp could not write its output (exit code 6: BLAST failed to write output); free space, or choose "
      "another disk for the output and for TMPDIR");
}

TEST(ExplainFailure, EndsFromOutsideMaySucceedNextTime) {
  for (const Case& given : {Case{0, SIGKILL, "", FailureClass::memory, ""},
                            {137, 0, "", FailureClass::memory, ""},
                            {0, SIGTERM, "", FailureClass::lost, ""},
                            {5, 0, "", FailureClass::engine, ""}}) {
    const Failure failure = explain(given);
    EXPECT_EQ(name(failure.failure_class), name(given.expected));
    EXPECT_TRUE(failure.retryable) << failure.sentence;
  }
}

TEST(ExplainFailure, WithoutWordsTheExitCodeDecides) {
  EXPECT_EQ(explain({1, 0, "", FailureClass::input, ""}).failure_class, FailureClass::input);
  EXPECT_EQ(explain({3, 0, "", FailureClass::engine, ""}).failure_class, FailureClass::engine);
  EXPECT_EQ(explain({4, 0, "", FailureClass::memory, ""}).failure_class, FailureClass::memory);
  EXPECT_EQ(explain({255, 0, "", FailureClass::engine, ""}).failure_class, FailureClass::engine);
  EXPECT_EQ(explain({0, SIGBUS, "", FailureClass::disk, ""}, "makeblastdb").failure_class,
            FailureClass::disk);
}

TEST(ExplainFailure, ARunWithoutOutcomeIsExplainedToo) {
  const Failure late =
      explain_failure(Error{Code::timed_out, "blastp ran past its deadline and was stopped"}, "blastp");
  EXPECT_EQ(late.failure_class, FailureClass::timeout);
  EXPECT_TRUE(late.retryable);
  const Failure missing =
      explain_failure(Error{Code::not_found, "blastp is not in PATH; install it"}, "blastp");
  EXPECT_EQ(missing.failure_class, FailureClass::engine);
  EXPECT_FALSE(missing.retryable);
  const Failure lost =
      explain_failure(Error{Code::unavailable, "Slurm ended the task (NODE_FAIL)"}, "blastp");
  EXPECT_EQ(lost.failure_class, FailureClass::lost);
  EXPECT_TRUE(lost.retryable);
  EXPECT_EQ(lost.sentence, "Slurm ended the task (NODE_FAIL)");
}

}  // namespace
}  // namespace loom::exec
