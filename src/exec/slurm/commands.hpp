#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "exec/process_runner.hpp"
#include "exec/slurm/replies.hpp"

namespace loom::exec::slurm {

/// How tasks are submitted: what a site decides.
struct Site {
  std::string partition;  ///< empty: Slurm's default, here and below
  std::string account;
  std::string qos;
  std::string constraint;
  std::vector<std::string> extra;  ///< further arguments of sbatch; none of those that Commands gives it
};

/// An array job to be submitted.
struct ArrayRequest {
  std::string token;  ///< random: what the array is known by; Slurm's own number is no identity
  std::size_t elements = 1;
  int threads = 1;
  std::uint64_t memory_bytes = 0;   ///< for each; 0: the partition's default
  int minutes = 0;                  ///< time limit; 0: the partition's default
  std::vector<std::string> worker;  ///< argv of what each element runs, but for the token, which is added
};

/// What a cluster allows and has.
struct ClusterConfig {
  std::size_t most_elements = 0;  ///< that one array may have
  bool accounting = false;        ///< sacct has answers
};

/// Slurm's own commands, which every site has: sbatch, squeue, scancel, scontrol; and sacct, which only those
/// with accounting need. Slurm gives out a number twice when its controller is killed within seconds, so
/// arrays are known by the token in their comment and nothing else. Thread-safe. Blocking: on processes, each
/// at most `patience`. Errors of all: unavailable when the controller does not answer, and then it is not
/// known what it did; too_many when it takes no more now; else invalid_argument with Slurm's words, when it
/// refuses; not_found when the command is not installed.
class Commands {
 public:
  /// `name` (letters, digits, '-') is that of all jobs of this server. `runner` is borrowed.
  Commands(ProcessRunner& runner, std::string name, Site site, std::filesystem::path scratch,
           Duration patience = std::chrono::seconds(60));

  /// Whether all commands are there, and the site's partitions, as far as a controller that answers says.
  Status check();
  Status submit(const ArrayRequest& request);
  /// All elements that Slurm still knows, ended ones too.
  Result<Elements> elements();
  /// By ElementState::slurm_id. Those that have ended count as cancelled.
  Status cancel(const std::vector<std::string>& slurm_ids);
  /// Makes elements that wait for their begin time eligible at once.
  Status start_now(const std::vector<std::string>& slurm_ids);
  Result<ClusterConfig> config();
  /// Of elements by ElementState::slurm_id: those that are over, and are in the accounting by now.
  Result<Accounts> accounts(const std::vector<std::string>& slurm_ids);

 private:
  Result<std::string> run(std::vector<std::string> argv);
  template <class Command>
  Status in_slices(const std::vector<std::string>& slurm_ids, const Command& command);

  ProcessRunner& runner_;
  std::string name_;
  Site site_;
  std::filesystem::path scratch_;
  Duration patience_;
};

}  // namespace loom::exec::slurm
