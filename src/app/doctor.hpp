#pragma once
#include <span>
#include <string>

namespace loom::app {

/// `blastloom doctor`: looks at what a search needs and says what is wrong and how to mend it; then makes a
/// tiny database from built-in sequences and compares a search cut into batches and shards with one that is
/// not, byte for byte. Returns 0 when all is well, 1 otherwise.
int doctor_command(std::span<const std::string> args);

}  // namespace loom::app
