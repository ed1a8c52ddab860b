#include "api/result_bodies.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>

#include "api/job_json.hpp"
#include "base/check.hpp"
#include "base/sha256.hpp"

namespace loom::api {
namespace {

constexpr std::chrono::seconds kReadTime{60};

class ObjectBody final : public http::BodySource {
 public:
  ObjectBody(std::unique_ptr<storage::ObjectReader> reader, std::uint64_t first, std::uint64_t count)
      : reader_(std::move(reader)), skip_(first), count_(count), left_(count) {}

  [[nodiscard]] std::optional<std::uint64_t> size() const override { return count_; }

  Result<std::size_t> read(std::span<char> into) override {
    LOOM_CHECKED(skip());
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left_, into.size()));
    LOOM_TRY(const std::size_t came,
             reader_->read(std::as_writable_bytes(into.first(wanted)), Deadline::in(kReadTime)));
    if (came == 0 && wanted > 0) return error(Code::corrupt, "a result is shorter than its record says");
    left_ -= came;
    return came;
  }

 private:
  Status skip() {
    if (skip_ > 0) LOOM_CHECKED(reader_->skip(std::exchange(skip_, 0), Deadline::in(kReadTime)));
    return ok();
  }

  std::unique_ptr<storage::ObjectReader> reader_;
  std::uint64_t skip_;
  std::uint64_t count_;
  std::uint64_t left_;
};

struct FreeArchive {
  void operator()(archive* writer) const { archive_write_free(writer); }
};
struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

class ZipBody final : public http::BodySource {
 public:
  ZipBody(std::string folder, std::vector<service::ResultFile> files, OpenFile open)
      : folder_(std::move(folder)),
        files_(std::move(files)),
        open_(std::move(open)),
        zip_(archive_write_new()) {
    LOOM_CHECK(zip_, "there is memory for a ZIP writer");
    archive_write_set_format_zip(zip_.get());
    archive_write_zip_set_compression_deflate(zip_.get());
    archive_write_set_bytes_per_block(zip_.get(), 0);
    archive_write_open(zip_.get(), this, nullptr, &ZipBody::receive, nullptr);
  }

  [[nodiscard]] std::optional<std::uint64_t> size() const override { return std::nullopt; }

  Result<std::size_t> read(std::span<char> into) override {
    while (at_ == ready_.size() && !ended_) {
      ready_.clear();
      at_ = 0;
      LOOM_CHECKED(advance());
    }
    const std::size_t count = std::min(into.size(), ready_.size() - at_);
    std::memcpy(into.data(), ready_.data() + at_, count);
    at_ += count;
    return count;
  }

 private:
  static la_ssize_t receive(archive* /*writer*/, void* self, const void* bytes, std::size_t count) {
    static_cast<ZipBody*>(self)->ready_.append(static_cast<const char*>(bytes), count);
    return static_cast<la_ssize_t>(count);
  }

  Status check(la_ssize_t outcome) {
    if (outcome >= ARCHIVE_WARN) return ok();
    const char* why = archive_error_string(zip_.get());
    return error(Code::internal, "ZIP of results: {}", why == nullptr ? "unknown" : why);
  }

  // One block, one begin or one end of a file: a little more in ready_.
  Status advance() {
    if (reader_) return copy_block();
    if (next_ < files_.size()) {
      const service::ResultFile& file = files_[next_++];
      LOOM_TRY(reader_, open_(file));
      if (file.sha256.empty()) hash_.emplace();
      return begin_entry(file.name, file.size_bytes);
    }
    const std::string manifest = manifest_of(files_);
    LOOM_CHECKED(begin_entry("MANIFEST.json", manifest.size()));
    LOOM_CHECKED(check(archive_write_data(zip_.get(), manifest.data(), manifest.size())));
    LOOM_CHECKED(check(archive_write_finish_entry(zip_.get())));
    ended_ = true;
    return check(archive_write_close(zip_.get()));
  }

  Status begin_entry(const std::string& name, std::uint64_t size_bytes) {
    const std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new());
    LOOM_CHECK(entry, "there is memory for a ZIP entry");
    archive_entry_set_pathname(entry.get(), (folder_ + "/" + name).c_str());
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size_bytes));
    archive_entry_set_mtime(entry.get(), std::time(nullptr), 0);
    left_ = size_bytes;
    return check(archive_write_header(zip_.get(), entry.get()));
  }

  Status copy_block() {
    block_.resize(storage::kBlock);
    LOOM_TRY(const std::size_t came, reader_->read(block_, Deadline::in(kReadTime)));
    if (came > left_ || (came == 0 && left_ > 0))
      return error(Code::corrupt, "a result has another size than its record says");
    left_ -= came;
    if (came > 0) {
      if (hash_) hash_->add({reinterpret_cast<const char*>(block_.data()), came});
      return check(archive_write_data(zip_.get(), block_.data(), came));
    }
    reader_.reset();
    if (hash_) files_[next_ - 1].sha256 = hash_->hex();
    hash_.reset();
    return check(archive_write_finish_entry(zip_.get()));
  }

  std::string folder_;
  std::vector<service::ResultFile> files_;
  OpenFile open_;
  std::unique_ptr<storage::ObjectReader> reader_;
  std::size_t next_ = 0;
  std::uint64_t left_ = 0;
  std::optional<Sha256> hash_;  ///< of the file being read, if nobody knows its sum
  std::vector<std::byte> block_;
  std::string ready_;
  std::size_t at_ = 0;
  bool ended_ = false;
  std::unique_ptr<archive, FreeArchive> zip_;  ///< last: it may still write to ready_ when it goes
};

}  // namespace

std::unique_ptr<http::BodySource> object_body(std::unique_ptr<storage::ObjectReader> reader,
                                              std::uint64_t first, std::uint64_t count) {
  return std::make_unique<ObjectBody>(std::move(reader), first, count);
}

std::unique_ptr<http::BodySource> zip_body(std::string folder, std::vector<service::ResultFile> files,
                                           OpenFile open) {
  return std::make_unique<ZipBody>(std::move(folder), std::move(files), std::move(open));
}

std::string manifest_of(const std::vector<service::ResultFile>& files) {
  std::string text;
  JsonWriter json(text);
  json.open_object();
  json.key("files");
  json.open_array();
  for (const service::ResultFile& file : files) {
    json.open_object();
    json.member("name", file.name);
    json.member("size_bytes", file.size_bytes);
    json.member("sha256", file.sha256);
    json.close_object();
  }
  json.close_array();
  json.close_object();
  return text + "\n";
}

}  // namespace loom::api
