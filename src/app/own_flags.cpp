#include "app/own_flags.hpp"

#include <array>
#include <functional>

#include "base/number.hpp"
#include "blast/nearest.hpp"

namespace loom::app {

namespace {

using Set = Status (*)(OwnFlags&, std::string_view);

Result<std::uint64_t> positive(std::string_view text) {
  const auto value = number_of<std::uint64_t>(text);
  if (!value || *value == 0) return error(Code::invalid_argument, "'{}' is not a whole number above 0", text);
  return *value;
}

Result<int> count(std::string_view text, std::uint64_t most) {
  LOOM_TRY(const std::uint64_t value, positive(text));
  if (value > most) return error(Code::invalid_argument, "{} is more than {}", value, most);
  return static_cast<int>(value);
}

Status set_jobs(OwnFlags& flags, std::string_view text) {
  LOOM_TRY(flags.settings.workers, count(text, 4096));
  return ok();
}
Status set_shards(OwnFlags& flags, std::string_view text) {
  LOOM_TRY(flags.settings.shards, count(text, 4096));
  return ok();
}
Status set_batch_letters(OwnFlags& flags, std::string_view text) {
  LOOM_TRY(flags.settings.batch_letters, positive(text));
  return ok();
}
Status set_memory(OwnFlags& flags, std::string_view text) {
  constexpr std::uint64_t kLeast = std::uint64_t{16} << 20U;
  LOOM_TRY(const std::uint64_t bytes, parse_bytes(text));
  if (bytes < kLeast) {
    return error(Code::invalid_argument,
                 "'{}' is {} bytes and at least 16M are needed; did you forget the unit (16G)?", text, bytes);
  }
  flags.settings.memory_bytes = bytes;
  return ok();
}
Status set_on_saturation(OwnFlags& flags, std::string_view text) {
  if (text == "identical") {
    flags.settings.on_saturation = search::OnSaturation::identical;
  } else if (text == "complete") {
    flags.settings.on_saturation = search::OnSaturation::complete;
  } else {
    return error(Code::invalid_argument, "'{}' is neither 'identical' nor 'complete'", text);
  }
  return ok();
}
Status set_resume(OwnFlags& flags, std::string_view text) {
  if (text.empty()) return error(Code::invalid_argument, "a folder is needed");
  flags.settings.resume = text;
  return ok();
}
Status set_progress(OwnFlags& flags, std::string_view text) {
  if (text == "json") {
    flags.progress = OwnFlags::Progress::json;
  } else if (text.empty() || text == "text") {
    flags.progress = OwnFlags::Progress::text;
  } else if (text == "off") {
    flags.progress = OwnFlags::Progress::off;
  } else {
    return error(Code::invalid_argument, "'{}' is none of 'text', 'json', 'off'", text);
  }
  return ok();
}
Status set_explain(OwnFlags& flags, std::string_view text) {
  if (text == "json") {
    flags.explain = Show::json;
  } else if (text.empty() || text == "text") {
    flags.explain = Show::text;
  } else {
    return error(Code::invalid_argument, "'{}' is neither 'text' nor 'json'", text);
  }
  return ok();
}
Status set_help(OwnFlags& flags, std::string_view) {
  flags.help = true;
  return ok();
}

struct Flag {
  std::string_view name;
  bool needs_value;
  Set set;
};

constexpr std::array kFlags{
    Flag{"--jobs", true, set_jobs},
    Flag{"--shards", true, set_shards},
    Flag{"--batch-letters", true, set_batch_letters},
    Flag{"--memory", true, set_memory},
    Flag{"--on-saturation", true, set_on_saturation},
    Flag{"--resume", true, set_resume},
    Flag{"--progress", false, set_progress},
    Flag{"--explain", false, set_explain},
    Flag{"--help", false, set_help},
};

Result<const Flag*> find_flag(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Flag& flag : kFlags) {
    if (flag.name == name) return &flag;
    names.push_back(flag.name);
  }
  const auto near = blast::nearest(name, names);
  if (near) return error(Code::invalid_argument, "unknown flag {}; did you mean {}?", name, *near);
  return error(
      Code::invalid_argument,
      "unknown flag {}. Flags of BLAST+ have one dash; 'blastloom search --help' lists those with two.",
      name);
}

}  // namespace

Result<std::uint64_t> parse_bytes(std::string_view text) {
  std::string_view digits = text;
  unsigned shift = 0;
  for (const auto& [suffix, bits] : {std::pair{'K', 10U}, {'M', 20U}, {'G', 30U}, {'T', 40U}}) {
    if (!digits.empty() && (digits.back() == suffix || digits.back() == suffix + ('a' - 'A'))) {
      digits.remove_suffix(1);
      shift = bits;
      break;
    }
  }
  const auto value = positive(digits);
  if (!value || *value > (UINT64_MAX >> shift)) {
    return error(Code::invalid_argument, "'{}' is not a size like 512M or 16G", text);
  }
  return *value << shift;
}

Result<OwnFlags> take_own_flags(std::span<const std::string> args) {
  OwnFlags flags;
  for (std::size_t a = 0; a < args.size(); ++a) {
    const std::string_view arg = args[a];
    if (!arg.starts_with("--") || arg == "--") {
      flags.engine_args.emplace_back(arg);
      continue;
    }
    const std::size_t equals = arg.find('=');
    const std::string_view name = arg.substr(0, equals);
    LOOM_TRY(const Flag* flag, find_flag(name));
    std::string_view value;
    if (equals != std::string_view::npos) {
      value = arg.substr(equals + 1);
    } else if (flag->needs_value) {
      if (++a == args.size()) return error(Code::invalid_argument, "{} needs a value", name);
      value = args[a];
    }
    const Status set = flag->set(flags, value);
    if (!set) return set.error().at(name);
  }
  return flags;
}

std::string_view own_flags_help() {
  return R"(usage: blastloom search PROGRAM [BLAST+ flags] [flags of ours]

PROGRAM is one of blastn, blastp, blastx, tblastn, tblastx, psiblast, deltablast, rpsblast, rpstblastn. Its own flags
work unchanged ('blastloom search blastp -help' lists them), and so do standard input and output; -query may be gzip.
The output is byte for byte what one unsplit run of PROGRAM writes. -num_threads N means N workers in all.

  --jobs N              workers in all; default: -num_threads, else all cores
  --shards N            search the database in N parts; default: as many as memory needs
  --batch-letters N     letters per task; default: from the cost model
  --memory SIZE         memory for all workers, like 16G; default: this machine's
  --on-saturation WHAT  'identical' (default): what one unsplit run prints; 'complete': the better list that shards find
  --resume DIR          keep finished tasks in DIR and go on from there after an interruption
  --progress[=WHAT]     'text', 'json' (a line per change on stderr) or 'off'; default: text if stderr is a terminal
  --explain[=json]      print the plan and why it is so; search nothing
)";
}

}  // namespace loom::app
