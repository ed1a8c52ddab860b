#include "api/machine_metrics.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <thread>

namespace loom::api {
namespace {

template <class Number>
void gauge(std::string& out, std::string_view name, std::string_view help, Number value) {
  fmt::format_to(std::back_inserter(out), "# HELP {0} {1}\n# TYPE {0} gauge\n{0} {2}\n", name, help, value);
}

void write_load(std::string& out) {
  double minute = 0;
  if (::getloadavg(&minute, 1) == 1)
    gauge(out, "blastloom_machine_load", "Processes that ran or wanted to, of all programs, over a minute.",
          minute);
}

void write_memory(std::string& out) {
  std::ifstream file("/proc/meminfo");
  std::string name;
  std::uint64_t kibibytes = 0;
  std::string rest;
  while (file >> name >> kibibytes) {
    std::getline(file, rest);
    if (name == "MemTotal:")
      gauge(out, "blastloom_machine_memory_bytes", "Memory of the machine.", kibibytes << 10U);
    if (name == "MemAvailable:")
      gauge(out, "blastloom_machine_memory_available_bytes",
            "Memory that programs can have; the page cache counts as free.", kibibytes << 10U);
  }
}

}  // namespace

void write_machine(std::string& out, const std::filesystem::path& data) {
  gauge(out, "blastloom_machine_cores", "Cores that this process may use.",
        std::thread::hardware_concurrency());
  write_load(out);
  write_memory(out);
  if (data.empty()) return;
  std::error_code failed;
  const auto space = std::filesystem::space(data, failed);
  if (failed) return;
  gauge(out, "blastloom_storage_bytes", "Size of the file system that holds the server's data.",
        space.capacity);
  gauge(out, "blastloom_storage_free_bytes", "What the server may still write there.", space.available);
}

}  // namespace loom::api
