#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace loom::sequence {

/// How many letters BLAST+ 2.12 gathers before it searches them together (the environment variable BATCH_SIZE
/// overrides it for every program). nullopt for blastn, whose batches depend on the hits of the batch before
/// (the first takes 5,000 letters, or a 600,000th of the database's letters if that is more), and for an
/// unknown program.
std::optional<std::uint32_t> internal_batch_letters(std::string_view program);

/// The ordinals at which BLAST+ starts a new internal batch, 0 included: a batch takes records until it holds
/// `batch_letters` or more, so the record that reaches the size is its last one, however long. Records
/// without letters count nothing: after the size is reached they open the next batch.
/// A run that starts at one of these ordinals has the same boundaries from there on. Pure.
std::vector<std::size_t> internal_batch_starts(std::span<const std::uint32_t> letters,
                                               std::uint32_t batch_letters);

/// Records [first, last) of a query set.
struct BatchRange {
  std::size_t first = 0;
  std::size_t last = 0;
  friend bool operator==(const BatchRange&, const BatchRange&) = default;
};

/// Cuts a query set into tasks of about `target_letters` each (over 0), balanced by letters: every cut is the
/// allowed one that lies nearest to its ideal place. `allowed_starts` are the ordinals where a task may
/// start, ascending. No task is empty, and together they are all records in order; no records, no tasks.
/// Pure.
std::vector<BatchRange> cut_batches(std::span<const std::uint32_t> letters, std::uint64_t target_letters,
                                    std::span<const std::size_t> allowed_starts);

}  // namespace loom::sequence
