#pragma once
#include <filesystem>
#include <string>

namespace loom::api {

/// Adds what the machine has and what of it is taken: cores, load, memory, and the file system of `data`
/// (left out when empty), in Prometheus' text format. What cannot be read is left out. Blocking: reads /proc.
void write_machine(std::string& out, const std::filesystem::path& data);

}  // namespace loom::api
