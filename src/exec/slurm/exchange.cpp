#include "exec/slurm/exchange.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <fstream>

#include "base/folder.hpp"
#include "base/number.hpp"

namespace loom::exec::slurm {
namespace {

namespace fs = std::filesystem;
using storage::ObjectKey;

constexpr std::string_view kTasks = "slurm/tasks/";
constexpr std::string_view kDone = "slurm/done/";
constexpr std::string_view kArrays = "slurm/arrays/";
constexpr std::string_view kWarm = "slurm/warm/";
constexpr std::string_view kLost = "slurm/lost/";
constexpr std::string_view kStderr = "stderr";
constexpr std::uint64_t kMostSpec = std::uint64_t{4} << 20U;
constexpr std::size_t kBlock = std::size_t{256} << 10U;
constexpr std::size_t kPage = 1000;

ObjectKey key(std::string_view prefix, std::string_view name) {
  return ObjectKey::parse(fmt::format("{}{}", prefix, name)).value();
}
std::string claims_prefix(const std::string& token) {
  return fmt::format("{}{}/claims/", kArrays, token);
}
ObjectKey claim_object(const std::string& token, Claim claim) {
  return key(claims_prefix(token), fmt::format("{}.{}", claim.line, claim.element));
}
ObjectKey task_object(const TaskKey& task, std::string_view name) {
  return key(kTasks, fmt::format("{}/{}", task, name));
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}
std::string_view chars_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Result<TaskKey> Exchange::key_of(const ProcessSpec& spec) {
  for (const std::string& arg : spec.argv)
    if (!is_utf8(arg))
      return error(Code::invalid_argument, "{}: an argument is not UTF-8, and so cannot be sent to a node",
                   spec.argv.front());
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  const std::string text = text_of(spec);
  XXH3_128bits_update(&state, text.data(), text.size());
  std::vector<char> block(kBlock);
  for (const fs::path& path : spec.portable->reads) {
    std::ifstream file(spec.portable->folder / path, std::ios::binary);
    if (!file) return system_error(errno, "read " + (spec.portable->folder / path).string());
    while (file.read(block.data(), static_cast<std::streamsize>(block.size())), file.gcount() > 0)
      XXH3_128bits_update(&state, block.data(), static_cast<std::size_t>(file.gcount()));
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(&state);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

Status Exchange::put_task(const TaskKey& task, const ProcessSpec& spec, Deadline deadline) {
  for (std::size_t i = 0; i < spec.portable->reads.size(); ++i)
    LOOM_CHECKED(storage::put_file(store_, task_object(task, fmt::format("in/{}", i)),
                                   spec.portable->folder / spec.portable->reads[i], deadline));
  return store_.put(task_object(task, "spec"), bytes_of(text_of(spec)), deadline);
}

Status Exchange::fetch_file(const ObjectKey& object, const fs::path& target, Deadline deadline) {
  LOOM_CHECKED(make_folders(target.parent_path()));
  return storage::get_file(store_, object, target, deadline);
}

Result<ProcessSpec> Exchange::fetch_task(const TaskKey& task, const fs::path& folder, Deadline deadline) {
  LOOM_TRY(const auto text, store_.get(task_object(task, "spec"), kMostSpec, deadline));
  LOOM_TRY(ProcessSpec spec, parse_spec(chars_of(text), folder));
  for (std::size_t i = 0; i < spec.portable->reads.size(); ++i)
    LOOM_CHECKED(
        fetch_file(task_object(task, fmt::format("in/{}", i)), folder / spec.portable->reads[i], deadline));
  LOOM_CHECKED(make_folders(folder / spec.portable->makes));
  return spec;
}

Status Exchange::put_end(const TaskKey& task, const ProcessSpec& spec, TaskEnd end, Deadline deadline) {
  const auto object = [&](std::string_view name) {
    return task_object(task, fmt::format("{}/{}", end.attempt, name));
  };
  end.files.clear();
  const fs::path& made = spec.portable->makes;
  const auto put = [&](const fs::directory_entry& file) -> Status {
    const fs::path name = file.path().filename();
    std::error_code failed;
    const bool regular = file.is_regular_file(failed);
    if (failed) return system_error(failed.value(), file.path().string());
    if (!regular || std::ranges::find(spec.portable->reads, made / name) != spec.portable->reads.end())
      return ok();
    LOOM_CHECKED(storage::put_file(store_, object(fmt::to_string(end.files.size())), file.path(), deadline));
    end.files.push_back(name.string());
    return ok();
  };
  LOOM_CHECKED(for_entries(spec.portable->folder / made, put));
  LOOM_CHECKED(store_.put(object(kStderr), bytes_of(end.outcome.stderr_text), deadline));
  return store_.put(key(kDone, task), bytes_of(text_of(end)), deadline);
}

Status Exchange::remove_end(const TaskKey& task, Deadline deadline) {
  return store_.remove(key(kDone, task), deadline);
}

Result<std::optional<TaskEnd>> Exchange::find_end(const TaskKey& task, Deadline deadline) {
  const auto text = store_.get(key(kDone, task), kMostSpec, deadline);
  if (!text && text.error().code == Code::not_found) return std::nullopt;
  if (!text) return text.error();
  LOOM_TRY(TaskEnd end, parse_end(chars_of(*text)));
  return end;
}

Result<ProcessOutcome> Exchange::collect(const TaskKey& task, const ProcessSpec& spec, const TaskEnd& end,
                                         Deadline deadline) {
  if (end.error) return end.error->at("node " + end.node);
  const auto object = [&](std::string_view name) {
    return task_object(task, fmt::format("{}/{}", end.attempt, name));
  };
  ProcessOutcome outcome = end.outcome;
  for (std::size_t i = 0; i < end.files.size(); ++i)
    LOOM_CHECKED(fetch_file(object(fmt::to_string(i)),
                            spec.portable->folder / spec.portable->makes / end.files[i], deadline));
  LOOM_TRY(const auto said, store_.get(object(kStderr), spec.max_stderr_bytes * 2, deadline));
  outcome.stderr_text = moved(std::string(chars_of(said)), end.folder, spec.portable->folder.string());
  return outcome;
}

Status Exchange::withdraw(const TaskKey& task, Deadline deadline) {
  // The spec first: a worker that finds none has nothing to do.
  LOOM_CHECKED(store_.remove(task_object(task, "spec"), deadline));
  LOOM_CHECKED(remove_below(fmt::format("{}{}/", kTasks, task), deadline));
  return remove_end(task, deadline);
}

Status Exchange::remove_below(const std::string& prefix, Deadline deadline) {
  for (;;) {
    LOOM_TRY(const auto page, store_.list(prefix, "", kPage, deadline));
    for (const storage::ObjectInfo& one : page) LOOM_CHECKED(store_.remove(one.key, deadline));
    if (page.size() < kPage) return ok();
  }
}

Status Exchange::put_array(const std::string& token, const std::vector<ArrayTask>& tasks, Deadline deadline) {
  return store_.put(key(kArrays, token + "/tasks"), bytes_of(text_of(tasks)), deadline);
}

Result<std::vector<ArrayTask>> Exchange::get_array(const std::string& token, Deadline deadline) {
  LOOM_TRY(const auto bytes, store_.get(key(kArrays, token + "/tasks"), kMostSpec, deadline));
  return parse_tasks(chars_of(bytes), token);
}

Status Exchange::remove_array(const std::string& token, Deadline deadline) {
  // The tasks first: a worker that finds none has nothing to do.
  LOOM_CHECKED(store_.remove(key(kArrays, token + "/tasks"), deadline));
  return remove_below(fmt::format("{}{}/", kArrays, token), deadline);
}

Result<Claimed> Exchange::claim(const std::string& token, Claim claim, bool by_force, Deadline deadline) {
  LOOM_CHECKED(store_.put(claim_object(token, claim), {}, deadline));
  // Of two that claim at once, whoever looks last sees both.
  LOOM_TRY(const auto page,
           store_.list(fmt::format("{}{}.", claims_prefix(token), claim.line), "", 2, deadline));
  if (page.size() < 2 || by_force) return Claimed::ours;
  LOOM_CHECKED(give_up(token, claim, deadline));
  return Claimed::anothers;
}

Status Exchange::give_up(const std::string& token, Claim claim, Deadline deadline) {
  return store_.remove(claim_object(token, claim), deadline);
}

Result<std::vector<Claim>> Exchange::claims(const std::string& token, Deadline deadline) {
  LOOM_TRY(const auto names, keys_below(claims_prefix(token), deadline));
  std::vector<Claim> claims;
  for (const std::string& name : names) {
    const std::string_view text = name;
    const std::size_t dot = text.find('.');
    const auto line = number_of<std::size_t>(text.substr(0, dot));
    const auto element =
        dot == std::string_view::npos ? std::nullopt : number_of<std::size_t>(text.substr(dot + 1));
    if (!line || !element) return error(Code::corrupt, "a claim '{}'", name);
    claims.push_back({.line = *line, .element = *element});
  }
  return claims;
}

Status Exchange::note_warm(const std::string& part, const std::string& node, Deadline deadline) {
  return store_.put(key(kWarm, fmt::format("{}/{}", part, node)), {}, deadline);
}

Result<WarmParts> Exchange::warm(Deadline deadline) {
  LOOM_TRY(const auto names, keys_below(std::string(kWarm), deadline));
  WarmParts warm;
  for (const std::string& name : names) {
    const std::size_t slash = name.find('/');
    if (slash != std::string::npos) warm.emplace(name.substr(0, slash), name.substr(slash + 1));
  }
  return warm;
}

Status Exchange::forget_warm(Deadline deadline) {
  return remove_below(std::string(kWarm), deadline);
}

Status Exchange::put_lost(const LostElement& lost, Deadline deadline) {
  return store_.put(key(kLost, name_of(lost)), bytes_of(text_of(lost)), deadline);
}

Result<std::vector<LostElement>> Exchange::lost(const std::string& after, std::size_t most,
                                                Deadline deadline) {
  LOOM_TRY(const auto page,
           store_.list(kLost, after.empty() ? after : std::string(kLost) + after, most, deadline));
  std::vector<LostElement> all;
  for (const storage::ObjectInfo& one : page) {
    LOOM_TRY(const auto text, store_.get(one.key, kMostSpec, deadline));
    LOOM_TRY(LostElement lost, parse_lost(chars_of(text)));
    all.push_back(std::move(lost));
  }
  return all;
}

Status Exchange::remove_lost(const LostElement& lost, Deadline deadline) {
  return store_.remove(key(kLost, name_of(lost)), deadline);
}

Result<std::set<std::string>> Exchange::keys_below(const std::string& prefix, Deadline deadline) {
  std::set<std::string> keys;
  std::string after;
  for (;;) {
    LOOM_TRY(const auto page, store_.list(prefix, after, kPage, deadline));
    for (const storage::ObjectInfo& one : page) keys.insert(one.key.str().substr(prefix.size()));
    if (page.size() < kPage) return keys;
    after = page.back().key.str();
  }
}

Result<std::set<std::string>> Exchange::names_below(const std::string& prefix, Deadline deadline) {
  LOOM_TRY(const auto keys, keys_below(prefix, deadline));
  std::set<std::string> names;
  for (const std::string& one : keys) names.insert(one.substr(0, one.find('/')));
  return names;
}

Result<std::set<TaskKey>> Exchange::ended(Deadline deadline) {
  return names_below(std::string(kDone), deadline);
}

Result<std::set<TaskKey>> Exchange::tasks(Deadline deadline) {
  return names_below(std::string(kTasks), deadline);
}

Result<std::vector<std::string>> Exchange::arrays(Deadline deadline) {
  LOOM_TRY(const auto names, names_below(std::string(kArrays), deadline));
  return std::vector<std::string>(names.begin(), names.end());
}

}  // namespace loom::exec::slurm
