#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace loom::sched {

/// Something that could run now.
struct Candidate {
  const std::string* owner = nullptr;  ///< never null
  std::int32_t priority = 0;           ///< greater goes first
  Instant waiting_since{};             ///< since it came, or last got a core once its job got kSmall
  double served = 0;                   ///< CPU seconds that its job got so far
  bool finishes = false;               ///< all that is left of its job is to put its output together
  std::uint64_t number = 0;            ///< in the order in which jobs came
  int threads = 1;                     ///< cores it takes
  std::uint64_t database = 0;          ///< which one it reads; 0: none
  std::uint64_t database_bytes = 0;
  bool warm = false;  ///< that database is in memory already
};

/// What is free for the next one.
struct Room {
  int cores_free = 0;
  std::uint64_t memory_free = 0;                       ///< for databases that nobody reads yet
  bool idle = false;                                   ///< nothing runs: then anything fits
  const std::map<std::uint64_t, int>* read = nullptr;  ///< databases in use, never null
};

/// Who gets the next core. Owners first: the one that used least for its weight, where use is forgotten with
/// a half-life. Among an owner's jobs: by priority, which grows by 1 for each kAgeing of waiting, so that
/// nothing waits for ever, and before that what only needs to be put together; then the one that was served
/// least, in steps of a factor of 2 above kSmall: so a small job does not stand behind a huge one, and of
/// many small ones the first is done first; then what searches a database that is in memory; then the older.
/// Something that does not fit is passed over until it has waited kPatience; then cores are kept free for it.
/// Not thread-safe. Never blocks.
class FairShare {
 public:
  static constexpr std::chrono::seconds kHalfLife{600};
  static constexpr std::chrono::seconds kAgeing{30};
  static constexpr std::chrono::seconds kPatience{30};
  static constexpr double kSmall = 10;  ///< CPU seconds

  explicit FairShare(const std::map<std::string, double>& weights)
      : weights_(weights.begin(), weights.end()) {}

  /// `owner` used `cpu_seconds`; negative corrects an earlier guess.
  void charge(const std::string& owner, double cpu_seconds, Instant now);
  /// CPU seconds used, what is older counting less, over the weight.
  [[nodiscard]] double used(std::string_view owner, Instant now) const;

  /// The index of the one that starts now; nullopt when none fits, or cores are kept for one that waits.
  [[nodiscard]] std::optional<std::size_t> next(std::span<const Candidate> candidates, const Room& room,
                                                Instant now) const;
  /// Whether one of them does not fit, and waited so long that cores are kept for it.
  [[nodiscard]] static bool any_waited_long(std::span<const Candidate> candidates, const Room& room,
                                            Instant now);

 private:
  struct Use {
    double cpu_seconds = 0;
    Instant at{};
  };
  [[nodiscard]] static int level(double served);
  [[nodiscard]] bool before(const Candidate& a, const Candidate& b, Instant now) const;

  std::map<std::string, double, std::less<>> weights_;
  std::map<std::string, Use, std::less<>> uses_;
};

}  // namespace loom::sched
