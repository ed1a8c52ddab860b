#include "mirror/download.hpp"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <condition_variable>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"

namespace loom::mirror {
namespace {

namespace fs = std::filesystem;

constexpr long kConnectSeconds = 20;
constexpr int kOk = 200;
constexpr int kPartial = 206;
constexpr int kNotFound = 404;
constexpr int kGone = 410;
constexpr int kOutOfRange = 416;
constexpr int kTooMany = 429;
constexpr int kServerErrors = 500;

/// Where the bytes of a body go, once its status is known.
class Receiver {
 public:
  virtual ~Receiver() = default;
  /// The reply's head has come. Errors end the transfer.
  virtual Status begin(int status, const std::string& validator) = 0;
  virtual Status take(std::span<const char> bytes) = 0;
};

struct Wanted {
  std::string url;
  bool head = false;
  std::uint64_t from = 0;   // 0: all of it
  std::string validator{};  // of the part that is there already
};

struct CleanUp {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

/// One attempt at one request. What libcurl's callbacks need.
struct Transfer {
  CURL* easy = nullptr;
  const Wanted& wanted;
  const DownloadOptions& options;
  Receiver& receiver;
  std::string etag{};
  std::string modified{};
  std::optional<Error> refused{};
  bool begun = false;

  Status begin() {
    if (begun) return ok();
    begun = true;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    // A weak ETag does not promise the same bytes.
    return receiver.begin(static_cast<int>(status),
                          !etag.empty() && !etag.starts_with("W/") ? etag : modified);
  }
};

std::size_t take_header(char* text, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(text, size * count);
  if (line.starts_with("HTTP/")) {
    transfer.etag.clear();
    transfer.modified.clear();
  }
  const std::size_t colon = std::min(line.find(':'), line.size());
  std::string name(line.substr(0, colon));
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::string_view value = trimmed(line.substr(std::min(colon + 1, line.size())));
  if (name == "etag") transfer.etag = value;
  if (name == "last-modified") transfer.modified = value;
  return line.size();
}

std::size_t take_body(char* text, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  Status taken = transfer.begin();
  if (taken) taken = transfer.receiver.take({text, size * count});
  if (taken) return size * count;
  transfer.refused = taken.error();
  return 0;
}

int look_for_stop(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(user)->options.stop.stop_requested() ? 1 : 0;
}

/// Children that BLAST+ runs in must not inherit connections.
curl_socket_t open_socket(void* /*user*/, curlsocktype /*purpose*/, curl_sockaddr* address) {
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

Error cancelled() {
  return error(Code::cancelled, "the download was stopped");
}

/// Errors of attempts that may be made again are `unavailable`.
Status perform(const Wanted& wanted, const DownloadOptions& options, Receiver& receiver) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, CleanUp> easy(curl_easy_init());
  LOOM_CHECK(started == CURLE_OK && easy != nullptr, "libcurl starts");
  Transfer transfer{.easy = easy.get(), .wanted = wanted, .options = options, .receiver = receiver};
  std::unique_ptr<curl_slist, CleanUp> headers;
  const auto set = [&](CURLoption option, auto value) {
    LOOM_CHECK(curl_easy_setopt(easy.get(), option, value) == CURLE_OK, "libcurl knows the option");
  };
  set(CURLOPT_URL, wanted.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_MAXREDIRS, 5L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_USERAGENT, "blastloom");
  set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.stall.count()));
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &look_for_stop);
  set(CURLOPT_XFERINFODATA, &transfer);
  set(CURLOPT_OPENSOCKETFUNCTION, &open_socket);
  set(CURLOPT_HEADERFUNCTION, &take_header);
  set(CURLOPT_HEADERDATA, &transfer);
  set(CURLOPT_WRITEFUNCTION, &take_body);
  set(CURLOPT_WRITEDATA, &transfer);
  if (wanted.head) set(CURLOPT_NOBODY, 1L);
  const std::string range = fmt::format("{}-", wanted.from);
  if (wanted.from > 0) {
    set(CURLOPT_RANGE, range.c_str());
    headers.reset(curl_slist_append(nullptr, ("If-Range: " + wanted.validator).c_str()));
    set(CURLOPT_HTTPHEADER, headers.get());
  }
  const CURLcode ended = curl_easy_perform(easy.get());
  if (transfer.refused) return *transfer.refused;
  if (ended == CURLE_ABORTED_BY_CALLBACK) return cancelled();
  if (ended == CURLE_UNSUPPORTED_PROTOCOL || ended == CURLE_URL_MALFORMAT)
    return error(Code::invalid_argument, "{}: {}; addresses begin with http:// or https://", wanted.url,
                 curl_easy_strerror(ended));
  if (ended != CURLE_OK) return error(Code::unavailable, "{}: {}", wanted.url, curl_easy_strerror(ended));
  return transfer.begin();  // of a reply without a body
}

/// The error of a status that is no success; those that may pass are `unavailable`.
Error status_error(const std::string& url, int status) {
  if (status == kNotFound || status == kGone)
    return error(Code::not_found, "{}: the server has no such file", url);
  if (status == kTooMany || status >= kServerErrors)
    return error(Code::unavailable, "{}: the server answered {}", url, status);
  return error(Code::invalid_argument, "{}: the server answered {}", url, status);
}

/// Waits, unless stopped.
Status pause(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, stop, time, [] { return false; });
  return stop.stop_requested() ? Status(cancelled()) : ok();
}

/// `attempt` until it succeeds, fails for good, or fails too often in a row; `progressed` says whether the
/// last one got any further.
template <class Attempt, class Progressed>
Status persist(const DownloadOptions& options, const Attempt& attempt, const Progressed& progressed) {
  auto wait = options.pause;
  for (int failures = 0;;) {
    Status done = attempt();
    if (done || done.error().code != Code::unavailable) return done;
    failures = progressed() ? 1 : failures + 1;
    if (failures >= options.attempts) return done;
    LOOM_CHECKED(pause(wait, options.stop));
    wait = progressed() ? options.pause : std::min(wait * 2, std::chrono::milliseconds(30'000));
  }
}

class TextReceiver final : public Receiver {
 public:
  TextReceiver(const std::string& url, std::uint64_t max_bytes) : url_(url), max_bytes_(max_bytes) {}
  Status begin(int status, const std::string& /*validator*/) override {
    text.clear();
    return status == kOk ? ok() : Status(status_error(url_, status));
  }
  Status take(std::span<const char> bytes) override {
    if (bytes.size() > max_bytes_ - text.size())
      return error(Code::too_large, "{}: it has more than the {} bytes that were expected", url_, max_bytes_);
    text.append(bytes.data(), bytes.size());
    return ok();
  }
  std::string text;

 private:
  const std::string& url_;
  std::uint64_t max_bytes_;
};

/// A file that grows: what is there, and what tells whether the rest belongs to it.
class PartFile final : public Receiver {
 public:
  PartFile(const std::string& url, const fs::path& target, const DownloadOptions& options)
      : url_(url),
        part_(target.string() + ".part"),
        note_(target.string() + ".part.tag"),
        options_(options) {}

  Status open() {
    file_ = Fd(::open(part_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!file_) return system_error(errno, part_.string());
    std::ifstream note(note_);
    std::getline(note, validator_);
    std::error_code failed;
    size_ = validator_.empty() ? 0 : fs::file_size(part_, failed);
    if (failed) return system_error(failed.value(), part_.string());
    return size_ > 0 ? told(size_) : ok();
  }
  [[nodiscard]] Wanted wanted() const {
    return {.url = url_, .from = validator_.empty() ? 0 : size_, .validator = validator_};
  }
  [[nodiscard]] std::uint64_t size() const { return size_; }

  Status begin(int status, const std::string& validator) override {
    if (status == kPartial && size_ > 0 && validator == validator_) return seek();
    if (status == kOutOfRange || status == kPartial) {  // it is another file by now
      LOOM_CHECKED(restart(""));
      return error(Code::unavailable, "{}: the file changed while it was fetched", url_);
    }
    if (status != kOk) return status_error(url_, status);
    return restart(validator);
  }
  Status take(std::span<const char> bytes) override {
    const std::uint64_t more = bytes.size();
    while (!bytes.empty()) {
      const ssize_t put = ::write(file_.get(), bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return system_error(errno, part_.string());
      bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
    size_ += more;
    return told(more);
  }
  Status keep_as(const fs::path& target) {
    if (::fsync(file_.get()) != 0) return system_error(errno, part_.string());
    std::error_code failed;
    fs::remove(note_, failed);
    fs::rename(part_, target, failed);
    return failed ? Status(system_error(failed.value(), target.string())) : ok();
  }

 private:
  Status told(std::uint64_t more) {
    if (options_.got) options_.got(more);
    return ok();
  }
  Status seek() {
    if (::lseek(file_.get(), static_cast<off_t>(size_), SEEK_SET) < 0)
      return system_error(errno, part_.string());
    return ok();
  }
  /// The note is written before the first byte: a part without one cannot be gone on with.
  Status restart(const std::string& validator) {
    size_ = 0;
    validator_ = validator;
    if (::ftruncate(file_.get(), 0) != 0) return system_error(errno, part_.string());
    std::ofstream note(note_, std::ios::trunc);
    note << validator << '\n';
    note.close();
    if (!note) return error(Code::disk_full, "cannot write {}", note_.string());
    return seek();
  }

  const std::string& url_;
  fs::path part_;
  fs::path note_;
  const DownloadOptions& options_;
  Fd file_;
  std::string validator_;
  std::uint64_t size_ = 0;
};

class ExistsReceiver final : public Receiver {
 public:
  explicit ExistsReceiver(const std::string& url) : url_(url) {}
  Status begin(int status, const std::string& /*validator*/) override {
    return status == kOk ? ok() : Status(status_error(url_, status));
  }
  Status take(std::span<const char> /*bytes*/) override { return ok(); }

 private:
  const std::string& url_;
};

}  // namespace

Result<std::string> fetch_text(const std::string& url, std::uint64_t max_bytes,
                               const DownloadOptions& options) {
  TextReceiver receiver(url, max_bytes);
  LOOM_CHECKED(
      persist(options, [&] { return perform({.url = url}, options, receiver); }, [] { return false; }));
  return std::move(receiver.text);
}

Status remote_exists(const std::string& url, const DownloadOptions& options) {
  ExistsReceiver receiver(url);
  return persist(
      options, [&] { return perform({.url = url, .head = true}, options, receiver); }, [] { return false; });
}

Status download(const std::string& url, const fs::path& target, const DownloadOptions& options) {
  PartFile file(url, target, options);
  LOOM_CHECKED(file.open());
  std::uint64_t before = 0;
  const auto attempt = [&] {
    before = file.size();
    return perform(file.wanted(), options, file);
  };
  LOOM_CHECKED(persist(options, attempt, [&] { return file.size() > before; }));
  return file.keep_as(target);
}

Result<std::string> md5_of(const fs::path& file) {
  const Fd in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in) return system_error(errno, file.string());
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  LOOM_CHECK(hash && EVP_DigestInit_ex(hash.get(), EVP_md5(), nullptr) == 1, "OpenSSL has MD5");
  std::vector<char> block(std::size_t{1} << 20U);
  for (;;) {
    const ssize_t got = ::read(in.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(errno, file.string());
    if (got == 0) break;
    LOOM_CHECK(EVP_DigestUpdate(hash.get(), block.data(), static_cast<std::size_t>(got)) == 1, "MD5 goes on");
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  LOOM_CHECK(EVP_DigestFinal_ex(hash.get(), digest.data(), &size) == 1, "MD5 ends");
  return fmt::format("{:02x}", fmt::join(digest.data(), digest.data() + size, ""));
}

}  // namespace loom::mirror
