#include "store/sqlite/queries.hpp"

#include <algorithm>

#include "store/sqlite/rows.hpp"

namespace loom::store::sqlite {
namespace {

constexpr std::size_t kShortestText = 3;  // the title index holds runs of three characters

/// The jobs of `rows`, which was asked for one more than `limit`.
Result<JobPage> read_page(Statement& rows, std::size_t limit) {
  JobPage page;
  for (;;) {
    LOOM_TRY(const Step step, rows.step());
    if (step == Step::done) return page;
    if (page.jobs.size() == limit) {
      page.next = JobCursor{page.jobs.back().created, page.jobs.back().id};
      return page;
    }
    LOOM_TRY(JobRow row, read_job(rows));
    page.jobs.push_back(std::move(row.job));
  }
}

std::size_t characters(std::string_view utf8) {
  const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; };
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), begins));
}

Status check_text(const std::optional<std::string>& text) {
  if (!text) return ok();
  if (text->find('\0') != std::string::npos)
    return error(Code::invalid_argument, "the text to look for has a zero byte");
  if (characters(*text) >= kShortestText) return ok();
  return error(Code::invalid_argument, "the text to look for has {} characters; at least {} are needed",
               characters(*text), kShortestText);
}

/// `text` as one phrase of the title index's language.
std::optional<std::string> phrase(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  std::string quoted = "\"";
  for (const char c : *text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

template <class T>
void bind_if(Statement& statement, const std::optional<T>& value) {
  if (value) statement.bind(*value);
}

Result<std::vector<Event>> all_events(Statement& rows) {
  std::vector<Event> events;
  for (;;) {
    LOOM_TRY(const Step step, rows.step());
    if (step == Step::done) return events;
    LOOM_TRY(Event event, read_event(rows));
    events.push_back(std::move(event));
  }
}

}  // namespace

std::string list_sql(const JobFilter& filter, bool has_cursor) {
  std::string where;
  const auto must = [&where](bool set, std::string_view condition) {
    if (!set) return;
    where += where.empty() ? " WHERE " : " AND ";
    where += condition;
  };
  must(filter.text.has_value(), "titles MATCH ?");
  must(filter.owner.has_value(), "owner = ?");
  must(filter.state.has_value(), "state = ?");
  must(filter.program.has_value(), "program = ?");
  must(filter.database.has_value(), "database = ?");
  must(filter.since.has_value(), "created >= ?");
  must(has_cursor, "(created, id) < (?, ?)");
  // CROSS JOIN: titles first, always.
  const char* from =
      filter.text ? " FROM titles CROSS JOIN jobs ON jobs.number = titles.rowid" : " FROM jobs";
  return fmt::format("SELECT " LOOM_JOB_COLUMNS "{}{} ORDER BY created DESC, id DESC LIMIT ?", from, where);
}

Result<JobPage> list(Connection& db, const JobFilter& filter, const std::optional<JobCursor>& after,
                     std::size_t limit) {
  LOOM_CHECKED(check_limit(limit));
  LOOM_CHECKED(check_text(filter.text));
  LOOM_TRY(Statement rows, db.query(list_sql(filter, after.has_value())));
  bind_if(rows, phrase(filter.text));
  bind_if(rows, filter.owner);
  bind_if(rows, filter.state);
  bind_if(rows, filter.program);
  bind_if(rows, filter.database);
  bind_if(rows, filter.since);
  if (after) {
    rows.bind(after->created);
    rows.bind(after->id);
  }
  rows.bind(limit + 1);
  return read_page(rows, limit);
}

Result<JobPage> jobs_without_metrics(Connection& db, const std::optional<JobCursor>& after,
                                     std::size_t limit) {
  LOOM_CHECKED(check_limit(limit));
  const std::string_view id = after ? std::string_view(after->id.str()) : std::string_view();
  const UnixTime created = after ? after->created : UnixTime::min();
  LOOM_TRY(Statement rows,
           db.query("SELECT " LOOM_JOB_COLUMNS
                    " FROM jobs INDEXED BY jobs_unmeasured WHERE state = 'completed' AND cpu_seconds IS NULL "
                    "AND (created, id) > (?, ?) ORDER BY created, id LIMIT ?",
                    created, id, limit + 1));
  return read_page(rows, limit);
}

Result<std::string> query_of(Connection& db, const JobId& id) {
  LOOM_TRY(const JobRow row, find_job(db, id));
  LOOM_TRY(Statement found, db.query("SELECT text FROM queries WHERE job = ?", row.number));
  LOOM_TRY(const Step step, found.step());
  if (step == Step::done) return error(Code::conflict, "job {} has its query in the object store", id.str());
  return found.text();
}

Result<Answer> answer_of(Connection& db, const JobId& id) {
  LOOM_TRY(const JobRow row, find_job(db, id));
  LOOM_TRY(Statement found, db.query("SELECT output, messages FROM answers WHERE job = ?", row.number));
  LOOM_TRY(const Step step, found.step());
  if (step == Step::done) return error(Code::conflict, "job {} has no answer in the store", id.str());
  Answer answer;
  answer.output = found.text();
  answer.messages = found.text();
  return answer;
}

Result<std::uint64_t> answer_bytes(Connection& db) {
  LOOM_TRY(const std::int64_t bytes, db.integer("SELECT answer_bytes FROM totals"));
  return static_cast<std::uint64_t>(bytes);
}

Result<std::uint64_t> users_of_query(Connection& db, std::string_view query_key) {
  LOOM_TRY(Statement found,
           db.query("SELECT count(*) FROM jobs WHERE query_key = ? AND query_key <> ''", query_key));
  LOOM_CHECKED(found.step());
  return found.integer<std::uint64_t>();
}

Result<JobCounts> counts(Connection& db) {
  JobCounts counts{};
  for (std::size_t i = 0; i < kJobStates.size(); ++i) {
    LOOM_TRY(Statement row, db.query("SELECT jobs FROM job_counts WHERE state = ?", kJobStates[i]));
    LOOM_CHECKED(row.step());
    counts[i] = row.integer<std::uint64_t>();
  }
  return counts;
}

Result<std::vector<Task>> tasks(Connection& db, const JobId& id, std::uint32_t first, std::size_t limit) {
  LOOM_CHECKED(check_limit(limit));
  LOOM_TRY(const JobRow job, find_job(db, id));
  LOOM_TRY(Statement rows, db.query("SELECT " LOOM_TASK_COLUMNS
                                    " FROM tasks WHERE job = ? AND number >= ? ORDER BY number LIMIT ?",
                                    job.number, first, limit));
  std::vector<Task> all;
  for (;;) {
    LOOM_TRY(const Step step, rows.step());
    if (step == Step::done) return all;
    LOOM_TRY(TaskRow row, read_task(rows, id));
    all.push_back(std::move(row.task));
  }
}

Result<std::vector<Event>> read_events(Connection& db, const JobId& id, std::uint64_t after,
                                       std::size_t limit) {
  LOOM_CHECKED(check_limit(limit));
  LOOM_TRY(const JobRow job, find_job(db, id));
  LOOM_TRY(Statement rows,
           db.query("SELECT " LOOM_EVENT_COLUMNS " FROM events JOIN jobs ON jobs.number = events.job "
                    "WHERE events.job = ? AND seq > ? ORDER BY seq LIMIT ?",
                    job.number, after, limit));
  return all_events(rows);
}

Result<std::vector<Event>> read_all_events(Connection& db, std::uint64_t after, std::size_t limit) {
  LOOM_CHECKED(check_limit(limit));
  LOOM_TRY(Statement rows,
           db.query("SELECT " LOOM_EVENT_COLUMNS " FROM events CROSS JOIN jobs ON jobs.number = events.job "
                    "WHERE place > ? ORDER BY place LIMIT ?",
                    after, limit));
  return all_events(rows);
}

}  // namespace loom::store::sqlite
