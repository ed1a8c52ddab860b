#include "service/database_use.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sched/job_spec.hpp"

namespace loom::service {

Result<DatabaseUse> DatabaseUse::look(store::JobStore& jobs) {
  DatabaseUse use;
  for (const auto state : {store::JobState::queued, store::JobState::running, store::JobState::merging}) {
    std::optional<store::JobCursor> after;
    do {
      LOOM_TRY(const store::JobPage page,
               jobs.list({.state = state}, after, store::kMostRows, Deadline::in(std::chrono::seconds(30))));
      for (const store::Job& job : page.jobs) {
        const auto spec = sched::parse_job_spec(job.request.program, job.request.options);
        if (spec && !spec->database_path.empty())
          use.users_.push_back({job.id.str(), ":" + spec->database_path + ":"});
      }
      after = page.next;
    } while (after);
  }
  return use;
}

std::vector<std::string> DatabaseUse::of(const std::filesystem::path& folder) const {
  std::vector<std::string> found;
  for (const User& user : users_)
    if (user.folders.find(":" + folder.string() + "/") != std::string::npos ||
        user.folders.find(":" + folder.string() + ":") != std::string::npos)
      found.push_back(user.job);
  return found;
}

Status DatabaseUse::check_unused(const std::filesystem::path& folder) const {
  constexpr std::size_t kShown = 5;
  std::vector<std::string> users = of(folder);
  if (users.empty()) return ok();
  const std::size_t count = users.size();
  users.resize(std::min(count, kShown));
  return error(Code::conflict, "{} is in use by {} unfinished jobs: {}{}; wait for them, or cancel them",
               folder.filename().string(), count, fmt::join(users, ", "), count > kShown ? ", …" : "");
}

}  // namespace loom::service
