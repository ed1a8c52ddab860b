#include "results/index_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>
#include <sstream>

namespace loom::results {
namespace {

constexpr std::uint64_t kCacheBytes = std::uint64_t{8} << 20U;
constexpr int kInstructionsPerLook = 2000;  // of SQLite's machine; about 0.1 ms
constexpr std::size_t kMostIdle = 4;
constexpr const char* kSetType = "subjects";  // of the pointers that SQLite passes on

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

int is_late(void* reader) {
  return static_cast<IndexReader*>(reader)->until.passed() ? 1 : 0;
}

/// SQL's chosen(subject, set).
void chosen(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
  const auto* set = static_cast<const SubjectSet*>(sqlite3_value_pointer(values[1], kSetType));
  const auto subject = static_cast<std::size_t>(sqlite3_value_int64(values[0]));
  sqlite3_result_int(context, set != nullptr && set->has(subject) ? 1 : 0);
}

}  // namespace

IndexReader::IndexReader(SqliteFile opened) : file(std::move(opened)) {
  sqlite3_progress_handler(file.get(), kInstructionsPerLook, &is_late, this);
  sqlite3_create_function(file.get(), "chosen", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr, &chosen,
                          nullptr, nullptr);
}

Result<SqliteStatement> IndexReader::prepare(std::string_view sql, const std::vector<Bound>& values,
                                             int first) {
  LOOM_TRY(SqliteStatement statement, file.prepare(sql));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const int place = first + static_cast<int>(i);
    if (const double* number = std::get_if<double>(&values[i]); number != nullptr) {
      statement.real(place, *number);
    } else if (const std::string* text = std::get_if<std::string>(&values[i]); text != nullptr) {
      statement.text(place, *text);
    } else {
      statement.pointer(place, std::get<std::shared_ptr<const SubjectSet>>(values[i]).get(), kSetType);
    }
  }
  return statement;
}

void IndexFile::Give::operator()(IndexReader* reader) const {
  std::unique_ptr<IndexReader> back(reader);
  const MutexLock lock(owner->mutex_);
  if (owner->idle_.size() < kMostIdle) owner->idle_.push_back(std::move(back));
}

Result<std::unique_ptr<IndexFile>> IndexFile::open(const std::filesystem::path& path) {
  std::unique_ptr<IndexFile> file(new IndexFile(path));
  LOOM_TRY(const Borrowed reader, file->borrow(Deadline::never()));
  LOOM_TRY(SqliteStatement all, reader->prepare("SELECT name, value FROM meta"));
  std::map<std::string, std::string> meta;
  LOOM_CHECKED(all.each([&] { meta.emplace(all.text_at(0), all.text_at(1)); }));
  if (meta["version"] != fmt::to_string(kIndexVersion))
    return error(Code::corrupt, "hit index: version '{}' is not the {} of this program; make it again",
                 meta["version"], kIndexVersion);
  const auto number = [&meta](const char* name) {
    return static_cast<std::uint64_t>(std::strtoull(meta[name].c_str(), nullptr, 10));
  };
  file->counts_ = {.queries = number("queries"),
                   .queries_with_hits = number("queries_with_hits"),
                   .subjects = number("subjects"),
                   .hits = number("hits"),
                   .hsps = number("hsps")};
  file->columns_ = words_of(meta["columns"]);
  file->others_ = words_of(meta["others"]);
  file->histograms_ = meta["histograms"];
  return file;
}

bool IndexFile::holds(Field field) const {
  return columns_.empty() || std::ranges::any_of(columns_of(field), [this](std::string_view name) {
           return std::ranges::find(columns_, name) != columns_.end();
         });
}

bool IndexFile::covers() const {
  return holds(Field::qlen) && holds(Field::qstart) && holds(Field::qend);
}

Result<IndexFile::Borrowed> IndexFile::borrow(Deadline deadline) {
  std::unique_ptr<IndexReader> reader;
  {
    const MutexLock lock(mutex_);
    if (!idle_.empty()) {
      reader = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!reader) {
    LOOM_TRY(SqliteFile file, SqliteFile::open(path_, kCacheBytes));
    reader = std::make_unique<IndexReader>(std::move(file));
  }
  reader->until = deadline;
  return Borrowed(reader.release(), Give{this});
}

}  // namespace loom::results
