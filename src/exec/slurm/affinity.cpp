#include "exec/slurm/affinity.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <tuple>

namespace loom::exec::slurm {

bool parts_differ(const std::vector<ArrayTask>& tasks) {
  return std::ranges::any_of(tasks, [&](const ArrayTask& one) { return one.part != tasks.front().part; });
}

std::vector<std::size_t> preference(const std::vector<ArrayTask>& tasks, const std::set<std::size_t>& taken,
                                    const WarmParts& warm, std::size_t index, const std::string& node) {
  std::map<std::string, std::size_t> nodes_with;
  for (const auto& [part, where] : warm) ++nodes_with[part];
  const auto rank = [&](std::size_t line) {
    const std::string& part = tasks[line].part;
    if (warm.contains({part, node})) return std::size_t{0};
    const auto found = nodes_with.find(part);
    const std::size_t elsewhere = found == nodes_with.end() ? 0 : found->second;
    return 1 + elsewhere;
  };
  using Rank = std::tuple<std::size_t, std::size_t, std::size_t>;
  std::vector<std::pair<Rank, std::size_t>> ranked;
  for (std::size_t line = 0; line < tasks.size(); ++line) {
    const std::size_t distance = (line + tasks.size() - index) % tasks.size();
    const std::size_t leaning = std::hash<std::string>{}(tasks[line].part + "/" + node);
    if (!taken.contains(line)) ranked.push_back({{rank(line), leaning, distance}, line});
  }
  std::ranges::sort(ranked);
  std::vector<std::size_t> lines;
  lines.reserve(ranked.size());
  for (const auto& [order, line] : ranked) lines.push_back(line);
  return lines;
}

}  // namespace loom::exec::slurm
