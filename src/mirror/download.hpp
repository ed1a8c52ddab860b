#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace loom::mirror {

struct DownloadOptions {
  std::stop_token stop{};
  int attempts = 6;                      ///< until no byte came in one of them
  std::chrono::milliseconds pause{500};  ///< before the second attempt; doubles each time
  std::chrono::seconds stall{30};        ///< without a byte: the connection is given up
  std::function<void(std::uint64_t)>
      got{};  ///< so many more bytes are on the disk; those of a new start count again
};

/// The body of a small file. Follows redirections. Thread-safe. Blocking: on the network. Errors: not_found
/// (404 and 410); too_large past `max_bytes`; unavailable when every attempt failed; cancelled;
/// invalid_argument for an address other than http and https.
Result<std::string> fetch_text(const std::string& url, std::uint64_t max_bytes,
                               const DownloadOptions& options);

/// Whether there is such a file, by HEAD. Errors: as fetch_text.
Status remote_exists(const std::string& url, const DownloadOptions& options);

/// Fetches a file to `target`, which then is there as a whole. What came before a cut stays in `target`.part
/// and is gone on with by a range request, now or in a later call, if the server still has the same file by
/// its ETag or Last-Modified; else from the start. Errors: as fetch_text; disk_full.
Status download(const std::string& url, const std::filesystem::path& target, const DownloadOptions& options);

/// MD5 of a file, in 32 hex digits. Blocking: reads all of it.
Result<std::string> md5_of(const std::filesystem::path& file);

}  // namespace loom::mirror
