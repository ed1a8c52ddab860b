#pragma once
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/azure/azure_object_store.hpp"

namespace loom::azure_test {

/// The account that Azurite has, and its key, which its manual prints.
inline constexpr const char* kAccount = "devstoreaccount1";
inline constexpr const char* kKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A real Azurite on a free port of the loopback address, its data in memory. Ended by its pid.
class Azurite {
 public:
  /// Whether ./dev setup has installed it.
  static bool installed();
  /// `more` arguments: --cert and --key. Waits until it listens; a failure ends the program.
  explicit Azurite(const std::filesystem::path& folder, const std::vector<std::string>& more = {});
  Azurite(const Azurite&) = delete;
  Azurite& operator=(const Azurite&) = delete;
  ~Azurite();

  [[nodiscard]] int port() const { return port_; }

 private:
  pid_t pid_ = -1;
  int port_ = 0;
};

inline storage::ObjectKey key(std::string_view text) {
  return storage::ObjectKey::parse(text).value();
}
inline std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// That of the whole program.
Azurite& azurite();

/// Of a container that no other test has, on `port` of the loopback address.
storage::azure::Settings settings_at(int port);

/// Blocks of 64 KiB, and waits of milliseconds.
storage::azure::Tuning quick();

std::unique_ptr<storage::azure::AzureObjectStore> open_store(const storage::azure::Settings& settings,
                                                             const storage::azure::Tuning& tuning = quick());

}  // namespace loom::azure_test
