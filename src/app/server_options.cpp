#include "app/server_options.hpp"

#include <charconv>
#include <functional>
#include <map>

#include "app/own_flags.hpp"

namespace loom::app {

namespace {

constexpr std::string_view kHelp =
    R"(usage: blastloom serve --data DIR [--listen HOST:PORT] [--db-path DIR[:DIR…]] …

  --data DIR            where jobs, queries and results are kept; made if it is missing
  --listen HOST:PORT    default 127.0.0.1:8765; port 0 picks a free one. The address is printed as the first
                        line and written to DIR/address. Any host but the loopback needs a token first:
                        blastloom token create NAME --role admin --data DIR
  --mirror URL          where databases are fetched from when an admin asks for it: a folder like NCBI's blast/db, or a
                        bucket like those of NCBI (default https://ftp.ncbi.nlm.nih.gov/blast/db)
  --db-path DIR[:DIR…]  folders of BLAST databases, in place of the environment variable BLASTDB
  --objects files:DIR|azure:CONTAINER
                        where queries and results are kept; default: files:DATA/objects. For azure the account is
                        AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN of the environment, or
  --azure-account-file FILE
                        lines 'account = …', 'key = …' or 'sas = …', 'endpoint = …', 'ca-file = …'; readable by you only
  --azure-plain-http    allow an http:// endpoint on another machine: everything then travels unencrypted
  --redis URL           tell all job events to a Redis stream too: redis://HOST[:PORT][/DATABASE] or unix:/PATH; its
                        password, if it has one, is BLASTLOOM_REDIS_PASSWORD of the environment
  --cores N             cores to use in all; default: all
  --memory SIZE         memory for the databases of all that runs at once; default: the machine's. With --slurm: of
                        each node; default: enough
  --retention-days N    remove jobs N days after they ended; default: never
  --retention-size SIZE keep at most that much of queries and results: the jobs that ended first go; default: all
  --reuse-size SIZE     keep at most that much of what searches wrote, for those who ask the same again: they are answered
                        without a search, byte for byte; 0 keeps nothing; default: 1G
  --weight OWNER=N      share of the cores that OWNER gets beside others, 0.01 to 100; default: 1. May be repeated
  --log-level LEVEL     debug, info, warning or error: least of the lines on standard error; default: info
  --slurm               run tasks as array jobs of Slurm (sbatch, squeue, scancel), not on this machine; so does each
                        of these. Nodes need this program, BLAST+ and the databases under the same paths as here, and
                        reach --objects
  --slurm-partition NAME, --slurm-account NAME, --slurm-qos NAME, --slurm-constraint LIST
                        what tasks are submitted with; default: Slurm's
  --slurm-option ARG    one more argument of sbatch, as --slurm-option=--nice=100. May be repeated
  --slurm-memory SIZE   memory of a task; one that runs out of it is run again with twice as much, up to 16 times;
                        default: the partition's
  --slurm-minutes N     time limit of a task; one that reaches it is run again with twice as much, up to 16 times;
                        default: the partition's
  --slurm-outstanding N tasks in Slurm at once, of all jobs, each on one core; default: 256
  --slurm-stage DIR     copy databases to this folder of each node's own disk, once a node, and search them there
  --slurm-stage-size SIZE
                        keep at most that much there; what nobody reads goes, the longest unused first; default: 100G
  --slurm-poll SECONDS  between questions to Slurm; default: 5
  --no-coalesce         do not let small searches of several jobs share one engine run
)";

template <class Int>
Result<Int> number(const std::string& flag, const std::string& text, Int least, Int most) {
  Int value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed == std::errc{} && end == text.data() + text.size() && value >= least && value <= most)
    return value;
  return error(Code::invalid_argument, "{}: a number from {} to {} is needed, not '{}'", flag, least, most,
               text);
}

Status set_listen(ServerOptions& options, const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos)
    return error(Code::invalid_argument, "--listen: HOST:PORT is needed, not '{}'", text);
  options.host = text.substr(0, colon);
  if (options.host.starts_with('[') && options.host.ends_with(']'))
    options.host = options.host.substr(1, options.host.size() - 2);
  LOOM_TRY(options.port, number<std::uint16_t>("--listen", text.substr(colon + 1), 0, 65535));
  return ok();
}

Status set_weight(ServerOptions& options, const std::string& text) {
  constexpr double kLeast = 0.01;
  constexpr double kMost = 100;
  const std::size_t equals = text.rfind('=');
  double weight = 0;
  const char* const end = text.data() + text.size();
  const auto read = equals == std::string::npos ? std::from_chars_result{end, std::errc::invalid_argument}
                                                : std::from_chars(text.data() + equals + 1, end, weight);
  if (read.ec != std::errc{} || read.ptr != end || equals == 0 || weight < kLeast || weight > kMost)
    return error(Code::invalid_argument, "--weight: OWNER=N is needed, N from {} to {}, not '{}'", kLeast,
                 kMost, text);
  options.weights[text.substr(0, equals)] = weight;
  return ok();
}

Status set_slurm_flag(SlurmOptions& slurm, const std::string& flag, const std::string& value) {
  const std::map<std::string, std::string*> texts{{"--slurm-partition", &slurm.partition},
                                                  {"--slurm-account", &slurm.account},
                                                  {"--slurm-qos", &slurm.qos},
                                                  {"--slurm-constraint", &slurm.constraint}};
  if (const auto text = texts.find(flag); text != texts.end()) {
    *text->second = value;
  } else if (flag == "--slurm-option") {
    slurm.extra.push_back(value);
  } else if (flag == "--slurm-stage") {
    slurm.stage = value;
  } else if (flag == "--slurm-stage-size") {
    LOOM_TRY(slurm.stage_bytes, parse_bytes(value));
  } else if (flag == "--slurm-memory") {
    LOOM_TRY(slurm.memory_bytes, parse_bytes(value));
  } else if (flag == "--slurm-minutes") {
    LOOM_TRY(slurm.minutes, number(flag, value, 1, 1'000'000));
  } else if (flag == "--slurm-outstanding") {
    LOOM_TRY(slurm.outstanding, number(flag, value, 1, 4096));
  } else if (flag == "--slurm-poll") {
    LOOM_TRY(slurm.poll_seconds, number(flag, value, 1, 600));
  } else {
    return error(Code::invalid_argument, "serve has no flag '{}'; see blastloom serve --help", flag);
  }
  return ok();
}

Status set_flag(ServerOptions& options, const std::string& flag, const std::string& value) {
  if (flag == "--data") {
    options.data = value;
  } else if (flag == "--listen") {
    return set_listen(options, value);
  } else if (flag == "--mirror") {
    options.mirror = value;
  } else if (flag == "--db-path") {
    options.db_path = value;
  } else if (flag == "--objects") {
    const bool known = (value.starts_with("files:") || value.starts_with("azure:")) && value.size() > 6;
    if (!known)
      return error(Code::invalid_argument, "--objects: files:DIR or azure:CONTAINER is needed, not '{}'",
                   value);
    options.objects = value;
  } else if (flag == "--azure-account-file") {
    options.azure_account_file = value;
  } else if (flag == "--redis") {
    options.redis = value;
  } else if (flag == "--cores") {
    LOOM_TRY(options.cores, number(flag, value, 1, 4096));
  } else if (flag == "--memory") {
    LOOM_TRY(options.memory_bytes, parse_bytes(value));
  } else if (flag == "--retention-days") {
    LOOM_TRY(options.retention_days, number(flag, value, 1, 36500));
  } else if (flag == "--retention-size") {
    LOOM_TRY(options.retention_bytes, parse_bytes(value));
  } else if (flag == "--reuse-size") {
    if (value == "0") {
      options.reuse_bytes = 0;
    } else {
      LOOM_TRY(options.reuse_bytes, parse_bytes(value));
    }
  } else if (flag == "--weight") {
    return set_weight(options, value);
  } else if (flag == "--log-level") {
    const auto level = log::parse_level(value);
    if (!level)
      return error(Code::invalid_argument, "--log-level: debug, info, warning or error, not '{}'", value);
    options.log_level = *level;
  } else if (flag.starts_with("--slurm-")) {
    if (!options.slurm) options.slurm.emplace();
    return set_slurm_flag(*options.slurm, flag, value);
  } else {
    return error(Code::invalid_argument, "serve has no flag '{}'; see blastloom serve --help", flag);
  }
  return ok();
}

}  // namespace

Result<ServerOptions> parse_server_options(std::span<const std::string> args) {
  ServerOptions options;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "--no-coalesce") {
      options.coalesce = false;
      continue;
    }
    if (args[i] == "--slurm") {
      if (!options.slurm) options.slurm.emplace();
      continue;
    }
    if (args[i] == "--azure-plain-http") {
      options.azure_plain_http = true;
      continue;
    }
    const std::size_t equals = args[i].find('=');
    const std::string flag = args[i].substr(0, equals);
    if (equals == std::string::npos && i + 1 == args.size())
      return error(Code::invalid_argument, "{}: a value is needed; see blastloom serve --help", flag);
    LOOM_CHECKED(
        set_flag(options, flag, equals == std::string::npos ? args[++i] : args[i].substr(equals + 1)));
  }
  if (options.data.empty())
    return error(Code::invalid_argument, "serve needs --data DIR, the folder where everything is kept");
  return options;
}

std::string_view server_help() {
  return kHelp;
}

}  // namespace loom::app
