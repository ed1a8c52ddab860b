#include "blast/split_limits.hpp"

#include <algorithm>

namespace loom::blast {
namespace {
bool is_harmless(const Options::Entry& entry) {
  const auto& harmless = entry.spec->harmless;
  if (!harmless) return false;
  if (const auto* number = std::get_if<std::int64_t>(&entry.value)) return *number == *harmless;
  const auto* flag = std::get_if<bool>(&entry.value);
  return flag != nullptr && std::int64_t{*flag} == *harmless;
}

void add_program_limit(Program program, std::vector<SplitLimit>& limits) {
  if (database_kind(program) == DatabaseKind::profile)
    limits.push_back({Forbids::shards, name(program), "the database's lookup table covers all its profiles"});
  if (program == Program::deltablast)
    limits.push_back({Forbids::shards, name(program), "its domain search in parts is not proven equal"});
}

bool allows(const std::vector<SplitLimit>& limits, Forbids cut) {
  return std::ranges::none_of(limits, [cut](const SplitLimit& limit) {
    return limit.forbids == cut || limit.forbids == Forbids::both;
  });
}
}  // namespace

std::vector<SplitLimit> split_limits(const Options& options) {
  std::vector<SplitLimit> limits;
  add_program_limit(options.program(), limits);
  for (const auto& entry : options.entries())
    if (entry.spec->forbids != Forbids::nothing && !is_harmless(entry))
      limits.push_back({entry.spec->forbids, entry.spec->name, entry.spec->why});
  return limits;
}

bool allows_threads(const Options& options) {
  return std::ranges::none_of(options.entries(), [](const Options::Entry& entry) {
    return entry.spec->one_thread && !is_harmless(entry);
  });
}

bool allows_shards(const std::vector<SplitLimit>& limits) {
  return allows(limits, Forbids::shards);
}
bool allows_batches(const std::vector<SplitLimit>& limits) {
  return allows(limits, Forbids::batches);
}

}  // namespace loom::blast
