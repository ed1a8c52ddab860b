#pragma once
#include <memory>
#include <string>

#include "app/server_options.hpp"
#include "exec/process_runner.hpp"
#include "exec/slurm/slurm_runner.hpp"
#include "sched/beat.hpp"
#include "storage/object_store.hpp"

namespace loom::app {

/// The runner of `serve --slurm`: tasks run as elements of array jobs, whose nodes run `blastloom worker` of
/// this very file. `options.data` is absolute. References are borrowed. Errors: invalid_argument, naming the
/// flag; not_found without Slurm's commands; those of the store.
Result<std::unique_ptr<exec::slurm::SlurmRunner>> open_slurm(const ServerOptions& options,
                                                             storage::ObjectStore& objects,
                                                             exec::ProcessRunner& here);

/// For a server without --slurm on a folder that had one with it: its tasks in Slurm are ended, or the log
/// says that they may still run, and how to end them.
void end_left_slurm_tasks(const ServerOptions& options, storage::ObjectStore& objects,
                          exec::ProcessRunner& here);

/// What Slurm's accounting tells late of tasks that were lost; for sched::metrics_backfill. `slurm` is
/// borrowed.
sched::LateMetrics late_metrics(exec::slurm::SlurmRunner& slurm);

/// What there is to count, in Prometheus' text format.
std::string metrics_text(const exec::slurm::Counts& counts);

}  // namespace loom::app
