// Builds a hit index from tabular output, or reads pages of one, and says what it took, as JSON:
//     results_bench build OUTPUT INDEX
//     results_bench page INDEX TAXDUMP
//     results_bench export INDEX
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/temp_dir.hpp"
#include "results/hsp_export.hpp"
#include "taxonomy/image.hpp"

namespace results = loom::results;
using loom::Deadline;
using loom::Result;

namespace {

double cpu_seconds() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
}

double seconds_of(auto call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::uint64_t peak_bytes() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  return static_cast<std::uint64_t>(use.ru_maxrss) * 1024;
}

int build(const char* output, const char* index) {
  const loom::Fd file(::open(output, O_RDONLY | O_CLOEXEC));
  const results::ReadBytes read = [&file](std::span<char> into) -> Result<std::size_t> {
    const ssize_t got = ::read(file.get(), into.data(), into.size());
    if (got < 0) return loom::system_error(errno, "read");
    return static_cast<std::size_t>(got);
  };
  const std::uint64_t before = peak_bytes();
  Result<results::IndexCounts> counts = results::IndexCounts{};
  const double begun = cpu_seconds();
  const double seconds = seconds_of([&] { counts = results::build_index(index, {}, read); });
  const double cpu = cpu_seconds() - begun;
  if (!counts) {
    fmt::print(stderr, "{}\n", counts.error().message);
    return 1;
  }
  fmt::print(
      R"({{"seconds":{},"cpu_seconds":{},"hsps":{},"hits":{},"subjects":{},"queries":{},"peak_bytes":{}}})"
      "\n",
      seconds, cpu, counts->hsps, counts->hits, counts->subjects, counts->queries, peak_bytes() - before);
  return 0;
}

int save(const char* path) {
  auto index = results::HitIndex::open(path);
  if (!index) return 1;
  const auto rows = results::HspExport::make(*index, {.columns = "std"});
  if (!rows) return 1;
  std::uint64_t bytes = 0;
  const double seconds = seconds_of([&] {
    for (;;) {
      const auto piece = (*rows)->next(Deadline::never());
      if (!piece || piece->empty()) return;
      bytes += piece->size();
    }
  });
  fmt::print(R"({{"seconds":{},"bytes":{},"hsps":{},"peak_bytes":{}}})"
             "\n",
             seconds, bytes, (*index)->counts().hsps, peak_bytes());
  return 0;
}

struct Case {
  std::string name;
  std::string where;
  bool one_query = false;
};

struct Times {
  std::vector<double> cpu;  ///< seconds of the processor
  std::vector<double> wall;
};

/// JSON's fields of them.
std::string figures(Times times) {
  std::ranges::sort(times.cpu);
  std::ranges::sort(times.wall);
  const std::size_t last = std::min(times.cpu.size() - 1, times.cpu.size() * 99 / 100);
  return fmt::format(R"("p50_ms":{:.3f},"p99_ms":{:.3f},"max_ms":{:.3f},"wall_p99_ms":{:.3f})",
                     times.cpu[times.cpu.size() / 2] * 1e3, times.cpu[last] * 1e3, times.cpu.back() * 1e3,
                     times.wall[last] * 1e3);
}

/// The times of the pages of one listing: its first ones and those behind rows far inside.
void walk(results::HitIndex& index, const Case& one, results::Sort sort, bool hits, std::mt19937& chance,
          Times& times) {
  results::PageRequest request{.filter = results::Filter::parse(one.where).value(), .sort = sort};
  if (one.one_query) request.query = static_cast<std::int64_t>(chance() % index.counts().queries);
  for (int page = 0; page < 20; ++page) {
    const double begun = cpu_seconds();
    times.wall.push_back(seconds_of([&] {
      std::string next;
      if (hits) {
        const auto got = index.hits(request, Deadline::never());
        if (got) next = got->next;
        if (!got) fmt::print(stderr, "{}\n", got.error().message);
      } else {
        const auto got = index.hsps(request, Deadline::never());
        if (got) next = got->next;
        if (!got) fmt::print(stderr, "{}\n", got.error().message);
      }
      request.after = next;
    }));
    times.cpu.push_back(cpu_seconds() - begun);
    if (request.after.empty()) break;
    // A larger page once in a while goes far into the list.
    request.limit = page % 5 == 3 ? 500 : 50;
  }
}

int page(const char* path, const char* taxdump) {
  const auto folder = loom::TempDir::create();
  if (!folder || !loom::taxonomy::import_taxdump(taxdump, folder->path() / "taxonomy")) return 1;
  const auto tree = loom::taxonomy::Taxonomy::open(folder->path() / "taxonomy");
  const auto index = results::HitIndex::open(path, [&tree] { return tree; });
  if (!index) {
    fmt::print(stderr, "{}\n", index.error().message);
    return 1;
  }
  std::mt19937 chance(1);
  const std::vector<Case> cases{{"all", ""},
                                {"one query", "", true},
                                {"evalue<1e-10 and pident>90", "evalue<1e-10 and pident>90"},
                                {"length>=100 and coverage>=50", "length>=100 and coverage>=50"},
                                {"nothing: pident=1", "pident=1"},
                                {"title contains 'coli'", "title contains 'coli'"},
                                {"nearly all: clade=40674", "clade=40674"}};
  std::string text;
  Times all;
  for (const Case& one : cases) {
    for (const char* sort : {"blast", "evalue", "bitscore", "pident", "length", "coverage"}) {
      for (const bool hits : {true, false}) {
        Times times;
        for (int round = 0; round < 10; ++round)
          walk(**index, one, results::parse_sort(sort).value(), hits, chance, times);
        all.cpu.insert(all.cpu.end(), times.cpu.begin(), times.cpu.end());
        all.wall.insert(all.wall.end(), times.wall.begin(), times.wall.end());
        text += fmt::format(R"({}{{"case":"{}","sort":"{}",{}}})", text.empty() ? "" : ",", one.name, sort,
                            figures(std::move(times)));
      }
    }
  }
  fmt::print("{{\"pages\":[{}],\"all\":{{{}}},\"peak_bytes\":{}}}\n", text, figures(std::move(all)),
             peak_bytes());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "build" && argc == 4) return build(argv[2], argv[3]);
  if (command == "page" && argc == 4) return page(argv[2], argv[3]);
  if (command == "export" && argc == 3) return save(argv[2]);
  fmt::print(stderr, "usage: results_bench build OUTPUT INDEX | page INDEX TAXDUMP | export INDEX\n");
  return 1;
}
