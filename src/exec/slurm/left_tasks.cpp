#include "exec/slurm/left_tasks.hpp"

#include "exec/slurm/commands.hpp"
#include "exec/slurm/exchange.hpp"

namespace loom::exec::slurm {

Result<LeftTasks> end_left_tasks(storage::ObjectStore& store, ProcessRunner& runner, const std::string& name,
                                 const std::filesystem::path& scratch) {
  constexpr Duration kPatience = std::chrono::seconds(10);
  const Deadline soon = Deadline::in(std::chrono::minutes(2));
  Exchange exchange(store);
  LOOM_TRY(auto tasks, exchange.tasks(soon));
  LOOM_TRY(const auto ended, exchange.ended(soon));
  tasks.insert(ended.begin(), ended.end());
  for (const TaskKey& key : tasks) LOOM_CHECKED(exchange.withdraw(key, soon));
  LOOM_TRY(const auto arrays, exchange.arrays(soon));
  LeftTasks left{.arrays = arrays.size()};
  if (arrays.empty()) return left;

  Commands commands(runner, name, {}, scratch, kPatience);
  const auto elements = commands.elements();
  std::vector<std::string> ids;
  if (elements)
    for (const auto& [place, element] : *elements)
      if (!is_over(element.state)) ids.push_back(element.slurm_id);
  const Status cancelled = elements ? commands.cancel(ids) : Status(elements.error());
  if (!cancelled) {
    left.untold = cancelled.error();
    return left;
  }
  left.ended = ids.size();
  for (const std::string& token : arrays) LOOM_CHECKED(exchange.remove_array(token, soon));
  return left;
}

}  // namespace loom::exec::slurm
