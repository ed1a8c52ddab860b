#include "app/client_command.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <filesystem>
#include <map>
#include <optional>
#include <vector>

#include "app/client_session.hpp"
#include "app/flags.hpp"
#include "app/hits_view.hpp"
#include "app/query_form.hpp"
#include "app/signals.hpp"
#include "base/atomic_file.hpp"
#include "base/fd.hpp"
#include "base/random.hpp"
#include "base/text.hpp"
#include "blast/options.hpp"
#include "http/client.hpp"

namespace loom::app {

namespace {

namespace json = boost::json;
using boost::beast::http::verb;

constexpr std::array<std::string_view, 11> kCommands{
    "submit", "list", "status", "watch", "wait", "results", "cancel", "retry", "explain", "delete", "import"};
constexpr std::string_view kClientUsage =
    R"(usage: blastloom submit PROGRAM [BLAST+ flags] [--title T] [--priority N] [--fresh]
                      [--on-saturation WHAT] [--idempotency-key KEY] [--json]
       blastloom list [--status S] [--program P] [--database D] [--owner O] [--text WORDS] [--since TIME]
                      [--limit N] [--cursor C] [--all] [--json]
       blastloom status|explain|cancel|retry|delete ID… [--json]
       blastloom watch ID                  follows a job to its end
       blastloom wait ID…                  until all have ended
       blastloom results ID [-outfmt N] [--query N,N…] [-out FILE]
                                           what BLAST+ prints; of the queries N (from 0) alone
       blastloom results ID --top N|--where EXPR|--sort ORDER|--columns C|--export FORMAT|--hsps|--json [--query N]
                                           its hits; of one query alone; 'blastloom view --help' tells more
       blastloom results ID --provenance json|methods|bibtex|sh|nextflow|snakemake [-out FILE]
                                           how the result came to be, for a paper or to make it again
       blastloom import FILE [--program P] [-outfmt 'N COLUMNS'] [--title T]
                                           a result made elsewhere (XML, archive, tabular) as a job

  --server URL   default: BLASTLOOM_SERVER, or `server` in ~/.config/blastloom/client.toml, or http://127.0.0.1:8765;
                 the token comes from BLASTLOOM_TOKEN, or is `token` in that file
Exit codes: 0 done; 1 wrong request; 2 the job failed or was cancelled; 3 server unreachable or busy; 130 Ctrl-C of
watch and wait, whose job goes on; 255 other.
)";
/// Of `list`, each a parameter of GET /jobs.
constexpr std::array kFilters{KnownFlag{"status"}, KnownFlag{"program"}, KnownFlag{"database"},
                              KnownFlag{"owner"},  KnownFlag{"text"},    KnownFlag{"since"}};
constexpr int kJobFailed = 2;
constexpr std::chrono::seconds kQuiet{60};

int exit_code_of(const Error& error) {
  switch (error.code) {
    case Code::invalid_argument:
    case Code::not_found:
    case Code::conflict:
    case Code::forbidden:
    case Code::too_large:
      return 1;
    case Code::unavailable:
    case Code::timed_out:
    case Code::too_many:
      return 3;
    default:
      return 255;
  }
}

int fail(const Error& error) {
  fmt::print(stderr, "blastloom: {}\n", error.message);
  return exit_code_of(error);
}

std::vector<KnownFlag> flags_of(std::string_view command) {
  std::vector<KnownFlag> known{{"server"}, {"json", false}};
  const auto add = [&](std::initializer_list<KnownFlag> more) { known.insert(known.end(), more); };
  if (command == "submit")
    add({{"title"}, {"priority"}, {"on-saturation"}, {"fresh", false}, {"idempotency-key"}});
  if (command == "list") {
    known.insert(known.end(), kFilters.begin(), kFilters.end());
    add({{"limit"}, {"cursor"}, {"all", false}});
  }
  if (command == "import") add({{"program"}, {"title"}});
  if (command == "results")
    add({{"top"},
         {"where"},
         {"sort"},
         {"columns"},
         {"export"},
         {"on"},
         {"region"},
         {"flank"},
         {"query"},
         {"hsps", false},
         {"provenance"}});
  return known;
}

/// What follows a command: flags of BLAST+'s kind, and the words that are none.
struct Words {
  std::map<std::string, std::string, std::less<>> flags{};
  std::vector<std::string> plain{};
  [[nodiscard]] std::string value(std::string_view flag, std::string_view otherwise = {}) const {
    const auto found = flags.find(flag);
    return found == flags.end() ? std::string(otherwise) : found->second;
  }
};

/// Errors: invalid_argument for a flag outside `known`, and for one without its value.
Result<Words> words_of(std::string_view command, const Arguments& arguments,
                       std::span<const std::string_view> known = {}) {
  Words words;
  for (std::size_t i = 0; i < arguments.rest.size(); ++i) {
    const std::string& word = arguments.rest[i];
    if (!word.starts_with('-')) {
      words.plain.push_back(word);
      continue;
    }
    if (std::ranges::find(known, word.substr(1)) == known.end())
      return error(Code::invalid_argument, "{0} has no flag '{1}'; see blastloom {0} --help", command, word);
    if (i + 1 == arguments.rest.size()) return error(Code::invalid_argument, "{}: a value is needed", word);
    words.flags[word.substr(1)] = arguments.rest[++i];
  }
  return words;
}

std::string encoded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    result += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return result;
}

std::string path_of(const std::string& id, std::string_view what = {}) {
  return "/api/blast/jobs/" + encoded(id) + std::string(what);
}

/// As a terminal may show it: titles are what other users wrote.
std::string text_member(const json::value& job, std::string_view name) {
  const auto* member = job.as_object().if_contains({name.data(), name.size()});
  return member != nullptr && member->is_string() ? one_line(std::string(member->as_string()))
                                                  : std::string();
}

void print_row(const json::value& job) {
  const json::value& progress = job.at("progress");
  fmt::print("{}  {:<9}  {:<8} {}  {}/{} tasks  {}  {}\n", text_member(job, "id"), text_member(job, "status"),
             text_member(job, "program"), text_member(job, "database"),
             progress.at("tasks_done").to_number<int>(), progress.at("tasks_total").to_number<int>(),
             text_member(job, "created"), text_member(job, "title"));
}

void show_job(const Session& session, const json::value& job) {
  if (session.json_wanted()) {
    fmt::print("{}\n", json::serialize(job));
    return;
  }
  print_row(job);
  if (job.as_object().contains("failure"))
    fmt::print("  {}: {}\n", text_member(job.at("failure"), "kind"),
               text_member(job.at("failure"), "message"));
}

Result<int> submit(Session& session, const Arguments& arguments) {
  if (arguments.rest.empty()) return error(Code::invalid_argument, "submit: name a program, such as blastp");
  LOOM_TRY(const blast::Program program, blast::parse_program(arguments.rest.front()));
  LOOM_TRY(const blast::Options options, blast::parse_options(program, std::span(arguments.rest).subspan(1)));
  if (options.has("out"))
    return error(Code::invalid_argument,
                 "-out: a server keeps the output; get it with 'blastloom results ID -out FILE'");
  QueryForm::Fields fields{{"program", arguments.rest.front()}};
  std::string database;
  json::object given;
  for (const auto& entry : options.entries()) {
    const std::string name(entry.spec->name);
    if (name == "query" || name == "num_threads" || name == "mt_mode") continue;
    if (name == "db") {
      database = entry.text;
    } else if (entry.spec->type == blast::Type::flag) {
      given[name] = true;
    } else {
      given[name] = entry.text;
    }
  }
  if (database.empty()) return error(Code::invalid_argument, "-db: name a database of the server");
  fields.insert(fields.end(), {{"database", database}, {"options", json::serialize(given)}});
  for (const auto& [flag, member] : {std::pair{"title", "title"}, std::pair{"on-saturation", "on_saturation"},
                                     std::pair{"priority", "priority"}})
    if (const auto set = arguments.flags.find(flag); set != arguments.flags.end())
      fields.emplace_back(member, set->second);
  if (arguments.flags.contains("fresh")) fields.emplace_back("fresh", "true");
  const auto* given_query = options.find("query");
  const std::string query = given_query == nullptr ? "-" : given_query->text;
  std::error_code unknown;
  const bool repeatable = query != "-" && std::filesystem::is_regular_file(query, unknown);
  const std::string key =
      arguments.has("idempotency-key") ? arguments.value("idempotency-key") : random_token();
  LOOM_TRY(const json::value job,
           session.submit([&] { return QueryForm::open(fields, query); }, key, repeatable));
  fmt::print("{}\n", session.json_wanted() ? json::serialize(job) : text_member(job, "id"));
  return 0;
}

Result<int> list(Session& session, const Arguments& arguments) {
  LOOM_TRY(const Words words, words_of("list", arguments));
  if (!words.plain.empty())
    return error(Code::invalid_argument, "list takes no '{}'; see blastloom list --help",
                 words.plain.front());
  const bool all = arguments.has("all");
  const std::string limit = arguments.has("limit") ? arguments.value("limit") : all ? "500" : "50";
  std::string target = "/api/blast/jobs?limit=" + encoded(limit);
  for (const KnownFlag& filter : kFilters)
    if (arguments.has(filter.name))
      target += fmt::format("&{}={}", filter.name, encoded(arguments.value(filter.name)));
  for (std::string cursor = arguments.value("cursor");;) {
    LOOM_TRY(const json::value page,
             session.ask(verb::get,
                         cursor.empty() ? target : fmt::format("{}&cursor={}", target, encoded(cursor))));
    cursor = text_member(page, "next_cursor");
    if (session.json_wanted() && !all) {
      fmt::print("{}\n", json::serialize(page));
      return 0;
    }
    for (const json::value& job : page.at("jobs").as_array()) {
      if (session.json_wanted()) {
        fmt::print("{}\n", json::serialize(job));
      } else {
        print_row(job);
      }
    }
    if (!all && !cursor.empty()) fmt::print(stderr, "there are more: --all, or --cursor {}\n", cursor);
    if (!all || cursor.empty()) return 0;
  }
}

bool has_ended(const std::string& status) {
  return status == "completed" || status == "failed" || status == "cancelled";
}

/// Follows one job to its end by its events. An end in its history may be one before a retry, so it is the
/// job itself that says how it stands. A server that goes away meanwhile is waited for.
Result<int> follow(Session& session, const std::string& id, bool show) {
  const Signals signals;
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  std::string last;
  const auto told = [&](std::string_view event_id, std::string_view /*event*/, std::string_view data) {
    last = event_id;
    boost::system::error_code failed;
    const json::value event = json::parse({data.data(), data.size()}, failed);
    if (failed) return true;
    const std::string status = text_member(event, "status");
    const auto done = event.at("letters_done").to_number<double>();
    const auto total = event.at("letters_total").to_number<double>();
    if (show) {
      fmt::print(stderr, "{}{}  {}/{} tasks  {:.0f} %{}", terminal ? "\r\033[K" : "", status,
                 event.at("tasks_done").to_number<int>(), event.at("tasks_total").to_number<int>(),
                 total > 0 ? 100 * done / total : 0.0, terminal ? "" : "\n");
    }
    return !has_ended(status);
  };
  std::optional<Deadline> patience;
  bool gone = false;
  for (;;) {
    const auto job = session.ask(verb::get, path_of(id));
    Status followed = ok();
    if (!job) {
      followed = job.error();
    } else if (const std::string status = text_member(*job, "status"); has_ended(status)) {
      if (show && terminal) fmt::print(stderr, "\n");
      show_job(session, *job);
      return status == "completed" ? 0 : kJobFailed;
    } else {
      gone = false;
      const auto outcome = session.follow(path_of(id, "/events"), last, told, signals.stop());
      if (!outcome) followed = outcome.error();
      patience = Deadline::in(kPatience);
    }
    if (const int signal = signals.received(); signal != 0) return Signals::exit_by(signal);
    if (followed) continue;
    if (!patience || patience->passed() || !retryable(followed.error().code)) return followed.error();
    if (!std::exchange(gone, true))
      fmt::print(stderr, "{}blastloom: {}; waiting for the server\n", show && terminal ? "\n" : "",
                 followed.error().message);
    ::sleep(1);
  }
}

/// The body of a GET into `out`, once the server has made it: only a 200 is it, a 202 says that it is being
/// made.
Status save(Session& session, const std::string& target, const std::string& out) {
  LOOM_TRY(AtomicFile file, AtomicFile::create(out == "-" ? "/dev/stdout" : out));
  for (;;) {
    std::string held;
    bool streaming = false;
    const auto sink = [&](std::string_view bytes) -> Status {
      if (!streaming) held.append(bytes);
      if (held.size() > 4096) {
        streaming = true;
        LOOM_CHECKED(file.write(std::exchange(held, {})));
        return ok();
      }
      return streaming ? file.write(bytes) : ok();
    };
    LOOM_TRY(const http::Reply reply, session.client().send(verb::get, target, session.headers(), {}, sink));
    if (reply.status >= 400) return problem_of(reply);
    if (reply.status == 202) {
      ::sleep(1);
      continue;
    }
    LOOM_CHECKED(file.write(held));
    return file.commit();
  }
}

Result<int> hits(Session& session, const Arguments& arguments, const std::string& id,
                 const std::string& out) {
  LOOM_TRY(const HitsWish wish, hits_wish(arguments.flags));
  std::string target = path_of(id, wish.format ? "/results/export"
                                   : wish.hsps ? "/results/hsps"
                                               : "/results/hits");
  target += "?where=" + encoded(wish.where);
  if (!wish.sort.empty()) target += "&sort=" + encoded(wish.sort);
  if (!wish.query.empty()) target += "&query=" + wish.query;
  if (wish.format) {
    target += "&format=" + encoded(*wish.format);
    if (!wish.columns.empty()) target += "&columns=" + encoded(wish.columns);
    for (const auto& [name, value] :
         {std::pair{"on", &wish.on}, {"region", &wish.region}, {"flank", &wish.flank}})
      if (!value->empty()) target += fmt::format("&{}={}", name, encoded(*value));
    if (wish.most) target += fmt::format("&limit={}", *wish.most);
    LOOM_CHECKED(save(session, target, out));
    return 0;
  }
  target += fmt::format("&limit={}", wish.top);
  json::value page;
  for (;;) {
    LOOM_TRY(page, session.ask(verb::get, target));
    if (!page.as_object().contains("status")) break;  // it is still being made
    ::sleep(1);
  }
  LOOM_CHECKED(show_hits(json::serialize(page), wish, out));
  return 0;
}

/// Flags of `results` that ask for a view of the hits.
constexpr std::array<std::string_view, 10> kOfHits{"top", "where",  "sort",  "columns", "export",
                                                   "on",  "region", "flank", "hsps",    "json"};

/// --provenance is of the whole job. Errors: invalid_argument when something else is asked for, too.
Status check_alone(const Arguments& arguments, std::string_view outfmt) {
  const auto refused = [](std::string_view flag) {
    return error(Code::invalid_argument,
                 "results: --provenance is of the whole result and takes no {}; ask for one after the other",
                 flag);
  };
  if (!outfmt.empty()) return refused("-outfmt");
  if (arguments.flags.contains("query")) return refused("--query");
  for (const std::string_view flag : kOfHits)
    if (flag != "json" && arguments.flags.contains(flag)) return refused(fmt::format("--{}", flag));
  return ok();
}

Result<int> results(Session& session, const Arguments& arguments) {
  constexpr std::array<std::string_view, 2> kOwn{"outfmt", "out"};
  LOOM_TRY(const Words words, words_of("results", arguments, kOwn));
  if (words.plain.size() != 1) return error(Code::invalid_argument, "results: name one job by its id");
  const std::string& id = words.plain.front();
  const std::string outfmt = words.value("outfmt");
  const std::string out = words.value("out", "-");
  if (const auto format = arguments.flags.find("provenance"); format != arguments.flags.end()) {
    LOOM_CHECKED(check_alone(arguments, outfmt));
    LOOM_CHECKED(save(session, path_of(id, "/results/provenance?format=" + encoded(format->second)), out));
    return 0;
  }
  for (const std::string_view flag : kOfHits)
    if (arguments.flags.contains(flag)) {
      if (outfmt.empty()) return hits(session, arguments, id, out);
      return error(Code::invalid_argument,
                   "results: -outfmt is what BLAST+ prints, --{} is of a view of the hits; take one of them",
                   flag);
    }
  std::string target = path_of(id, "/results/output?outfmt=" + encoded(outfmt));
  if (const auto query = arguments.flags.find("query"); query != arguments.flags.end())
    target += "&query=" + encoded(query->second);
  LOOM_CHECKED(save(session, target, out));
  return 0;
}

/// A file from its start to its end.
class FileSource final : public http::BodySource {
 public:
  FileSource(Fd file, std::uint64_t size) : file_(std::move(file)), size_(size) {}
  [[nodiscard]] std::optional<std::uint64_t> size() const override { return size_; }
  Result<std::size_t> read(std::span<char> into) override {
    const ssize_t got = ::read(file_.get(), into.data(), into.size());
    if (got < 0) return system_error(errno, "read the file to import");
    return static_cast<std::size_t>(got);
  }

 private:
  Fd file_;
  std::uint64_t size_;
};

Result<int> import_file(Session& session, const Arguments& arguments) {
  constexpr std::array<std::string_view, 1> kOwn{"outfmt"};
  LOOM_TRY(const Words words, words_of("import", arguments, kOwn));
  if (words.plain.size() != 1) return error(Code::invalid_argument, "import: name one file of BLAST results");
  const std::string& path = words.plain.front();
  const std::string outfmt = words.value("outfmt");
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat facts{};
  if (!file || ::fstat(file.get(), &facts) != 0) return system_error(errno, "open " + path);
  if (!S_ISREG(facts.st_mode)) return error(Code::invalid_argument, "import: {} is no plain file", path);
  std::string target = "/api/blast/imports?outfmt=" + encoded(outfmt);
  for (const char* name : {"program", "title"})
    if (const auto set = arguments.flags.find(name); set != arguments.flags.end())
      target += fmt::format("&{}={}", name, encoded(set->second));
  http::Pairs headers = session.headers();
  headers.emplace_back("Content-Type", "application/octet-stream");
  LOOM_TRY(const http::Reply reply,
           session.client().send(
               verb::post, target, headers,
               std::make_unique<FileSource>(std::move(file), static_cast<std::uint64_t>(facts.st_size))));
  if (reply.status >= 400) return problem_of(reply);
  const json::value job = json::parse(reply.body);
  fmt::print("{}\n", session.json_wanted() ? reply.body : text_member(job, "id"));
  return 0;
}

Result<int> about_one(Session& session, std::string_view command, const std::string& id) {
  if (command == "watch") return follow(session, id, true);
  if (command == "wait") return follow(session, id, false);
  if (command == "delete") {
    LOOM_CHECKED(session.call(verb::delete_, path_of(id)));
    return 0;
  }
  const bool act = command == "cancel" || command == "retry";
  const std::string what = command == "status" ? "" : fmt::format("/{}", command);
  LOOM_TRY(const json::value answer, session.ask(act ? verb::post : verb::get, path_of(id, what)));
  if (command != "explain") {
    show_job(session, answer);
    return 0;
  }
  if (session.json_wanted()) {
    fmt::print("{}\n", json::serialize(answer));
    return 0;
  }
  fmt::print("{}\n", text_member(answer, "summary"));
  for (const json::value& reason : answer.at("reasons").as_array())
    fmt::print("- {}\n", one_line(std::string(reason.as_string())));
  if (const std::string advice = text_member(answer, "advice"); !advice.empty()) fmt::print("{}\n", advice);
  return 0;
}

Result<int> run(std::string_view command, const Arguments& arguments) {
  // A large file is indexed before the answer comes.
  LOOM_TRY(Session session, Session::open(arguments, command == "import" ? std::chrono::hours(1) : kQuiet));
  if (command == "submit") return submit(session, arguments);
  if (command == "list") return list(session, arguments);
  if (command == "import") return import_file(session, arguments);
  if (command == "results") return results(session, arguments);
  LOOM_TRY(const Words words, words_of(command, arguments));
  if (words.plain.empty()) return error(Code::invalid_argument, "{}: name a job by its id", command);
  int worst = 0;
  for (const std::string& id : words.plain) {
    LOOM_TRY(const int code, about_one(session, command, id));
    worst = std::max(worst, code);
  }
  return worst;
}

}  // namespace

bool is_client_command(std::string_view command) {
  return std::ranges::find(kCommands, command) != kCommands.end();
}

int client_command(std::string_view command, std::span<const std::string> args) {
  if (!args.empty() && (args[0] == "--help" || args[0] == "-h")) {
    fmt::print("{}", kClientUsage);
    return 0;
  }
  const auto arguments = read_arguments(command, args, flags_of(command));
  if (!arguments) return fail(arguments.error());
  const auto done = run(command, *arguments);
  return done ? *done : fail(done.error());
}

}  // namespace loom::app
