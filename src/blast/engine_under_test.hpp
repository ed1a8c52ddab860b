#pragma once
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/check.hpp"
#include "base/fd.hpp"
#include "blast/program.hpp"

// Only tests include this.
namespace loom::blast {

struct EngineRun {
  int exit_code = -1;  ///< 127: the program is not installed
  std::string out;     ///< stdout
};

/// Runs the installed `program` with an empty stdin and waits for it; stderr is dropped. Blocking.
inline EngineRun run_engine(Program program, const std::vector<std::string>& args) {
  int ends[2];
  LOOM_CHECK(::pipe2(ends, O_CLOEXEC) == 0, "a pipe");
  Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);

  EngineRun run{.exit_code = 127, .out = {}};
  for (const auto executable : executable_names(program)) {
    std::string name(executable);
    std::vector<std::string> owned(args);
    std::vector<char*> argv{name.data()};
    for (auto& arg : owned) argv.push_back(arg.data());
    argv.push_back(nullptr);
    pid_t pid = 0;
    if (::posix_spawnp(&pid, name.c_str(), &actions, nullptr, argv.data(), environ) != 0) continue;
    write_end.reset();
    char buffer[65536];
    for (ssize_t n = 0; (n = ::read(read_end.get(), buffer, sizeof buffer)) > 0;)
      run.out.append(buffer, static_cast<std::size_t>(n));
    int status = 0;
    LOOM_CHECK(::waitpid(pid, &status, 0) == pid, "our own child");
    run.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    break;
  }
  posix_spawn_file_actions_destroy(&actions);
  return run;
}

}  // namespace loom::blast
