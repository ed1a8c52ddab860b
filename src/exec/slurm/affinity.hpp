#pragma once
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "exec/slurm/exchange.hpp"

namespace loom::exec::slurm {

/// Whether there is anything to choose: tasks that read different parts.
bool parts_differ(const std::vector<ArrayTask>& tasks);

/// The lines of `tasks` that are not in `taken`, in the order in which element `index`, which has begun on
/// `node`, does best to try them: first what reads a part that lies warm on this node, then one that is warm
/// nowhere, then one that the fewest nodes have; among equal parts each node leans to others, so that
/// elements that begin on one node at once agree, and of one part the element's own line is first, then those
/// after it. All of them are there, so that no node waits for another. Pure.
std::vector<std::size_t> preference(const std::vector<ArrayTask>& tasks, const std::set<std::size_t>& taken,
                                    const WarmParts& warm, std::size_t index, const std::string& node);

}  // namespace loom::exec::slurm
