// How fast archives are read, merged and copied, in bytes of archive text per second, on text of the shape
// that blastp writes: 100 queries with 50 subjects each.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "archive/merge.hpp"
#include "archive/stitch.hpp"

namespace loom::archive {
namespace {

constexpr int kQueries = 100;
constexpr int kSubjects = 50;

std::string alignment(int query, int subject) {
  std::string text = "      {\n        type partial,\n        dim 2,\n        score {\n";
  const auto score = [&](std::string_view name, const std::string& value, std::string_view end) {
    text += fmt::format("          {{\n            id str \"{}\",\n            value {}\n          }}{}\n",
                        name, value, end);
  };
  score("score", fmt::format("int {}", 1000 - subject), ",");
  score("blast_score", fmt::format("int {}", 1000 - subject), ",");
  score("e_value", fmt::format("real {{ {}, 10, -52 }}", 100000000000000 + subject), ",");
  score("bit_score", "real { 12016810505525, 10, -11 }", ",");
  score("num_ident", "int 57", ",");
  score("comp_adjustment_method", "int 2", ",");
  score("num_positives", "int 57", ",");
  score("hsp_percent_coverage", "real { 1, 10, 2 }", "");
  text += fmt::format(
      "        }},\n        segs denseg {{\n          dim 2,\n          numseg 3,\n          ids {{\n"
      "            local str \"Query_{}\",\n            general {{\n              db \"BL_ORD_ID\",\n"
      "              tag id {}\n            }}\n          }},\n          starts {{\n            162,\n"
      "            22,\n            194,\n            -1,\n            197,\n            54\n          }},\n"
      "          lens {{\n            32,\n            3,\n            18\n          }},\n          strands "
      "{{\n",
      query + 1, subject);
  for (int i = 0; i < 6; ++i) text += i < 5 ? "            unknown,\n" : "            unknown\n";
  return text + "          }\n        }\n      }";
}

// The subjects of shard `shard` of `shards`.
std::string archive_text(int shard, int shards) {
  std::string text =
      "Blast4-archive ::= {\n  request {\n    ident \"2.12.0+\",\n    body queue-search {\n"
      "      program \"blastp\",\n      service \"plain\",\n      queries bioseq-set {\n        seq-set {\n";
  for (int query = 0; query < kQueries; ++query)
    text += fmt::format(
        "          seq {{\n            id {{\n              local str \"Query_{}\"\n            }},\n"
        "            inst {{\n              repr raw,\n              mol aa,\n              length 100\n"
        "            }}\n          }}{}\n",
        query + 1, query + 1 < kQueries ? "," : "");
  text += "        }\n      },\n      subject database \"p\"\n    }\n  },\n  results {\n    alignments {";
  std::string_view before = "\n";
  for (int query = 0; query < kQueries; ++query) {
    for (int subject = shard; subject < kSubjects; subject += shards) {
      text += before;
      text += alignment(query, subject);
      before = ",\n";
    }
  }
  return text + "\n    },\n    masks {\n    }\n  }\n}\n";
}

Status drop(std::string_view text) {
  benchmark::DoNotOptimize(text.data());
  return ok();
}

void read(benchmark::State& state) {
  const std::string text = archive_text(0, 1);
  for (auto _ : state) {
    Reader reader(pull_text(text), "archive");
    if (!reader.next_archive()) return state.SkipWithError("no archive");
    while (reader.next_alignment().value() != nullptr) {
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(read);

void merge(benchmark::State& state) {
  const int count = static_cast<int>(state.range(0));
  std::vector<std::string> texts;
  std::int64_t bytes = 0;
  for (int shard = 0; shard < count; ++shard) texts.push_back(archive_text(shard, count));
  for (const std::string& text : texts) bytes += static_cast<std::int64_t>(text.size());
  for (auto _ : state) {
    std::vector<Shard> shards;
    shards.reserve(texts.size());
    for (const std::string& text : texts) shards.push_back({pull_text(text), "shard"});
    if (!merge_shards(std::move(shards), {}, drop)) return state.SkipWithError("not merged");
  }
  state.SetBytesProcessed(state.iterations() * bytes);
}
BENCHMARK(merge)->Arg(1)->Arg(4)->Arg(16);

void copy(benchmark::State& state) {
  const std::string text = archive_text(0, 1);
  for (auto _ : state)
    if (!copy_part(11, pull_text(text), "part", {.first_query = 100, .database = "p"}, drop))
      return state.SkipWithError("not copied");
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(copy);

}  // namespace
}  // namespace loom::archive

BENCHMARK_MAIN();
