#include "app/settings.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <vector>

#include "app/own_flags.hpp"
#include "base/number.hpp"
#include "blast/nearest.hpp"
#include "events/redis/connection.hpp"
#include "storage/azure/account.hpp"

namespace loom::app {

namespace {

template <class Int>
Result<Int> number(const std::string& text, Int least, Int most) {
  const auto value = number_of<Int>(text);
  if (value && *value >= least && *value <= most) return *value;
  return error(Code::invalid_argument, "a number from {} to {} is needed, not '{}'", least, most, text);
}

Status set_yes_no(bool& option, const std::string& text) {
  const bool yes = text == "yes" || text == "true";
  if (!yes && text != "no" && text != "false")
    return error(Code::invalid_argument, "yes or no is needed, not '{}'", text);
  option = yes;
  return ok();
}

template <class Value>
Value& member(ServerOptions& options, Value ServerOptions::* of) {
  return options.*of;
}
template <class Value>
Value& member(ServerOptions& options, Value SlurmOptions::* of) {
  return options.slurm.*of;
}

template <auto kMember>
Status set_text(ServerOptions& options, const std::string& text) {
  if (text.empty()) return error(Code::invalid_argument, "a value is needed");
  member(options, kMember) = text;
  return ok();
}
template <auto kMember>
Status set_yes(ServerOptions& options, const std::string& text) {
  return set_yes_no(member(options, kMember), text);
}
template <auto kMember>
Status set_bytes(ServerOptions& options, const std::string& text) {
  LOOM_TRY(member(options, kMember), parse_bytes(text));
  return ok();
}
template <auto kMember, int kLeast, int kMost>
Status set_number(ServerOptions& options, const std::string& text) {
  LOOM_TRY(member(options, kMember), number(text, kLeast, kMost));
  return ok();
}

template <auto kMember, int kMost>
Status set_snapshots(ServerOptions& options, const std::string& text) {
  LOOM_TRY(options.snapshots.*kMember, number(text, 1, kMost));
  return ok();
}

/// 0 is no limit.
template <auto kMember, std::uint64_t kMost>
Status set_limit(ServerOptions& options, const std::string& text) {
  LOOM_TRY((options.limits.*kMember).most, number<std::uint64_t>(text, 0, kMost));
  return ok();
}
template <auto kMember>
Status set_limit_bytes(ServerOptions& options, const std::string& text) {
  std::uint64_t& most = (options.limits.*kMember).most;
  if (text == "0") {
    most = 0;
    return ok();
  }
  LOOM_TRY(most, parse_bytes(text));
  return ok();
}
/// Of what is held in memory, so that there must be a limit.
template <auto kMember, std::uint64_t kLeast, std::uint64_t kMost>
Status set_held_bytes(ServerOptions& options, const std::string& text) {
  LOOM_TRY(const std::uint64_t bytes, parse_bytes(text));
  if (bytes < kLeast || bytes > kMost)
    return error(Code::invalid_argument, "'{}' is {} bytes; {} to {} are possible", text, bytes, kLeast,
                 kMost);
  (options.limits.*kMember).most = bytes;
  return ok();
}

Status set_azure(ServerOptions& options, const char* part, const std::string& text) {
  options.azure[part] = text;
  return ok();
}

Status set_azure_account(ServerOptions& options, const std::string& text) {
  LOOM_CHECKED(storage::azure::check_account_name(text));
  return set_azure(options, "account", text);
}

/// A signature in it would be a secret at a place where none is kept.
Status set_azure_endpoint(ServerOptions& options, const std::string& text) {
  if (text.find_first_of("@?#") != std::string::npos)
    return error(Code::invalid_argument,
                 "a user, a query or a fragment belongs elsewhere (not shown: it may be secret)");
  return set_azure(options, "endpoint", text);
}

Status set_redis(ServerOptions& options, const std::string& text) {
  LOOM_CHECKED(events::redis::parse_url(text));
  options.redis = text;
  return ok();
}

Status set_listen(ServerOptions& options, const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return error(Code::invalid_argument, "HOST:PORT is needed, not '{}'", text);
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  LOOM_TRY(options.port, number<std::uint16_t>(text.substr(colon + 1), 0, 65535));
  options.host = std::move(host);
  return ok();
}

Status set_objects(ServerOptions& options, const std::string& text) {
  const bool known = (text.starts_with("files:") || text.starts_with("azure:")) && text.size() > 6;
  if (!known) return error(Code::invalid_argument, "files:DIR or azure:CONTAINER is needed, not '{}'", text);
  if (text.starts_with("azure:"))
    LOOM_CHECKED(storage::azure::check_container_name(std::string_view(text).substr(6)));
  options.objects = text;
  return ok();
}

Status set_weight(ServerOptions& options, const std::string& text) {
  constexpr double kLeast = 0.01;
  constexpr double kMost = 100;
  const std::size_t equals = text.rfind('=');
  const auto weight = equals == std::string::npos
                          ? std::nullopt
                          : number_of<double>(std::string_view(text).substr(equals + 1));
  if (!weight || equals == 0 || !(*weight >= kLeast && *weight <= kMost))  // NaN is out of every range
    return error(Code::invalid_argument, "OWNER=N is needed, N from {} to {}, not '{}'", kLeast, kMost, text);
  options.weights[text.substr(0, equals)] = *weight;
  return ok();
}

/// Options of sbatch that make out a task, or that its server needs as they are.
constexpr std::array<std::string_view, 18> kOwned{
    "array",    "chdir", "clusters",   "comment", "export",   "get-user-env", "help",      "hold", "input",
    "job-name", "nodes", "no-requeue", "ntasks",  "parsable", "requeue",      "test-only", "wait", "wrap"};

/// sbatch takes abbreviations.
bool is_owned(std::string_view name) {
  return std::ranges::any_of(kOwned, [&](auto owned) { return owned.starts_with(name); });
}

/// "NAME=VALUE" or "NAME", with its dashes or without.
Status set_slurm_option(ServerOptions& options, const std::string& text) {
  const std::size_t begin = std::min(text.find_first_not_of('-'), text.size());
  const std::size_t equals = std::min(text.find('='), text.size());
  if (begin >= equals || begin == 1)
    return error(Code::invalid_argument, "a long option of sbatch is needed, NAME=VALUE, not '{}'", text);
  const std::string_view name = std::string_view(text).substr(begin, equals - begin);
  if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string_view::npos)
    return error(Code::invalid_argument, "a long option of sbatch has a-z, 0-9 and '-', not '{}'", name);
  if (is_owned(name))
    return error(Code::invalid_argument, "'{}' is the server's own: it knows its tasks by such options",
                 name);
  options.slurm.extra[text.substr(begin, equals - begin)] = text.substr(std::min(equals + 1, text.size()));
  return ok();
}

Status set_reuse(ServerOptions& options, const std::string& text) {
  options.reuse_bytes = 0;
  if (text == "0") return ok();
  return set_bytes<&ServerOptions::reuse_bytes>(options, text);
}

Status set_log_level(ServerOptions& options, const std::string& text) {
  const auto level = log::parse_level(text);
  if (!level) return error(Code::invalid_argument, "debug, info, warning or error is needed, not '{}'", text);
  options.log_level = *level;
  return ok();
}

constexpr std::array kSettings{
    Setting{"data", Kind::path, "DIR", "(none)", "must be given",
            "Where jobs, queries and results are kept; made if it is missing.",
            set_text<&ServerOptions::data>},
    Setting{"listen", Kind::text, "HOST:PORT", "127.0.0.1:8765", "port 0 picks a free one",
            "The address is printed as the first line and written to DATA/address. Any host but the loopback "
            "needs a token first: blastloom token create NAME --role admin --data DIR",
            set_listen},
    Setting{"read-only", Kind::yes_no, "", "no", "",
            "Only show what is in DATA, beside the server that owns it, on the same machine: everything is "
            "answered but what would change something. With redis, what happens there is told here at once; "
            "else, and while Redis is away, within a second.",
            set_yes<&ServerOptions::read_only>},
    Setting{"db-path", Kind::paths, "DIR[:DIR…]", "(the variable BLASTDB)", "",
            "Folders of BLAST databases. May be repeated.", set_text<&ServerOptions::db_path>},
    Setting{"streams", Kind::number, "N", "64", "1 to 4096",
            "Downloads of results and sequences at once; more wait 5 s, then are told to come back.",
            set_number<&ServerOptions::streams, 1, 4096>},
    Setting{"limit-header", Kind::size, "SIZE", "16K", "4K to 1M", "The longest header of a request.",
            set_held_bytes<&service::Limits::header_bytes, 4U << 10U, 1U << 20U>},
    Setting{"limit-body", Kind::size, "SIZE", "32M", "64K to 1G",
            "The longest body of a request that is held in memory, as uploaded files are not.",
            set_held_bytes<&service::Limits::body_bytes, 64U << 10U, 1U << 30U>},
    Setting{"limit-upload", Kind::size, "SIZE", "4G", "0 is no limit",
            "The largest query and the largest result that is imported, as sent and unpacked.",
            set_limit_bytes<&service::Limits::upload_bytes>},
    Setting{"limit-queries", Kind::number, "N", "1000000", "0 (no limit) to 1000000000", "Queries in a job.",
            set_limit<&service::Limits::queries, 1'000'000'000>},
    Setting{"limit-letters", Kind::number, "N", "4000000000", "0 (no limit) to 1000000000000000",
            "Letters of all queries in a job.", set_limit<&service::Limits::letters, 1'000'000'000'000'000>},
    Setting{"limit-jobs-per-caller", Kind::number, "N", "10000", "0 (no limit) to 1000000000",
            "Unfinished jobs of one caller; who has as many submits no more.",
            set_limit<&service::Limits::jobs_per_caller, 1'000'000'000>},
    Setting{"limit-jobs", Kind::number, "N", "100000", "0 (no limit) to 1000000000",
            "Unfinished jobs of all callers.", set_limit<&service::Limits::jobs, 1'000'000'000>},
    Setting{"mirror", Kind::text, "URL", "https://ftp.ncbi.nlm.nih.gov/blast/db", "",
            "Where databases are fetched from when an admin asks for it: a folder like NCBI's blast/db, or a "
            "bucket like those of NCBI.",
            set_text<&ServerOptions::mirror>},
    Setting{"import-dir", Kind::path, "DIR", "(none)", "",
            "Admins may build databases from files below DIR, and take in BLAST databases there.",
            set_text<&ServerOptions::import_dir>},
    Setting{"cores", Kind::number, "N", "(all)", "1 to 4096", "Cores to use in all.",
            set_number<&ServerOptions::cores, 1, 4096>},
    Setting{"memory", Kind::size, "SIZE", "(the machine's)", "from 1 byte",
            "Memory for the databases of all that runs at once.", set_bytes<&ServerOptions::memory_bytes>},
    Setting{"weight", Kind::by_name, "OWNER=N", "(1 each)", "0.01 to 100",
            "Share of the cores that OWNER gets beside others. May be repeated.", set_weight},
    Setting{"coalesce", Kind::yes_no, "", "yes", "",
            "Let small searches of several jobs share one engine run.", set_yes<&ServerOptions::coalesce>},
    Setting{"retention-days", Kind::number, "N", "(never)", "1 to 36500",
            "Remove jobs N days after they ended.", set_number<&ServerOptions::retention_days, 1, 36500>},
    Setting{"retention-size", Kind::size, "SIZE", "(all)", "from 1 byte",
            "Keep at most that much of queries and results: the jobs that ended first go.",
            set_bytes<&ServerOptions::retention_bytes>},
    Setting{
        "keep-snapshots", Kind::number, "N", "(all)", "1 to 100000",
        "Of each database that the server keeps, its newest N snapshots stay and older ones go, unless it is "
        "the current one or an unfinished job needs it.",
        set_snapshots<&service::SnapshotLimits::keep, 100000>},
    Setting{"keep-snapshots-days", Kind::number, "D", "(no age)", "1 to 36500",
            "Snapshots younger than D days stay too; given alone, older ones go.",
            set_snapshots<&service::SnapshotLimits::days, 36500>},
    Setting{
        "reuse-size", Kind::size, "SIZE", "1G", "0 keeps nothing",
        "Keep at most that much of what searches wrote, for those who ask the same again: they are answered "
        "without a search, byte for byte.",
        set_reuse},
    Setting{"objects", Kind::text, "files:DIR|azure:CONTAINER", "files:DATA/objects", "",
            "Where large queries and results are kept.", set_objects},
    Setting{"azure-account-file", Kind::path, "FILE", "(none)", "readable by its owner only",
            "The account, in lines 'account = …', 'key = …' or 'sas = …', 'endpoint = …', 'ca-file = …', in "
            "place of the five settings below.",
            set_text<&ServerOptions::azure_account_file>},
    Setting{"azure-account", Kind::text, "NAME", "(none)", "3 to 24 of a-z and 0-9", "The storage account.",
            set_azure_account, "AZURE_STORAGE_ACCOUNT"},
    Setting{"azure-key", Kind::text, "KEY", "(none)", "", "An account key.",
            [](ServerOptions& options, const std::string& text) { return set_azure(options, "key", text); },
            "AZURE_STORAGE_KEY", true},
    Setting{
        "azure-sas", Kind::text, "TOKEN", "(none)", "",
        "In place of the key: a shared access signature for the container that may read, add, create, write, "
        "delete and list.",
        [](ServerOptions& options, const std::string& text) { return set_azure(options, "sas", text); },
        "AZURE_STORAGE_SAS_TOKEN", true},
    Setting{"azure-endpoint", Kind::text, "URL", "https://ACCOUNT.blob.core.windows.net", "",
            "The blob service.", set_azure_endpoint},
    Setting{
        "azure-ca-file", Kind::path, "FILE", "(the machine's)", "",
        "PEM of the certificate authorities to trust.",
        [](ServerOptions& options, const std::string& text) { return set_azure(options, "ca-file", text); }},
    Setting{"azure-plain-http", Kind::yes_no, "", "no", "",
            "Allow an http:// endpoint on another machine: everything then travels unencrypted.",
            set_yes<&ServerOptions::azure_plain_http>},
    Setting{"redis", Kind::text, "URL", "(none)", "redis://HOST[:PORT][/DATABASE] or unix:/PATH",
            "Tell job events and changes of databases to other processes through this Redis.", set_redis},
    Setting{"redis-password",
            Kind::text,
            "WORD",
            "(none)",
            "",
            "What that Redis asks for.",
            set_text<&ServerOptions::redis_password>,
            {},
            true},
    Setting{
        "slurm", Kind::yes_no, "", "no", "",
        "Run tasks as array jobs of Slurm (sbatch, squeue, scancel), not on this machine. Nodes need this "
        "program, BLAST+ and the databases under the same paths as here, and reach the object store. "
        "`memory` "
        "is then that of each node, and there is enough when none is given.",
        set_yes<&SlurmOptions::on>},
    Setting{"slurm-partition", Kind::text, "NAME", "(Slurm's)", "", "Partition of the tasks.",
            set_text<&SlurmOptions::partition>},
    Setting{"slurm-account", Kind::text, "NAME", "(Slurm's)", "", "Account that they are charged to.",
            set_text<&SlurmOptions::account>},
    Setting{"slurm-qos", Kind::text, "NAME", "(Slurm's)", "", "Their quality of service.",
            set_text<&SlurmOptions::qos>},
    Setting{"slurm-constraint", Kind::text, "LIST", "(none)", "", "Features that their nodes need.",
            set_text<&SlurmOptions::constraint>},
    Setting{"slurm-option", Kind::by_name, "NAME=VALUE", "(none)", "",
            "One more long option of sbatch. May be repeated.", set_slurm_option},
    Setting{"slurm-memory", Kind::size, "SIZE", "(the partition's)", "from 1 byte",
            "Memory of a task; one that runs out of it is run again with twice as much, up to 16 times.",
            set_bytes<&SlurmOptions::memory_bytes>},
    Setting{"slurm-minutes", Kind::number, "N", "(the partition's)", "1 to 1000000",
            "Time limit of a task; one that reaches it is run again with twice as much, up to 16 times.",
            set_number<&SlurmOptions::minutes, 1, 1'000'000>},
    Setting{"slurm-outstanding", Kind::number, "N", "256", "1 to 4096",
            "Tasks in Slurm at once, of all jobs, each on one core.",
            set_number<&SlurmOptions::outstanding, 1, 4096>},
    Setting{
        "slurm-stage", Kind::path, "DIR", "(none)", "",
        "Copy databases to this folder of each node's own disk, once a node, and search them there. %N in it "
        "stands for the node's name.",
        set_text<&SlurmOptions::stage>},
    Setting{"slurm-stage-size", Kind::size, "SIZE", "100G", "from 1 byte",
            "Keep at most that much there; what nobody reads goes, the longest unused first.",
            set_bytes<&SlurmOptions::stage_bytes>},
    Setting{"slurm-poll", Kind::number, "SECONDS", "5", "1 to 600", "Time between questions to Slurm.",
            set_number<&SlurmOptions::poll_seconds, 1, 600>},
    Setting{"log-level", Kind::text, "LEVEL", "info", "debug, info, warning or error",
            "Least of the lines on standard error.", set_log_level},
};

constexpr std::size_t kIndent = 24;
constexpr std::size_t kWidth = 118;

/// `text` in lines that begin under each other.
void wrap(std::string& out, std::string_view text) {
  std::size_t column = kIndent;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    const std::string_view word = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (column + word.size() > kWidth) {
      out += "\n" + std::string(kIndent, ' ');
      column = kIndent;
    } else if (column > kIndent) {
      out += ' ';
    }
    out += word;
    column += word.size() + 1;
  }
  out += '\n';
}

/// Defaults are values, or words in parentheses.
std::string_view words_of(std::string_view otherwise) {
  if (otherwise.starts_with('(')) return otherwise.substr(1, otherwise.size() - 2);
  return otherwise;
}

std::string flag_of(const Setting& setting) {
  if (setting.secret) return {};
  if (setting.kind == Kind::yes_no && setting.otherwise == "yes") return fmt::format("--no-{}", setting.name);
  return fmt::format("--{}{}{}", setting.name, setting.value.empty() ? "" : " ", setting.value);
}

/// A '|' ends a cell.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string_view name(Kind kind) {
  constexpr std::array<std::string_view, 7> kNames{"text", "path",      "paths",  "number",
                                                   "size", "yes or no", "by name"};
  return kNames.at(static_cast<std::size_t>(kind));
}

std::span<const Setting> settings() {
  return kSettings;
}

Result<const Setting*> find_setting(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Setting& setting : kSettings) {
    if (setting.name == name) return &setting;
    names.push_back(setting.name);
  }
  const auto near = blast::nearest(name, names);
  if (near) return error(Code::invalid_argument, "there is no setting '{}'; did you mean '{}'?", name, *near);
  return error(Code::invalid_argument, "there is no setting '{}'; 'blastloom config' lists all", name);
}

std::string variable_of(const Setting& setting) {
  if (!setting.variable.empty()) return std::string(setting.variable);
  std::string name = "BLASTLOOM_";
  for (const char c : setting.name)
    name += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return name;
}

std::string settings_help() {
  std::string out;
  for (const Setting& setting : kSettings) {
    const std::string flag = flag_of(setting);
    if (flag.empty()) continue;
    out += "  " + flag;
    // Letters beyond ASCII take more bytes than columns.
    const std::size_t columns = 2 + flag.size() - (flag.find("…") == std::string::npos ? 0 : 2);
    out += columns + 1 < kIndent ? std::string(kIndent - columns, ' ') : "\n" + std::string(kIndent, ' ');
    std::string about(setting.about);
    if (about.ends_with('.')) about.pop_back();
    if (!setting.allowed.empty()) about += fmt::format("; {}", setting.allowed);
    wrap(out, fmt::format("{} (default: {})", about, words_of(setting.otherwise)));
  }
  return out;
}

std::string settings_table() {
  std::string out =
      "| key | flag | environment | type | default | allowed | is |\n|---|---|---|---|---|---|---|\n";
  for (const Setting& setting : kSettings) {
    const std::string flag = flag_of(setting);
    const bool value = !setting.otherwise.starts_with('(');
    fmt::format_to(std::back_inserter(out), "| `{}` | {} | `{}` | {}{} | {}{}{} | {} | {} |\n", setting.name,
                   flag.empty() ? "none" : "`" + cell(flag) + "`", variable_of(setting), name(setting.kind),
                   setting.secret ? ", secret" : "", value ? "`" : "", words_of(setting.otherwise),
                   value ? "`" : "", setting.allowed, setting.about);
  }
  return out;
}

}  // namespace loom::app
