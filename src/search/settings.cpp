#include "search/settings.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace loom::search {

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

namespace {
/// The number in `path`, if it is there and is one ("max" means no limit).
std::optional<std::uint64_t> number_in(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

/// This process's memory cgroup limit. v1 names its path in the memory line of /proc/self/cgroup, v2 in the
/// "0::" one.
std::optional<std::uint64_t> cgroup_limit() {
  std::ifstream groups("/proc/self/cgroup");
  std::optional<std::uint64_t> least;
  for (std::string line; std::getline(groups, line);) {
    const std::size_t path = line.rfind(':') + 1;
    if (line.find(":memory:") != std::string::npos) {
      least = number_in("/sys/fs/cgroup/memory" + line.substr(path) + "/memory.limit_in_bytes");
    } else if (line.starts_with("0::")) {
      const auto limit = number_in("/sys/fs/cgroup" + line.substr(path) + "/memory.max");
      if (limit && (!least || *limit < *least)) least = limit;
    }
  }
  return least;
}
}  // namespace

std::uint64_t usable_memory_bytes() {
  const auto physical = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                        static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return std::min(physical, cgroup_limit().value_or(physical));
}

}  // namespace loom::search
