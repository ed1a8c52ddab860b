#include "app/hits_view.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <csignal>
#include <stop_token>
#include <vector>

#include "app/signals.hpp"
#include "base/atomic_file.hpp"
#include "base/fd.hpp"
#include "base/number.hpp"
#include "base/temp_dir.hpp"
#include "base/text.hpp"
#include "results/blast_xml.hpp"
#include "results/page_json.hpp"
#include "sequence/byte_source.hpp"
#include "service/organisms.hpp"

namespace loom::app {

namespace {

namespace json = boost::json;

constexpr std::size_t kMostTop = 1000;
constexpr std::size_t kHead = 4096;
constexpr int kLookMs = 50;
constexpr std::string_view kUsage =
    R"(usage: blastloom view FILE [-outfmt 'N COLUMNS'] [-out FILE]

Shows the hits of tabular output (-outfmt 6, 7 or 10) or XML (5), also packed by gzip; '-' is standard input. XML and
format 7 tell their columns; of others, -outfmt says what the search was asked for, if that was more than the number.

  --top N        so many hits (25; at most 1000; of an export: rows)
  --where EXPR   only these: 'evalue<1e-10 and (pident>90 or title contains kinase)'
  --sort ORDER   blast, evalue, bitscore, pident, length or coverage
  --hsps         HSPs instead of hits
  --json         as JSON
  --query N      of one query only, from 0
  --data DIR     a server's folder: its taxonomy tells what is in a clade ('clade=33208')
  --export F     all of them as tsv, csv, jsonl, gff3, bed or sam (blastn)
  --columns C    of a table: BLAST+'s names, std, qtitle and coverage
  --on S         of gff3 and bed: features of the subject or the query
Of a job ('blastloom results ID') also --export fasta: its subjects; --region aligned --flank N: what is aligned of them
)";

struct ViewArguments {
  std::map<std::string, std::string, std::less<>> flags;
  std::string file;
  std::string outfmt;
  std::string out = "-";
};

Result<ViewArguments> parse(std::span<const std::string> args) {
  constexpr std::array<std::string_view, 8> kValued{"top",    "where", "sort",  "columns",
                                                    "export", "on",    "query", "data"};
  ViewArguments found;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& word = args[i];
    const bool own = word.starts_with("--");
    if (!own && word != "-outfmt" && word != "-out") {
      if (!found.file.empty())
        return error(Code::invalid_argument, "view: one file at a time, not also '{}'", word);
      found.file = word;
      continue;
    }
    const std::size_t equals = own ? word.find('=') : std::string::npos;
    const std::string name = word.substr(own ? 2 : 1, equals == std::string::npos ? equals : equals - 2);
    if (own && (name == "json" || name == "hsps")) {
      found.flags[name] = "";
      continue;
    }
    if (own && std::ranges::find(kValued, name) == kValued.end())
      return error(Code::invalid_argument, "there is no flag '{}'", word);
    if (equals == std::string::npos && i + 1 == args.size())
      return error(Code::invalid_argument, "{}: a value is needed", word);
    const std::string value = equals != std::string::npos ? word.substr(equals + 1) : args[++i];
    if (own) {
      found.flags[name] = value;
    } else {
      (name == "out" ? found.out : found.outfmt) = value;
    }
  }
  if (found.file.empty()) return error(Code::invalid_argument, "view: name a file of tabular output or XML");
  return found;
}

Error stopped() {
  return error(Code::cancelled, "stopped");
}

/// Reads a descriptor, borrowed, until it is told to stop: a pipe may stay silent for long.
class PatientSource final : public sequence::ByteSource {
 public:
  PatientSource(int fd, std::string name, std::stop_token stop)
      : fd_(fd), name_(std::move(name)), stop_(std::move(stop)) {}

  Result<std::size_t> read(std::span<char> into) override {
    for (pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0}; ::poll(&ready, 1, kLookMs) == 0;)
      if (stop_.stop_requested()) return stopped();
    const ssize_t got = ::read(fd_, into.data(), into.size());
    if (got < 0) return system_error(errno, "read " + name_);
    return static_cast<std::size_t>(got);
  }

 private:
  int fd_;
  std::string name_;
  std::stop_token stop_;
};

/// The taxonomy of the server whose folder --data names.
results::OpenTaxonomy taxonomy_in(const std::string& data) {
  return [data]() -> Result<std::shared_ptr<const taxonomy::Taxonomy>> {
    const std::string how =
        "import NCBI's taxdump.tar.gz by 'blastloom db taxonomy FILE --data DIR', and name DIR by --data";
    if (data.empty()) return error(Code::not_found, "a clade needs a taxonomy; {}", how);
    auto tree = taxonomy::Taxonomy::open(service::taxonomy_file(data));
    if (!tree && tree.error().code == Code::not_found)
      return error(Code::not_found, "{} has no taxonomy; {}", data, how);
    return tree;
  };
}

Result<std::shared_ptr<results::HitIndex>> index_file(const ViewArguments& arguments,
                                                      const std::filesystem::path& folder,
                                                      const std::stop_token& stop) {
  std::optional<results::Layout> layout;
  if (!arguments.outfmt.empty()) {
    LOOM_TRY(const blast::OutFormat format, blast::parse_outfmt(blast::Program::blastp, arguments.outfmt));
    LOOM_TRY(layout, results::Layout::of(format));
  }
  Fd file;
  if (arguments.file != "-") {
    file = Fd(::open(arguments.file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return system_error(errno, "open " + arguments.file);
  }
  const int from = file ? file.get() : STDIN_FILENO;
  const auto source =
      sequence::unpacked(std::make_unique<PatientSource>(from, arguments.file, stop), arguments.file);
  const results::ReadBytes plain = [&source](std::span<char> into) { return source->read(into); };
  std::string head(kHead, '\0');
  LOOM_TRY(const std::size_t got, plain(head));
  head.resize(got);
  const bool xml = head.starts_with('<');
  results::ReadBytes read = [&head, &plain, at = std::size_t{0}](std::span<char> into) mutable {
    if (at == head.size()) return plain(into);
    const std::size_t count = std::min(into.size(), head.size() - at);
    std::copy_n(head.data() + at, count, into.data());
    at += count;
    return Result<std::size_t>(count);
  };
  if (xml) {
    LOOM_TRY(const auto format, blast::parse_outfmt(blast::Program::blastp, results::kXmlOutfmt));
    LOOM_TRY(layout, results::Layout::of(format));
    read = results::tabular_of_xml(std::move(read));
  }
  const auto made = results::build_index(folder / "hits", std::move(layout), read, stop);
  if (!made) return made.error().at(arguments.file);
  const auto data = arguments.flags.find("data");
  return results::HitIndex::open(folder / "hits",
                                 taxonomy_in(data == arguments.flags.end() ? "" : data->second));
}

Result<AtomicFile> create_output(const std::string& out) {
  return AtomicFile::create(out == "-" ? "/dev/stdout" : out);
}

Status save(const std::shared_ptr<results::HitIndex>& index, const HitsWish& wish,
            results::PageRequest request, const std::string& out, const std::stop_token& stop) {
  LOOM_TRY(const auto format, results::parse_export_format(*wish.format));
  LOOM_TRY(const auto rows,
           results::HspExport::make(index, {.format = format,
                                            .columns = wish.columns,
                                            .rows = {.rows = std::move(request), .most = wish.most},
                                            .style = {.on_query = wish.on == "query"}}));
  LOOM_TRY(AtomicFile file, create_output(out));
  for (;;) {
    LOOM_TRY(const std::string piece, rows->next(Deadline::never()));
    if (stop.stop_requested()) return stopped();
    if (piece.empty()) return file.commit();
    LOOM_CHECKED(file.write(piece));
  }
}

Status view(const ViewArguments& arguments, const std::stop_token& stop) {
  LOOM_TRY(const HitsWish wish, hits_wish(arguments.flags));
  results::PageRequest request{.limit = wish.top};
  LOOM_TRY(request.filter, results::Filter::parse(wish.where));
  if (!wish.sort.empty()) {
    LOOM_TRY(request.sort, results::parse_sort(wish.sort));
  }
  if (!wish.query.empty()) request.query = std::stoll(wish.query);
  LOOM_TRY(const TempDir folder, TempDir::create());
  LOOM_TRY(const auto index, index_file(arguments, folder.path(), stop));
  if (wish.format) return save(index, wish, std::move(request), arguments.out, stop);
  std::string text;
  JsonWriter json(text);
  if (wish.hsps) {
    LOOM_TRY(const auto page, index->hsps(request, Deadline::never()));
    results::write_hsps(json, page);
  } else {
    LOOM_TRY(const auto page, index->hits(request, Deadline::never()));
    results::write_hits(json, page);
  }
  return show_hits(text, wish, arguments.out);
}

/// A cell of the table.
std::string shown(const json::value& row, std::string_view name, std::size_t width) {
  const json::value* found = row.as_object().if_contains({name.data(), name.size()});
  if (found == nullptr || found->is_null()) return "-";
  std::string text = one_line(found->is_string() ? std::string(found->as_string()) : json::serialize(*found));
  if (text.size() <= width) return text;
  // Not in the middle of a letter of UTF-8.
  std::size_t end = width - 1;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "…";
}

std::size_t letters_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string table_of(const json::value& page, bool hsps) {
  struct Column {
    std::string_view title;
    std::string_view member;
    std::size_t width;
    bool right;
  };
  const std::array columns{Column{"query", "query_name", 24, false},
                           Column{"subject", "accession", 24, false},
                           Column{"identity", "pident", 8, true},
                           Column{"length", "length", 8, true},
                           Column{"cover", "cover", 5, true},
                           Column{"evalue", "evalue", 9, true},
                           Column{"bits", hsps ? "bits" : "max_score", 9, true},
                           Column{"title", "title", 60, false}};
  std::vector<std::array<std::string, columns.size()>> rows(1);
  for (std::size_t i = 0; i < columns.size(); ++i) rows[0][i] = columns[i].title;
  for (const json::value& row : page.at(hsps ? "hsps" : "hits").as_array()) {
    rows.emplace_back();
    for (std::size_t i = 0; i < columns.size(); ++i)
      rows.back()[i] = shown(row, columns[i].member, columns[i].width);
  }
  std::array<std::size_t, columns.size()> widths{};
  for (const auto& row : rows)
    for (std::size_t i = 0; i < columns.size(); ++i) widths[i] = std::max(widths[i], letters_of(row[i]));
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i + 1 < columns.size(); ++i)
      line += columns[i].right ? fmt::format("{:>{}}  ", row[i], widths[i])
                               : fmt::format("{:<{}}  ", row[i], widths[i]);
    text += line + row.back() + "\n";
  }
  const json::value& total = page.at("total");
  if (!total.is_null() && total.to_number<std::uint64_t>() > rows.size() - 1)
    text += fmt::format("{} of {}; --top shows more, --export saves them all\n", rows.size() - 1,
                        total.to_number<std::uint64_t>());
  return text;
}

}  // namespace

Result<HitsWish> hits_wish(const std::map<std::string, std::string, std::less<>>& flags) {
  HitsWish wish;
  const auto flag = [&flags](const char* name) {
    const auto found = flags.find(name);
    return found == flags.end() ? std::optional<std::string>() : std::optional(found->second);
  };
  wish.where = flag("where").value_or("");
  wish.sort = flag("sort").value_or("");
  wish.columns = flag("columns").value_or("");
  wish.region = flag("region").value_or("");
  for (const auto& [name, into] : {std::pair{"flank", &wish.flank}, std::pair{"query", &wish.query}}) {
    *into = flag(name).value_or("");
    if (into->size() > 9 || into->find_first_not_of("0123456789") != std::string::npos)
      return error(Code::invalid_argument, "--{}: '{}' is no number", name, *into);
  }
  wish.on = flag("on").value_or("");
  if (!wish.on.empty() && wish.on != "subject" && wish.on != "query")
    return error(Code::invalid_argument, "--on: '{}' is neither subject nor query", wish.on);
  wish.hsps = flag("hsps").has_value();
  wish.json = flag("json").has_value();
  wish.format = flag("export");
  if (!wish.columns.empty() && !wish.format) wish.format = "tsv";
  if (const auto top = flag("top"); top) {
    const auto number = number_of<std::uint64_t>(*top);
    if (!number || *number == 0 || (*number > kMostTop && !wish.format))
      return error(Code::invalid_argument, "--top: '{}' is not a number from 1 to {}; --export takes more",
                   *top, kMostTop);
    wish.top = std::min<std::size_t>(*number, kMostTop);
    wish.most = number;
  }
  return wish;
}

Status show_hits(const std::string& page, const HitsWish& wish, const std::string& out) {
  LOOM_TRY(AtomicFile file, create_output(out));
  LOOM_CHECKED(file.write(wish.json ? page + "\n" : table_of(json::parse(page), wish.hsps)));
  return file.commit();
}

int view_command(std::span<const std::string> args) {
  if (args.empty() || args[0] == "--help" || args[0] == "-h") {
    fmt::print("{}", kUsage);
    return args.empty() ? 1 : 0;
  }
  const auto arguments = parse(args);
  const Signals signals;
  const Status done = arguments ? view(*arguments, signals.stop()) : Status(arguments.error());
  if (done) return 0;
  if (const int signal = signals.received(); signal != 0) return Signals::exit_by(signal);
  if (Signals::reader_gone()) return Signals::exit_by(SIGPIPE);
  fmt::print(stderr, "blastloom: {}\n", done.error().message);
  const Code code = done.error().code;
  const bool asked = code == Code::invalid_argument || code == Code::not_found || code == Code::corrupt ||
                     code == Code::too_large || code == Code::forbidden || code == Code::conflict;
  return asked ? 1 : 255;
}

}  // namespace loom::app
