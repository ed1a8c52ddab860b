#include "azurite.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>

#include "base/check.hpp"
#include "base/temp_dir.hpp"

namespace loom::azure_test {
namespace {

std::string whole(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The port in "… successfully listens on http://127.0.0.1:PORT", or 0.
int port_in(const std::string& said) {
  const std::size_t place = said.find("listens on http");
  const std::size_t colon = said.find("127.0.0.1:", place);
  if (place == std::string::npos || colon == std::string::npos || said.find('\n', colon) == std::string::npos)
    return 0;
  return std::stoi(said.substr(colon + 10));
}

std::unique_ptr<Azurite>& shared_azurite() {
  static std::unique_ptr<Azurite> shared;
  return shared;
}

class Shared final : public ::testing::Environment {
 public:
  void SetUp() override { shared_azurite() = std::make_unique<Azurite>(dir_.value().path()); }
  void TearDown() override { shared_azurite().reset(); }

 private:
  Result<TempDir> dir_ = TempDir::create();
};

}  // namespace

bool Azurite::installed() {
  return std::filesystem::exists(LOOM_AZURITE);
}

Azurite::Azurite(const std::filesystem::path& folder, const std::vector<std::string>& more) {
  const std::filesystem::path log = folder / "azurite.log";
  std::vector<std::string> words{"node",
                                 LOOM_AZURITE,
                                 "--blobHost",
                                 "127.0.0.1",
                                 "--blobPort",
                                 "0",
                                 "--inMemoryPersistence",
                                 "--extentMemoryLimit",
                                 "512",
                                 "--disableTelemetry",
                                 "--disableProductStyleUrl"};
  words.insert(words.end(), more.begin(), more.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string log_name = log.string();
  const std::string folder_name = folder.string();
  pid_ = ::fork();
  LOOM_CHECK(pid_ >= 0, "a process can be started");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int out = ::open(log_name.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int in = ::open("/dev/null", O_RDONLY);
    if (out >= 0 && in >= 0 && ::chdir(folder_name.c_str()) == 0 && ::dup2(in, 0) >= 0 &&
        ::dup2(out, 1) >= 0 && ::dup2(out, 2) >= 0)
      ::execvp("node", argv.data());
    ::_exit(127);
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  while ((port_ = port_in(whole(log))) == 0) {
    const bool dead = ::waitpid(pid_, nullptr, WNOHANG) == pid_;
    if (dead || std::chrono::steady_clock::now() > until) {
      fmt::print(stderr, "Azurite does not start: {}\n", whole(log));
      std::exit(1);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

Azurite::~Azurite() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

Azurite& azurite() {
  return *shared_azurite();
}

storage::azure::Settings settings_at(int port) {
  static std::atomic<int> number{0};
  return {.account = kAccount,
          .container = fmt::format("test-{}", number.fetch_add(1)),
          .key = kKey,
          .sas = {},
          .endpoint = fmt::format("http://127.0.0.1:{}/{}", port, kAccount),
          .ca_file = {}};
}

storage::azure::Tuning quick() {
  return {.retry = {.attempts = 4,
                    .first_wait = std::chrono::milliseconds(5),
                    .most_wait = std::chrono::milliseconds(20),
                    .silence = std::chrono::seconds(30)},
          .block_bytes = 64U << 10U,
          .upload_threads = 3};
}

std::unique_ptr<storage::azure::AzureObjectStore> open_store(const storage::azure::Settings& settings,
                                                             const storage::azure::Tuning& tuning) {
  auto store =
      storage::azure::AzureObjectStore::open(settings, tuning, Deadline::in(std::chrono::seconds(60)));
  LOOM_CHECK(store.has_value(), store ? "" : store.error().message);
  return *std::move(store);
}

}  // namespace loom::azure_test

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (!loom::azure_test::Azurite::installed()) {
    fmt::print("skipped: Azurite is not installed under build/azurite; ./dev setup installs it\n");
    return 77;  // what ctest counts as skipped
  }
  ::testing::AddGlobalTestEnvironment(new loom::azure_test::Shared());  // gtest owns it
  return RUN_ALL_TESTS();
}
