#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"

namespace loom::exec::slurm {

/// In front of an array's token in its comment, by which we know it.
inline constexpr std::string_view kComment = "loom:";

/// Where an element of an array stands, as Slurm says.
struct ElementState {
  std::string slurm_id;  ///< "12_3", to cancel it by
  std::string state;     ///< RUNNING, PENDING, COMPLETED, …
  std::string nodes;
  std::string reason;
};

/// Elements by token and index.
using Elements = std::map<std::pair<std::string, std::size_t>, ElementState>;

/// What Slurm's accounting keeps of an element that is over.
struct Account {
  std::string state;
  std::string exit_code;  ///< "0:9": of the program, and the signal that ended it
  std::string nodes;
  Duration wall{};
  Duration cpu{};                ///< 0 where no step said it, as of a node that died
  std::uint64_t peak_bytes = 0;  ///< resident; 0: unknown
};

/// Accounts by token and index.
using Accounts = std::map<std::pair<std::string, std::size_t>, Account>;

/// Whether an element in that state runs no more, nor will. Pure.
bool is_over(std::string_view state);

/// Whether it waits for a time of day, and for nothing else. Pure.
bool is_held(const ElementState& element);

/// Reads what sacct printed for Commands::accounts. An element is ours by the token in its comment or, where
/// a site keeps no comments, in the line that submitted it. Pure.
Accounts parse_accounts(std::string_view text);

/// Reads what `squeue -o` printed for Commands::elements; lines of other jobs are passed over. Pure.
Elements parse_elements(std::string_view text);

}  // namespace loom::exec::slurm
