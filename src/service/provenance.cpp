#include "service/provenance.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/algorithm/string/replace.hpp>

#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"

namespace loom::service {

namespace {

using blast::Program;
using boost::replace_all_copy;

constexpr std::array<std::string_view, 6> kFormats{"json", "methods",  "bibtex",
                                                   "sh",   "nextflow", "snakemake"};

bool is_complete(const Provenance& provenance) {
  return provenance.spec.on_saturation == search::OnSaturation::complete;
}

std::string_view exactness(const Provenance& provenance) {
  if (!provenance.spec.imported.empty())
    return "imported: the result was made elsewhere and is shown as it came";
  if (is_complete(provenance))
    return "complete: all subjects that the parts of the database hold are merged in BLAST+'s order and cut "
           "at "
           "the number asked for, also where one unsplit run of BLAST+ would have lost some of them";
  return "identical: the output is byte for byte what one unsplit run of the same BLAST+ writes, whatever "
         "parts "
         "the search was cut into";
}

std::string output_name(const Provenance& provenance) {
  return provenance.output ? provenance.output->name : "output";
}

/// The options as run, with their values; only what the user gave.
std::string options_line(const Provenance& provenance) {
  std::string line;
  for (const std::string& word : provenance.spec.options.to_argv()) line += " " + shell_word(word);
  return line;
}

/// One line of shell that makes the output again. BLAST+ itself does unless its lists were to be completed.
std::string command(const Provenance& provenance) {
  std::string line = is_complete(provenance)
                         ? fmt::format("blastloom search {}", provenance.job.request.program)
                         : shell_word(provenance.executable);
  line += " -query query.fasta" + options_line(provenance) + " -out " + shell_word(output_name(provenance));
  if (is_complete(provenance)) line += " --on-saturation complete";
  return line;
}

/// Without line breaks, which would end a comment.
std::string one_line(std::string_view text) {
  std::string line(text);
  std::ranges::replace_if(line, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return line;
}

std::string what_it_needs(const Provenance& provenance, std::string_view comment) {
  return fmt::format(
      "{0} Needs {1} of BLAST+ {2}, and the database {3}\n{0} ({4}) in BLASTDB.\n{0} query.fasta has the "
      "SHA-256 {5}.\n",
      comment, provenance.executable,
      provenance.spec.engine.empty() ? "(version not known)" : provenance.spec.engine,
      one_line(provenance.job.request.database),
      one_line(provenance.spec.snapshot.empty() ? "snapshot not known" : provenance.spec.snapshot),
      provenance.job.request.sha256);
}

std::string shell_text(const Provenance& provenance) {
  return fmt::format("#!/bin/sh\n{}set -eu\necho '{}  query.fasta' | sha256sum -c - >/dev/null\n{}\n",
                     what_it_needs(provenance, "#"), provenance.job.request.sha256, command(provenance));
}

std::string nextflow_text(const Provenance& provenance) {
  // Between ''' Groovy takes only a backslash for more than it is; quotes might end the text.
  const auto groovy = [](std::string_view text) {
    return replace_all_copy(replace_all_copy(std::string(text), "\\", "\\\\"), "'", "\\'");
  };
  return fmt::format(
      "{}nextflow.enable.dsl = 2\n\nprocess blast {{\n    publishDir '.', mode: 'copy'\n\n    input:\n    "
      "path query\n\n"
      "    output:\n    path '{}'\n\n    script:\n    '''\n    {}\n    '''\n}}\n\nworkflow {{\n"
      "    blast(file('query.fasta'))\n}}\n",
      what_it_needs(provenance, "//"), groovy(output_name(provenance)), groovy(command(provenance)));
}

std::string snakemake_text(const Provenance& provenance) {
  const auto python = [](std::string_view text) {
    return "\"" + replace_all_copy(replace_all_copy(std::string(text), "\\", "\\\\"), "\"", "\\\"") + "\"";
  };
  // Snakemake fills in what stands in braces.
  const std::string line = replace_all_copy(replace_all_copy(command(provenance), "{", "{{"), "}", "}}");
  return fmt::format("{}rule blast:\n    input: \"query.fasta\"\n    output: {}\n    shell: {}\n",
                     what_it_needs(provenance, "#"), python(output_name(provenance)), python(line));
}

std::string count_of(std::uint64_t number, std::string_view what) {
  std::string digits = fmt::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return fmt::format("{} {}{}", digits, what, number == 1 ? "" : "s");
}

std::string methods_text(const Provenance& provenance, std::string_view version) {
  const store::NewJob& request = provenance.job.request;
  if (!provenance.spec.imported.empty())
    return fmt::format("The result ({}) was made elsewhere and imported into Blastloom {}.\n",
                       provenance.spec.imported, version);
  blast::Options options = provenance.spec.options;
  options.remove("db");
  std::string line;
  for (const std::string& word : options.to_argv()) line += (line.empty() ? "" : " ") + word;
  const std::string engine = provenance.spec.engine.empty() ? "" : " " + provenance.spec.engine;
  const std::string given =
      line.empty() ? "with default options"
                   : fmt::format("with the options \"{}\" and default values for all others", line);
  return fmt::format(
      "{} ({}; SHA-256 {}) were searched with {} of BLAST+{} (Camacho et al., 2009) against the database {} "
      "({}), "
      "{}. The search was run by Blastloom {} in {} over {}; {}.\n",
      count_of(request.queries, "query sequence"), count_of(request.letters, "letter"), request.sha256,
      request.program, engine, request.database,
      provenance.spec.snapshot.empty() ? "snapshot not known" : provenance.spec.snapshot, given, version,
      count_of(std::max(provenance.job.tasks_total, 1U), "task"),
      provenance.shards > 1
          ? count_of(static_cast<std::uint64_t>(provenance.shards), "part") + " of the database"
          : "the whole database",
      is_complete(provenance)
          ? "its hit lists are complete where one unsplit run may lose subjects (--on-saturation complete)"
          : "its output is byte for byte that of one unsplit run of BLAST+");
}

constexpr std::string_view kCamacho = R"(@article{camacho2009blast,
  author = {Camacho, Christiam and Coulouris, George and Avagyan, Vahram and Ma, Ning and Papadopoulos, Jason and Bealer, Kevin and Madden, Thomas L.},
  title = {{BLAST+}: architecture and applications},
  journal = {BMC Bioinformatics},
  volume = {10},
  pages = {421},
  year = {2009},
  doi = {10.1186/1471-2105-10-421}
}
)";
constexpr std::string_view kAltschul = R"(@article{altschul1997gapped,
  author = {Altschul, Stephen F. and Madden, Thomas L. and Sch{\"a}ffer, Alejandro A. and Zhang, Jinghui and Zhang, Zheng and Miller, Webb and Lipman, David J.},
  title = {Gapped {BLAST} and {PSI-BLAST}: a new generation of protein database search programs},
  journal = {Nucleic Acids Research},
  volume = {25},
  number = {17},
  pages = {3389--3402},
  year = {1997},
  doi = {10.1093/nar/25.17.3389}
}
)";
constexpr std::string_view kZhang = R"(@article{zhang2000greedy,
  author = {Zhang, Zheng and Schwartz, Scott and Wagner, Lukas and Miller, Webb},
  title = {A greedy algorithm for aligning {DNA} sequences},
  journal = {Journal of Computational Biology},
  volume = {7},
  number = {1-2},
  pages = {203--214},
  year = {2000},
  doi = {10.1089/10665270050081478}
}
)";
constexpr std::string_view kSchaffer = R"(@article{schaffer2001improving,
  author = {Sch{\"a}ffer, Alejandro A. and Aravind, L. and Madden, Thomas L. and Shavirin, Sergei and Spouge, John L. and Wolf, Yuri I. and Koonin, Eugene V. and Altschul, Stephen F.},
  title = {Improving the accuracy of {PSI-BLAST} protein database searches with composition-based statistics and other refinements},
  journal = {Nucleic Acids Research},
  volume = {29},
  number = {14},
  pages = {2994--3005},
  year = {2001},
  doi = {10.1093/nar/29.14.2994}
}
)";

std::string bibtex_text(const Provenance& provenance, std::string_view version) {
  std::string text(kCamacho);
  const Program program = provenance.spec.options.program();
  const auto* task = provenance.spec.options.find("task");
  if (program != Program::blastn) {
    text += kAltschul;
  } else if (task == nullptr || task->text == "megablast") {
    text += kZhang;
  }
  if (program == Program::blastp || program == Program::psiblast || program == Program::blastx ||
      program == Program::tblastn)
    text += kSchaffer;
  return text +
         fmt::format("@misc{{blastloom,\n  title = {{Blastloom}},\n  note = {{version {}}}\n}}\n", version);
}

std::string in_seconds(store::UnixTime time) {
  return time_text(std::chrono::floor<std::chrono::seconds>(time));
}

void write_options(JsonWriter& json, const blast::Options& options) {
  json.key("options");
  json.open_array();
  for (const auto& entry : options.entries()) {
    json.open_object();
    json.member("name", entry.spec->name);
    json.member("value", entry.text);
    json.close_object();
  }
  json.close_array();
}

std::string json_text(const Provenance& provenance, std::string_view version) {
  const store::Job& job = provenance.job;
  std::string text;
  JsonWriter json(text);
  json.open_object();
  json.member("job", job.id.str());
  json.member("title", job.request.title);
  json.member("created", in_seconds(job.created));
  if (job.started) json.member("started", in_seconds(*job.started));
  if (job.finished) json.member("finished", in_seconds(*job.finished));
  json.member("blastloom", version);
  json.member("program", job.request.program);
  json.member("engine", provenance.spec.engine);
  if (!provenance.spec.imported.empty()) json.member("imported", provenance.spec.imported);
  json.key("database");
  json.open_object();
  json.member("name", job.request.database);
  json.member("snapshot", provenance.spec.snapshot);
  json.close_object();
  json.key("query");
  json.open_object();
  json.member("sha256", job.request.sha256);
  json.member("queries", job.request.queries);
  json.member("letters", job.request.letters);
  json.close_object();
  write_options(json, provenance.spec.options);
  json.key("plan");
  json.open_object();
  json.member("tasks", job.tasks_total);
  json.member("shards", provenance.shards);
  json.close_object();
  json.member("exactness", exactness(provenance));
  if (provenance.spec.imported.empty()) json.member("command", command(provenance));
  if (provenance.output) {
    json.key("output");
    json.open_object();
    json.member("name", provenance.output->name);
    json.member("outfmt", provenance.output->outfmt);
    json.member("size_bytes", provenance.output->size_bytes);
    write_sum(json, *provenance.output);
    json.close_object();
  }
  if (job.metrics) {
    json.member("cpu_seconds", job.metrics->cpu_seconds);
    json.member("wall_seconds", job.metrics->wall_seconds);
  }
  json.close_object();
  return text + "\n";
}

}  // namespace

void write_sum(JsonWriter& json, const ResultFile& file) {
  if (!file.sha256.empty()) return json.member("sha256", file.sha256);
  json.key("sha256");
  json.raw("null");
  json.member("sha256_pending", true);
}

Result<ProvenanceFormat> parse_provenance_format(std::string_view text) {
  for (std::size_t i = 0; i < kFormats.size(); ++i)
    if (text == kFormats[i]) return static_cast<ProvenanceFormat>(i);
  return error(Code::invalid_argument, "format: '{}' is none; use {}", text.substr(0, 40),
               fmt::join(kFormats, ", "));
}

Result<std::string> provenance_text(const Provenance& provenance, ProvenanceFormat format,
                                    std::string_view version) {
  const bool program = format == ProvenanceFormat::sh || format == ProvenanceFormat::nextflow ||
                       format == ProvenanceFormat::snakemake;
  if (program && !provenance.spec.imported.empty())
    return error(Code::conflict, "the result was imported: how to make it again is not known here");
  switch (format) {
    case ProvenanceFormat::json:
      return json_text(provenance, version);
    case ProvenanceFormat::methods:
      return methods_text(provenance, version);
    case ProvenanceFormat::bibtex:
      return bibtex_text(provenance, version);
    case ProvenanceFormat::sh:
      return shell_text(provenance);
    case ProvenanceFormat::nextflow:
      return nextflow_text(provenance);
    case ProvenanceFormat::snakemake:
      return snakemake_text(provenance);
  }
  return error(Code::internal, "all formats are written");
}

}  // namespace loom::service
