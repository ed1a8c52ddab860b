#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace loom::service {

/// Ids that stand more than once in a FASTA text. makeblastdb names the first only, and tells no line.
struct RepeatedIds {
  struct One {
    std::string id;  ///< as it stands at `line`
    std::uint64_t first_line = 0;
    std::uint64_t line = 0;  ///< where it stands again
  };
  std::uint64_t count = 0;  ///< of all that stand again
  std::vector<One> first;   ///< kMostShown of them at most, in the order of the text
  bool complete = true;     ///< false: past kMostIds they were not looked for

  static constexpr std::size_t kMostShown = 20;
  static constexpr std::size_t kMostIds = 8'000'000;
};

/// "3 ids stand more than once: b (lines 3 and 7), …"; empty if there are none.
std::string words_of(const RepeatedIds& repeated);

/// Finds them while the text passes by: the first word of each defline, and of each of its parts behind a
/// ^A, compared without regard to case, as makeblastdb does. Ids are told apart by 64 bits of their hash: of
/// 8,000,000 different ones two are taken for one in two cases of a million. Memory: 32 bytes for an id, 256
/// MiB at most. One thread at a time.
class RepeatedIdsFinder {
 public:
  /// The next bytes of the text, wherever they are cut.
  void add(std::string_view bytes);
  /// No more comes.
  RepeatedIds finish();

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint64_t line = 0;  // 0: empty
  };

  void end_defline();
  void note(std::string_view id);
  void grow();
  Slot& place_of(std::uint64_t hash);

  std::vector<Slot> slots_ = std::vector<Slot>(std::size_t{1} << 10U);  // a power of two, half full at most
  std::size_t used_ = 0;
  std::string defline_;
  bool at_start_ = true;  // of a line
  bool in_defline_ = false;
  std::uint64_t line_ = 1;
  RepeatedIds found_;
};

}  // namespace loom::service
