#include "exec/slurm/records.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/algorithm/string/replace.hpp>
#include <boost/json.hpp>
#include <type_traits>

namespace loom::exec::slurm {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

/// What BLAST+ reads from the environment, and a worker's own need not have. Never our secrets.
std::vector<std::string> engine_environment(const std::vector<std::string>& own) {
  constexpr std::array<std::string_view, 6> kPrefixes{
      "BLAST", "NCBI", "BATCH_SIZE=", "CHUNK_SIZE=", "LANG=", "LC_"};
  std::vector<std::string> all = own;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const bool ours = text.starts_with("BLASTLOOM_");
    const bool wanted = std::ranges::any_of(kPrefixes, [&](auto prefix) { return text.starts_with(prefix); });
    if (ours || !wanted) continue;
    const std::string_view name = text.substr(0, text.find('=') + 1);
    if (std::ranges::none_of(own, [&](const std::string& one) { return one.starts_with(name); }))
      all.emplace_back(text);
  }
  return all;
}

json::array texts(const auto& values) {
  json::array array;
  for (const auto& value : values) array.emplace_back(json::string(std::string_view(std::string(value))));
  return array;
}

/// Only a name below a folder: what comes from a store must not lead out of it.
Result<fs::path> inner_path(const json::value& value) {
  fs::path path(std::string(value.as_string()));
  if (path.empty() || path.is_absolute() || std::ranges::find(path, "..") != path.end())
    return error(Code::corrupt, "a task names the file {}, which is not in its folder", path.string());
  return path;
}

Result<std::vector<fs::path>> inner_paths(const json::value& value) {
  std::vector<fs::path> paths;
  for (const json::value& one : value.as_array()) {
    LOOM_TRY(fs::path path, inner_path(one));
    paths.push_back(std::move(path));
  }
  return paths;
}

std::string word_in(const json::value& object, const char* field) {
  return std::string(object.at(field).as_string());
}

Result<ProcessSpec> spec_in(const json::value& value, const fs::path& folder) {
  const std::string from = word_in(value, "folder");
  const auto here = [&](const json::value& one) {
    return moved(std::string(one.as_string()), from, folder.string());
  };
  ProcessSpec spec;
  for (const json::value& one : value.at("argv").as_array()) spec.argv.push_back(here(one));
  for (const json::value& one : value.at("environment").as_array()) spec.environment.push_back(here(one));
  spec.working_dir = here(value.at("working_dir"));
  spec.max_stderr_bytes = value.at("max_stderr_bytes").to_number<std::size_t>();
  spec.portable.emplace();
  spec.portable->folder = folder;
  spec.portable->threads = value.at("threads").to_number<int>();
  LOOM_TRY(spec.portable->reads, inner_paths(value.at("reads")));
  LOOM_TRY(spec.portable->makes, inner_path(value.at("makes")));
  return spec;
}

Result<TaskEnd> end_in(const json::value& value) {
  const auto micros = [&](const char* field) {
    return std::chrono::microseconds(value.at(field).to_number<std::int64_t>());
  };
  TaskEnd end;
  end.outcome.exit_code = value.at("exit_code").to_number<int>();
  end.outcome.signal = value.at("signal").to_number<int>();
  end.outcome.wall = micros("wall_us");
  end.outcome.cpu = micros("cpu_us");
  end.node = word_in(value, "node");
  end.attempt = word_in(value, "attempt");
  end.folder = word_in(value, "folder");
  LOOM_TRY(const auto files, inner_paths(value.at("files")));
  for (const fs::path& file : files) end.files.push_back(file.string());
  if (const json::value* peak = value.as_object().if_contains("peak_rss_bytes"))
    end.outcome.peak_rss_bytes = peak->to_number<std::uint64_t>();
  const auto told = [&](const char* message, const char* code) -> std::optional<Error> {
    if (!value.as_object().contains(message)) return std::nullopt;
    return Error{parse_code(word_in(value, code)).value_or(Code::internal), word_in(value, message)};
  };
  end.error = told("error", "code");
  end.not_staged = told("not_staged", "not_staged_code");
  return end;
}

Result<LostElement> lost_in(const json::value& value) {
  return LostElement{
      .token = word_in(value, "token"),
      .index = value.at("index").to_number<std::size_t>(),
      .slurm_id = word_in(value, "slurm_id"),
      .key = word_in(value, "task"),
      .folder = word_in(value, "folder"),
      .at = std::chrono::sys_seconds(std::chrono::seconds(value.at("at").to_number<std::int64_t>()))};
}

/// What `take` gives for the JSON of `what`.
template <class Take>
auto parse(std::string_view what, std::string_view text, Take take)
    -> std::invoke_result_t<Take, const json::value&> {
  try {
    return take(json::parse({text.data(), text.size()}));
  } catch (const std::exception& e) {
    return error(Code::corrupt, "{}: {}", what, e.what());
  }
}

}  // namespace

std::string moved(std::string text, std::string_view from, std::string_view to) {
  boost::replace_all(text, from, to);
  return text;
}

bool is_utf8(std::string_view text) {
  boost::system::error_code failed;
  json::parse(json::serialize(json::string(text)), failed);
  return !failed;
}

std::string text_of(const ProcessSpec& spec) {
  std::error_code failed;
  const fs::path here = fs::current_path(failed);
  return json::serialize(
      json::object{{"argv", texts(spec.argv)},
                   {"environment", texts(engine_environment(spec.environment))},
                   {"working_dir", (spec.working_dir.empty() ? here : spec.working_dir).string()},
                   {"folder", spec.portable->folder.string()},
                   {"reads", texts(spec.portable->reads)},
                   {"makes", spec.portable->makes.string()},
                   {"threads", spec.portable->threads},
                   {"max_stderr_bytes", spec.max_stderr_bytes}});
}

Result<ProcessSpec> parse_spec(std::string_view text, const fs::path& folder) {
  return parse("the description of a task", text,
               [&](const json::value& value) { return spec_in(value, folder); });
}

std::string text_of(const TaskEnd& end) {
  const auto micros = [](Duration time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  };
  json::object object{{"exit_code", end.outcome.exit_code},
                      {"signal", end.outcome.signal},
                      {"wall_us", micros(end.outcome.wall)},
                      {"cpu_us", micros(end.outcome.cpu)},
                      {"node", end.node},
                      {"attempt", end.attempt},
                      {"files", texts(end.files)},
                      {"folder", end.folder}};
  if (end.outcome.peak_rss_bytes) object["peak_rss_bytes"] = *end.outcome.peak_rss_bytes;
  if (end.error) {
    object["error"] = end.error->message;
    object["code"] = std::string(name(end.error->code));
  }
  if (end.not_staged) {
    object["not_staged"] = end.not_staged->message;
    object["not_staged_code"] = std::string(name(end.not_staged->code));
  }
  return json::serialize(object);
}

Result<TaskEnd> parse_end(std::string_view text) {
  return parse("the end of a task", text, end_in);
}

std::string text_of(const std::vector<ArrayTask>& tasks) {
  std::string text;
  for (const ArrayTask& task : tasks) text += fmt::format("{} {}\n", task.key, task.part);
  return text;
}

Result<std::vector<ArrayTask>> parse_tasks(std::string_view text, const std::string& token) {
  std::vector<ArrayTask> tasks;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::size_t blank = line.find(' ');
    if (blank == std::string_view::npos || line.size() == text.size())
      return error(Code::corrupt, "the tasks of the array {}", token);
    tasks.push_back({std::string(line.substr(0, blank)), std::string(line.substr(blank + 1))});
    text.remove_prefix(line.size() + 1);
  }
  return tasks;
}

std::string text_of(const LostElement& lost) {
  return json::serialize(json::object{{"token", lost.token},
                                      {"index", lost.index},
                                      {"slurm_id", lost.slurm_id},
                                      {"task", lost.key},
                                      {"folder", lost.folder},
                                      {"at", lost.at.time_since_epoch().count()}});
}

Result<LostElement> parse_lost(std::string_view text) {
  return parse("a lost element", text, lost_in);
}

}  // namespace loom::exec::slurm
