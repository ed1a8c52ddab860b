#pragma once
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/temp_dir.hpp"
#include "catalog/database.hpp"

// Only tests include this.
namespace loom::catalog {

struct ProgramRun {
  int exit_code = -1;  ///< 127: the program is not installed
  std::string out;
  std::string err;
};

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void spit(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// Runs a program of BLAST+ in `folder` and waits for it. Blocking.
inline ProgramRun run(const std::filesystem::path& folder, std::vector<std::string> argv) {
  auto scratch = TempDir::create();
  LOOM_CHECK(scratch.has_value(), "a temporary folder");
  const std::string out = scratch->path() / "out";
  const std::string err = scratch->path() / "err";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), O_WRONLY | O_CREAT, 0600);
  std::vector<char*> pointers;
  pointers.reserve(argv.size() + 1);
  for (auto& word : argv) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_t pid = 0;
  const int failed = ::posix_spawnp(&pid, argv.front().c_str(), &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return {.exit_code = 127, .out = {}, .err = {}};
  int status = 0;
  LOOM_CHECK(::waitpid(pid, &status, 0) == pid, "our own child");
  return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .out = slurp(out),
          .err = slurp(err)};
}

inline bool blast_is_missing() {
  static const bool missing = run("/", {"makeblastdb", "-version"}).exit_code == 127;
  return missing;
}

#define LOOM_NEEDS_BLAST() \
  if (::loom::catalog::blast_is_missing()) GTEST_SKIP() << "BLAST+ (makeblastdb) is not installed"

/// Families of related sequences, shortest first, so that parts of the set differ in their lengths. Ids are
/// S0001 and so on; the same on every machine.
inline std::vector<std::string> related_sequences(Molecule molecule, std::size_t families,
                                                  std::size_t members) {
  const std::string_view alphabet = molecule == Molecule::protein ? "ARNDCQEGHILKMFPSTWYV" : "ACGT";
  std::mt19937 chance(11);  // NOLINT(cert-msc51-cpp): the same sequences each time
  const auto letter = [&] { return alphabet[chance() % alphabet.size()]; };
  std::vector<std::string> all;
  for (std::size_t family = 0; family < families; ++family) {
    std::string ancestor(60 + 45 * family, ' ');
    std::ranges::generate(ancestor, letter);
    for (std::size_t member = 0; member < members; ++member) {
      std::string child = ancestor.substr(chance() % 20, ancestor.size() - chance() % 25);
      for (char& c : child)
        if (chance() % 100 < (molecule == Molecule::protein ? 8 + 5 * member : 2 + 2 * member)) c = letter();
      if (molecule == Molecule::nucleotide && member % 7 == 3) child[child.size() / 2] = 'N';
      all.push_back(std::move(child));
    }
  }
  std::ranges::sort(all, {}, [](const std::string& s) { return std::pair(s.size(), std::string_view(s)); });
  return all;
}

inline std::string id_of(std::size_t i) {
  return fmt::format("S{:04}", i);
}

inline std::string as_fasta(const std::vector<std::string>& sequences, std::size_t begin, std::size_t end) {
  std::string text;
  for (std::size_t i = begin; i < end; ++i)
    text += fmt::format(">{} sequence {}\n{}\n", id_of(i), i, sequences[i]);
  return text;
}

/// Makes `folder`/`name` of the FASTA text. `more`: further options of makeblastdb.
inline void make_database(const std::filesystem::path& folder, const std::string& name, Molecule molecule,
                          std::string_view fasta, std::vector<std::string> more = {}) {
  spit(folder / (name + ".fa"), fasta);
  std::vector<std::string> argv{"makeblastdb",
                                "-in",
                                name + ".fa",
                                "-out",
                                name,
                                "-title",
                                "title of " + name,
                                "-dbtype",
                                molecule == Molecule::protein ? "prot" : "nucl"};
  argv.insert(argv.end(), more.begin(), more.end());
  const ProgramRun made = run(folder, argv);
  LOOM_CHECK(made.exit_code == 0, "makeblastdb works: " + made.err);
}

inline SearchPath only(const std::filesystem::path& folder) {
  return SearchPath{.folders = {folder}};
}

}  // namespace loom::catalog
