#include "mirror/mirror.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/json.hpp>
#include <cctype>
#include <cerrno>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/fd.hpp"
#include "base/guarded.hpp"
#include "base/text.hpp"

namespace loom::mirror {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::uint64_t kMostMetadataBytes = std::uint64_t{64} << 20U;
constexpr std::uint64_t kMostChecksumBytes = 4096;
constexpr std::size_t kMd5Digits = 32;
constexpr int kMostVolumes = 1000;
constexpr std::string_view kArchive = ".tar.gz";

std::string joined(std::string base, std::string_view rest) {
  while (base.ends_with('/')) base.pop_back();
  return base + '/' + std::string(rest);
}

std::string_view last_part(std::string_view address) {
  return address.substr(address.rfind('/') + 1);  // npos + 1 is 0
}

bool is_archive(std::string_view address) {
  return address.ends_with(kArchive);
}

/// Of "NAME", "NAME.…" or "NAME-…": whether a file belongs to the database.
bool belongs(std::string_view file, const std::string& name) {
  return file.size() > name.size() + 1 && file.starts_with(name) && file[name.size()] == '.';
}

template <class T>
std::optional<T> absent(Result<T> result, Status& failed) {
  if (result) return *std::move(result);
  if (result.error().code != Code::not_found) failed = result.error();
  return std::nullopt;
}

std::string text_member(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::uint64_t number_member(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  if (found == nullptr) return 0;
  boost::system::error_code wrong;
  const auto number = found->to_number<std::uint64_t>(wrong);
  return wrong ? 0 : number;
}

Error no_metadata(const std::string& url, std::string_view why) {
  return error(Code::corrupt, "{}: {}; it is not what a mirror of NCBI's has there", url, why);
}

Result<json::value> parse(const std::string& url, const std::string& text) {
  boost::system::error_code wrong;
  json::value value = json::parse(text, wrong);
  if (wrong) return no_metadata(url, "no JSON: " + wrong.message());
  return value;
}

/// `folder`: the address of the files.
Result<RemoteDatabase> described(const std::string& url, const std::string& folder, const std::string& name,
                                 const json::value& value) {
  const json::object* about = value.if_object();
  if (about == nullptr || text_member(*about, "dbname") != name)
    return no_metadata(url, "it does not describe " + name);
  RemoteDatabase remote;
  remote.name = name;
  remote.metadata = json::serialize(value);
  remote.type = text_member(*about, "dbtype");
  remote.updated = text_member(*about, "last-updated");
  remote.sequences = number_member(*about, "number-of-sequences");
  remote.bytes = number_member(*about, "bytes-total");
  const auto* files = about->if_contains("files");
  if (files == nullptr || !files->is_array()) return no_metadata(url, "it names no files");
  for (const json::value& file : files->get_array()) {
    if (!file.is_string()) return no_metadata(url, "a file's name is no text");
    const std::string_view part = last_part(file.get_string());
    if (belongs(part, name)) remote.files.push_back(joined(folder, part));
  }
  if (remote.files.empty()) return no_metadata(url, "it names no files of " + name);
  return remote;
}

Result<RemoteDatabase> in_bucket(const std::string& base, std::string folder, const std::string& name,
                                 const DownloadOptions& options) {
  folder = std::string(first_word(folder));
  const std::string url = joined(joined(base, folder), "blastdb-metadata-1-1.json");
  LOOM_TRY(const std::string text, fetch_text(url, kMostMetadataBytes, options));
  LOOM_TRY(const json::value all, parse(url, text));
  if (!all.is_array()) return no_metadata(url, "it is no list of databases");
  for (const json::value& one : all.get_array())
    if (one.is_object() && text_member(one.get_object(), "dbname") == name)
      return described(url, joined(base, folder), name, one);
  return error(Code::not_found, "{}: it lists no database {}", url, name);
}

Result<RemoteDatabase> in_folder(const std::string& base, const std::string& name,
                                 const DownloadOptions& options) {
  Status failed = ok();
  for (const std::string_view kind : {"prot", "nucl"}) {
    const std::string url = joined(base, fmt::format("{}-{}-metadata.json", name, kind));
    const auto text = absent(fetch_text(url, kMostMetadataBytes, options), failed);
    LOOM_CHECKED(failed);
    if (!text) continue;
    LOOM_TRY(const json::value about, parse(url, *text));
    return described(url, base, name, about);
  }
  RemoteDatabase remote;
  remote.name = name;
  const auto add_if_there = [&](const std::string& file) -> Status {
    const std::string url = joined(base, file);
    LOOM_CHECKED(remote_exists(url, options));
    remote.files.push_back(url);
    return ok();
  };
  if (const Status whole = add_if_there(name + std::string(kArchive));
      whole || whole.error().code != Code::not_found)
    return whole ? Result<RemoteDatabase>(std::move(remote)) : whole.error();
  for (int volume = 0; volume < kMostVolumes; ++volume) {
    const Status there = add_if_there(fmt::format("{}.{:02}{}", name, volume, kArchive));
    if (!there && there.error().code != Code::not_found) return there.error();
    if (!there) break;
  }
  if (remote.files.empty())
    return error(Code::not_found, "{} has no database {}: no metadata, no {}{} and no {}.00{} there", base,
                 name, name, kArchive, name, kArchive);
  return remote;
}

/// "D41D…  nr.00.tar.gz" of a .md5 file.
Result<std::string> checksum_in(const std::string& url, const std::string& text) {
  std::string digits = text.substr(0, text.find_first_of(" \t\r\n"));
  std::ranges::transform(digits, digits.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (digits.size() != kMd5Digits || digits.find_first_not_of("0123456789abcdef") != std::string::npos)
    return no_metadata(url, "no MD5 checksum");
  return digits;
}

struct FreeReader {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

Status copy_entry(archive* reader, const fs::path& from, const fs::path& to, const std::stop_token& stop) {
  const Fd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!out) return system_error(errno, to.filename().string());
  std::vector<char> block(std::size_t{1} << 20U);
  for (;;) {
    if (stop.stop_requested()) return error(Code::cancelled, "the download was stopped");
    const la_ssize_t got = archive_read_data(reader, block.data(), block.size());
    if (got < 0)
      return error(Code::corrupt, "{}: {}", from.filename().string(), archive_error_string(reader));
    if (got == 0) return ok();
    for (la_ssize_t done = 0; done < got;) {
      const ssize_t put = ::write(out.get(), block.data() + done, static_cast<std::size_t>(got - done));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return system_error(errno, to.filename().string());
      done += put;
    }
  }
}

Status unpack(const fs::path& file, const std::string& name, const fs::path& into,
              const std::stop_token& stop) {
  const std::unique_ptr<archive, FreeReader> reader(archive_read_new());
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_format_tar(reader.get());
  const auto failed = [&] {
    return error(Code::corrupt, "{}: {}", file.filename().string(), archive_error_string(reader.get()));
  };
  constexpr std::size_t kBlock = std::size_t{1} << 20U;
  if (archive_read_open_filename(reader.get(), file.c_str(), kBlock) != ARCHIVE_OK) return failed();
  for (archive_entry* entry = nullptr;;) {
    const int next = archive_read_next_header(reader.get(), &entry);
    if (next == ARCHIVE_EOF) return ok();
    if (next != ARCHIVE_OK) return failed();
    const char* path = archive_entry_pathname(entry);
    const std::string part(path == nullptr ? "" : last_part(path));
    if (archive_entry_filetype(entry) != AE_IFREG || !belongs(part, name)) continue;
    // Every volume's archive may hold the files they share, and several are unpacked at once.
    const fs::path own = into / (part + ".of-" + file.filename().string());
    LOOM_CHECKED(copy_entry(reader.get(), file, own, stop));
    std::error_code failure;
    fs::rename(own, into / part, failure);
    if (failure) return system_error(failure.value(), part);
  }
}

class Fetching {
 public:
  Fetching(const RemoteDatabase& remote, const fs::path& cache, const fs::path& into,
           const FetchOptions& options)
      : remote_(remote), cache_(cache), into_(into), options_(options) {
    options_.download.stop = stop_.get_token();
    if (options.download.got)
      options_.download.got = [this, &options](std::uint64_t more) {
        const std::lock_guard lock(mutex_);
        options.download.got(more);
      };
  }

  Status run(const std::stop_token& asked) {
    const std::stop_callback stopping(asked, [this] { stop_.request_stop(); });
    std::vector<std::jthread> threads;
    const std::size_t count = std::clamp<std::size_t>(options_.parallel, 1, remote_.files.size());
    for (std::size_t i = 0; i < count; ++i) threads.emplace_back([this] { work(); });
    threads.clear();
    return first_failure_;
  }

 private:
  void work() {
    for (std::size_t i = next_++; i < remote_.files.size(); i = next_++) {
      if (stop_.stop_requested()) return;
      const Status done = guarded([&] { return one(remote_.files[i]); });
      if (done) continue;
      const std::lock_guard lock(mutex_);
      if (first_failure_) first_failure_ = done;
      stop_.request_stop();
    }
  }

  Status one(const std::string& url) {
    const std::string name(last_part(url));
    const fs::path target = cache_ / name;
    if (!is_archive(url)) {
      if (!fs::exists(target)) LOOM_CHECKED(download(url, target, options_.download));
      std::error_code failed;
      fs::rename(target, into_ / name, failed);
      return failed ? Status(system_error(failed.value(), name)) : ok();
    }
    for (int attempt = 0;; ++attempt) {
      LOOM_TRY(const std::string sum_text, fetch_text(url + ".md5", kMostChecksumBytes, options_.download));
      LOOM_TRY(const std::string wanted, checksum_in(url + ".md5", sum_text));
      if (!fs::exists(target)) LOOM_CHECKED(download(url, target, options_.download));
      LOOM_TRY(const std::string found, md5_of(target));
      if (found == wanted) break;
      std::error_code ignored;
      fs::remove(target, ignored);
      if (attempt > 0)
        return error(
            Code::corrupt,
            "{}: its MD5 checksum is {}, and {}.md5 says {}, twice: the mirror is being updated, or damaged; "
            "try again later, or another mirror",
            url, found, name, wanted);
    }
    return unpack(target, remote_.name, into_, options_.download.stop);
  }

  const RemoteDatabase& remote_;
  const fs::path& cache_;
  const fs::path& into_;
  FetchOptions options_;
  std::stop_source stop_;
  std::atomic<std::size_t> next_{0};
  std::mutex mutex_;
  Status first_failure_ = ok();
};

}  // namespace

Result<RemoteDatabase> find_database(const std::string& base, const std::string& name,
                                     const DownloadOptions& options) {
  Status failed = ok();
  const auto latest = absent(fetch_text(joined(base, "latest-dir"), kMostChecksumBytes, options), failed);
  LOOM_CHECKED(failed);
  return latest ? in_bucket(base, *latest, name, options) : in_folder(base, name, options);
}

Status fetch_files(const RemoteDatabase& remote, const fs::path& cache, const fs::path& into,
                   const FetchOptions& options) {
  std::error_code unknown;
  const fs::space_info space = fs::space(cache, unknown);
  // Archives are about as large as what is in them: proteins do not shrink, nucleotides are packed already.
  const std::uint64_t needed = is_archive(remote.files.front()) ? 2 * remote.bytes : remote.bytes;
  if (!unknown && space.available < needed)
    return error(Code::disk_full,
                 "{} needs about {} MB on the disk of {} and {} are free; make room, or use another disk",
                 remote.name, needed >> 20U, cache.string(), space.available >> 20U);
  return Fetching(remote, cache, into, options).run(options.download.stop);
}

}  // namespace loom::mirror
