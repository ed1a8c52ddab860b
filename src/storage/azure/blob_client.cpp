#include "storage/azure/blob_client.hpp"

#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <thread>

#include "base/check.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"

namespace loom::storage::azure {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMostIdle = 16;
constexpr long kConnectMs = 5000;

void start_curl_once() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  LOOM_CHECK(started == CURLE_OK, "libcurl starts");
}

/// As x-ms-date wants it.
std::string date_now() {
  return http_date(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
}

double random_part() {
  thread_local std::minstd_rand random(std::random_device{}());
  return std::uniform_real_distribution<double>(0, 1)(random);
}

/// What one transfer writes and reads: libcurl's callbacks get it as their last argument.
struct Transfer {
  const Request& request;
  Reply reply;
  std::size_t sent = 0;
  bool too_long = false;
};

std::size_t take_header(char* text, std::size_t size, std::size_t count, void* user) {
  auto& reply = static_cast<Transfer*>(user)->reply;
  const std::string_view line(text, size * count);
  if (line.starts_with("HTTP/")) reply.headers.clear();  // of an interim reply
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return line.size();
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  reply.headers.insert_or_assign(std::move(name), std::string(trimmed(line.substr(colon + 1))));
  return line.size();
}

std::size_t take_body(char* text, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t length = size * count;
  if (length > transfer.request.max_reply_bytes - transfer.reply.body.size()) {
    transfer.too_long = true;
    return 0;  // makes libcurl end the transfer
  }
  const auto bytes = std::as_bytes(std::span(text, length));
  transfer.reply.body.insert(transfer.reply.body.end(), bytes.begin(), bytes.end());
  return length;
}

std::size_t give_body(char* into, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const auto left = transfer.request.body.subspan(transfer.sent);
  const std::size_t length = std::min(size * count, left.size());
  if (length > 0) std::memcpy(into, left.data(), length);
  transfer.sent += length;
  return length;
}

int seek_body(void* user, curl_off_t offset, int origin) {
  if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<Transfer*>(user)->sent = static_cast<std::size_t>(offset);
  return CURL_SEEKFUNC_OK;
}

/// Children that BLAST runs in must not inherit connections.
curl_socket_t open_socket(void* /*user*/, curlsocktype /*purpose*/, curl_sockaddr* address) {
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

}  // namespace

/// What one attempt came to: a reply, or why there is none.
struct BlobClient::Attempt {
  std::optional<Reply> reply;
  Error error;
  bool again = false;  ///< another attempt may succeed
};

class BlobClient::Connection {
 public:
  Connection() : easy_(curl_easy_init()) { LOOM_CHECK(easy_ != nullptr, "libcurl makes handles"); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    curl_easy_cleanup(easy_);
    curl_slist_free_all(headers_);
  }

  /// `wait_ms` 0: as long as bytes come.
  CURLcode run(const Account& account, Transfer& transfer, long wait_ms, milliseconds silence) {
    curl_easy_reset(easy_);
    said_.fill('\0');
    set_peer(account);
    set_time(wait_ms, silence);
    set_request(account, transfer);
    const CURLcode code = curl_easy_perform(easy_);
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    transfer.reply.status = static_cast<int>(status);
    return code;
  }

  /// libcurl's words for the last error; they hold no URL.
  [[nodiscard]] std::string said(CURLcode code) const {
    return said_.front() == '\0' ? curl_easy_strerror(code) : said_.data();
  }

 private:
  template <class T>
  void set(CURLoption option, T value) {
    const CURLcode code = curl_easy_setopt(easy_, option, value);
    LOOM_CHECK(code == CURLE_OK, "libcurl takes the option");
  }

  void set_peer(const Account& account) {
    set(CURLOPT_ERRORBUFFER, said_.data());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROTOCOLS_STR, account.origin.starts_with("https:") ? "https" : "http");
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    if (!account.ca_file.empty()) set(CURLOPT_CAINFO, account.ca_file.c_str());
    if (account.loopback) set(CURLOPT_PROXY, "");
  }

  void set_time(long wait_ms, milliseconds silence) {
    set(CURLOPT_CONNECTTIMEOUT_MS, wait_ms == 0 ? kConnectMs : std::min(kConnectMs, wait_ms));
    set(CURLOPT_TIMEOUT_MS, wait_ms);
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(std::max<milliseconds::rep>(silence.count() / 1000, 1)));
  }

  void set_request(const Account& account, Transfer& transfer) {
    const Request& request = transfer.request;
    set(CURLOPT_URL, url_of(account, request).c_str());
    if (request.method == "HEAD") {
      set(CURLOPT_NOBODY, 1L);
    } else if (request.method == "PUT") {
      set(CURLOPT_UPLOAD, 1L);
      set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(CURLOPT_READFUNCTION, give_body);
      set(CURLOPT_READDATA, &transfer);
      set(CURLOPT_SEEKFUNCTION, seek_body);
      set(CURLOPT_SEEKDATA, &transfer);
      set(CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10U);
    } else if (request.method != "GET") {
      set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    curl_slist_free_all(headers_);
    headers_ = curl_slist_append(nullptr, "Expect:");  // no 100-continue: it costs a round trip
    for (const auto& [name, value] : signed_headers(account, request, date_now()))
      headers_ = curl_slist_append(headers_, fmt::format("{}: {}", name, value).c_str());
    set(CURLOPT_HTTPHEADER, headers_);
    set(CURLOPT_HEADERFUNCTION, take_header);
    set(CURLOPT_HEADERDATA, &transfer);
    set(CURLOPT_WRITEFUNCTION, take_body);
    set(CURLOPT_WRITEDATA, &transfer);
    set(CURLOPT_BUFFERSIZE, 256L << 10U);
  }

  CURL* easy_;
  curl_slist* headers_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> said_{};
};

BlobClient::BlobClient(Account account, RetryPolicy retry) : account_(std::move(account)), retry_(retry) {
  start_curl_once();
}

BlobClient::~BlobClient() = default;

std::unique_ptr<BlobClient::Connection> BlobClient::take() {
  {
    const MutexLock lock(mutex_);
    if (!idle_.empty()) {
      auto last = std::move(idle_.back());
      idle_.pop_back();
      return last;
    }
  }
  return std::make_unique<Connection>();
}

void BlobClient::give_back(std::unique_ptr<Connection> connection) {
  const MutexLock lock(mutex_);
  if (!retired_ && idle_.size() < kMostIdle) idle_.push_back(std::move(connection));
}

void BlobClient::retire() {
  std::vector<std::unique_ptr<Connection>> closing;
  const MutexLock lock(mutex_);
  retired_ = true;
  closing.swap(idle_);
}

BlobClient::Attempt BlobClient::try_once(const Request& request, Deadline deadline) {
  long wait_ms = 0;
  if (deadline.when() != Instant::max()) {
    constexpr milliseconds kMost{24L * 60 * 60 * 1000};
    const auto left = std::chrono::duration_cast<milliseconds>(deadline.when() - steady_clock().now());
    wait_ms = static_cast<long>(std::clamp(left, milliseconds(1), kMost).count());
  }
  auto connection = take();
  Transfer transfer{.request = request, .reply = {}};
  const CURLcode code = connection->run(account_, transfer, wait_ms, retry_.silence);
  const std::string said = code == CURLE_OK ? std::string() : connection->said(code);
  if (code == CURLE_OK) give_back(std::move(connection));
  if (transfer.too_long)
    return {.reply = {},
            .error = error(Code::corrupt, "the reply has more than the {} bytes that were asked for",
                           request.max_reply_bytes)};
  const bool untrusted = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
  if (code != CURLE_OK)
    return {.reply = {}, .error = error(Code::unavailable, "{}", said), .again = !untrusted};
  const int status = transfer.reply.status;
  const std::string reason = fmt::format("HTTP {} {}", status, transfer.reply.error_code());
  const bool damaged = status == 400 && transfer.reply.error_code() == "Md5Mismatch";
  return {.reply = std::move(transfer.reply),
          .error = error(Code::unavailable, "{}", reason),
          .again = damaged || worth_retrying(status)};
}

Result<Reply> BlobClient::send(const Request& request, Deadline deadline) {
  const std::string what =
      fmt::format("Azure account '{}': {} {}", account_.name, request.method, request.path);
  Error last = error(Code::timed_out, "{}: the deadline passed before it was sent", what);
  for (int attempt = 1;; ++attempt) {
    if (deadline.passed()) break;
    Attempt tried = try_once(request, deadline);
    if (!tried.again) {
      if (!tried.reply) return std::move(tried.error).at(what);
      tried.reply->sent_before = attempt > 1;
      return *std::move(tried.reply);
    }
    last = error(deadline.passed() ? Code::timed_out : Code::unavailable, "{}: {}{}, after {} attempt{}",
                 what, deadline.passed() ? "the deadline passed: " : "", tried.error.message, attempt,
                 attempt == 1 ? "" : "s");
    if (attempt >= retry_.attempts) break;
    milliseconds wait = backoff(retry_, attempt + 1, random_part());
    if (tried.reply) {
      const auto asked =
          parse_retry_after(tried.reply->header("retry-after"), std::chrono::system_clock::now());
      if (asked) wait = std::max<milliseconds>(wait, *asked);
    }
    if (deadline.when() - steady_clock().now() <= wait) {
      last.message += fmt::format("; the next one, {} ms later, would come after the deadline", wait.count());
      last.code = Code::timed_out;
      break;
    }
    std::this_thread::sleep_for(wait);
  }
  return last;
}

}  // namespace loom::storage::azure
