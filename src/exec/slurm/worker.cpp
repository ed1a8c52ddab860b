#include "exec/slurm/worker.hpp"

#include <fmt/format.h>

#include <random>

#include "exec/slurm/exchange.hpp"

namespace loom::exec::slurm {
namespace {

namespace fs = std::filesystem;

/// The store may be away for a while; the task is worth waiting for it.
Deadline patient() {
  return Deadline::in(std::chrono::minutes(10));
}

}  // namespace

Result<Worked> run_element(storage::ObjectStore& store, ProcessRunner& runner, const Element& element,
                           const fs::path& folder, const std::stop_token& stop,
                           const std::function<void(ProcessSpec&)>& adapt) {
  Exchange exchange(store);
  const auto keys = exchange.get_array(element.token, patient());
  if (!keys && keys.error().code == Code::not_found) return Worked::nothing_to_do;
  if (!keys) return keys.error();
  if (element.index >= keys->size())
    return error(Code::invalid_argument, "the array {} has no element {}", element.token, element.index);
  const TaskKey& key = (*keys)[element.index];
  LOOM_TRY(const auto ended, exchange.find_end(key, patient()));
  if (ended) return Worked::nothing_to_do;
  auto spec = exchange.fetch_task(key, folder / "work", patient());
  if (!spec && spec.error().code == Code::not_found) return Worked::nothing_to_do;
  if (!spec) return spec.error();
  // The server's own folder need not exist here; then none does as well.
  if (std::error_code unknown; !fs::is_directory(spec->working_dir, unknown))
    spec->working_dir = folder / "work";
  spec->temp_dir = folder / "temp";
  if (std::error_code failed; !fs::create_directories(spec->temp_dir, failed) && failed)
    return system_error(failed.value(), "make folder " + spec->temp_dir.string());
  if (adapt) adapt(*spec);

  const auto ran = runner.run(*spec, Deadline::never(), stop);
  if (stop.stop_requested()) return error(Code::cancelled, "the task was stopped");
  std::random_device random;
  TaskEnd end{.outcome = ran ? *ran : ProcessOutcome{},
              .node = element.node,
              .attempt = fmt::format("run-{:08x}{:08x}", random(), random()),
              .folder = spec->portable->folder.string()};
  if (!ran) end.error = ran.error();
  LOOM_CHECKED(exchange.put_end(key, *spec, std::move(end), patient()));
  return Worked::ran;
}

}  // namespace loom::exec::slurm
