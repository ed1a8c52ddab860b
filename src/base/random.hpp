#pragma once
#include <span>
#include <string>

namespace loom {

/// Fills `bytes`, 256 at most, from the kernel's source: not to be guessed. Blocking only until the kernel
/// has seeded it, early in its start.
void fill_random(std::span<unsigned char> bytes);

/// 32 lower-case hex digits of 128 random bits: not to be guessed, unique without asking anyone.
std::string random_token();

}  // namespace loom
