#include "store/job.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace loom::store {
namespace {

constexpr std::size_t kIdDigits = 32;  // random_token()
constexpr std::string_view kHexDigits = "0123456789abcdef";

template <class Enum>
using Names = std::initializer_list<std::pair<Enum, std::string_view>>;

constexpr Names<JobState> kJobStateNames{{JobState::queued, "queued"},   {JobState::running, "running"},
                                         {JobState::merging, "merging"}, {JobState::completed, "completed"},
                                         {JobState::failed, "failed"},   {JobState::cancelled, "cancelled"}};
constexpr Names<TaskState> kTaskStateNames{{TaskState::ready, "ready"},
                                           {TaskState::leased, "leased"},
                                           {TaskState::done, "done"},
                                           {TaskState::failed, "failed"}};
constexpr Names<EventKind> kEventKindNames{{EventKind::submitted, "submitted"},
                                           {EventKind::moved, "moved"},
                                           {EventKind::leased, "leased"},
                                           {EventKind::task_done, "task_done"},
                                           {EventKind::task_released, "task_released"},
                                           {EventKind::task_failed, "task_failed"},
                                           {EventKind::measured, "measured"},
                                           {EventKind::reused, "reused"}};

template <class Enum>
std::string_view name_in(const Names<Enum>& names, Enum value) {
  for (const auto& [candidate, text] : names)
    if (candidate == value) return text;
  LOOM_CHECK(false, "an enumeration outside its enumerators");
}

template <class Enum>
std::optional<Enum> value_in(const Names<Enum>& names, std::string_view text) {
  for (const auto& [value, candidate] : names)
    if (candidate == text) return value;
  return std::nullopt;
}

}  // namespace

std::string_view name(JobState state) {
  return name_in(kJobStateNames, state);
}
std::string_view name(TaskState state) {
  return name_in(kTaskStateNames, state);
}
std::string_view name(EventKind kind) {
  return name_in(kEventKindNames, kind);
}
std::optional<JobState> parse_job_state(std::string_view text) {
  return value_in(kJobStateNames, text);
}
std::optional<TaskState> parse_task_state(std::string_view text) {
  return value_in(kTaskStateNames, text);
}
std::optional<EventKind> parse_event_kind(std::string_view text) {
  return value_in(kEventKindNames, text);
}

Result<JobId> JobId::parse(std::string_view text) {
  if (text.size() != kIdDigits || text.find_first_not_of(kHexDigits) != std::string_view::npos)
    return error(Code::invalid_argument, "not a job id: an id has 32 digits of 0-9 and a-f");
  return JobId(std::string(text));
}

}  // namespace loom::store
