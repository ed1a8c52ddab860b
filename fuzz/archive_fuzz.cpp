// Any bytes as the output of -outfmt 8, 9, 11 or 12 (the first byte chooses): tokens put back in their own
// places give the input; a part that is first in its run is copied as it stands; and an archive, once merged,
// is the merge of any split of its subjects if it shows their order.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "archive/merge.hpp"
#include "archive/stitch.hpp"
#include "base/check.hpp"

namespace ar = loom::archive;

namespace {

void check_tokens(const std::string& text, std::size_t piece, ar::Dialect dialect) {
  std::string copy;
  ar::Scanner scanner(ar::pull_text(text, piece), "input", dialect);
  scanner.copy_to(ar::append_to(copy));
  while (scanner.next() != ar::TokenKind::end) {
    if (scanner.token().kind == ar::TokenKind::broken) return;
    scanner.replace(scanner.token().text);
  }
  LOOM_CHECK(scanner.stop_copy() && copy == text, "tokens in their places are the input");
}

void check_part(const std::string& text, std::size_t piece, int outfmt) {
  std::string copy;
  if (ar::copy_part(outfmt, ar::pull_text(text, piece), "input", {}, ar::append_to(copy)))
    LOOM_CHECK(copy == text, "the first part is copied as it stands");
}

// An archive's subjects keep the order of `ranks`, so that it survives a split.
using Ranks = std::map<std::string, std::uint64_t>;

bool merge(const std::vector<std::string>& shards, Ranks& ranks, std::string& out) {
  std::vector<ar::Shard> sources;
  for (const std::string& shard : shards) sources.push_back({ar::pull_text(shard), "shard"});
  ar::MergeSpec spec;
  spec.max_subjects = SIZE_MAX;
  spec.oid_of = [&](const ar::SeqId& id) -> loom::Result<std::uint64_t> {
    return (std::uint64_t{1} << 62U) - ranks.try_emplace(id.text, ranks.size()).first->second;
  };
  return merge_shards(std::move(sources), spec, ar::append_to(out)).has_value();
}

// `text` with the subjects of which shard_of says `shard`.
std::string split(const std::string& text, std::size_t shard, std::size_t shards) {
  std::string out;
  ar::Reader reader(ar::pull_text(text), "whole",
                    {.keep_text = true, .frame = ar::append_to(out), .database = {}});
  while (reader.next_archive().value() != nullptr) {
    const char* before = "\n      ";
    while (const ar::Alignment* found = reader.next_alignment().value()) {
      if (std::hash<std::string>()(found->subject.text) % shards != shard) continue;
      out += std::exchange(before, ",\n      ") + found->text;
    }
  }
  return out;
}

struct Subject {
  std::size_t query = 0;
  ar::SeqId id;
  std::int64_t score = 0;
  double evalue = 0;
};

// Whether every pair of neighbours has one order only, by what the engine prints: a better E-value, a higher
// score, a higher OID. What it does not print cannot survive a split.
bool ordered(const std::string& text) {
  constexpr double kZeroEvalue = 1e-180;  // below it they are all the same to the engine
  ar::Reader reader(ar::pull_text(text), "whole");
  std::vector<Subject> subjects;
  while (reader.next_archive().value() != nullptr) {
    const std::size_t first = subjects.size();
    while (const ar::Alignment* found = reader.next_alignment().value()) {
      const double evalue = found->evalue < kZeroEvalue ? 0 : found->evalue;
      if (subjects.size() > first && subjects.back().query == found->query &&
          subjects.back().id.text == found->subject.text) {
        subjects.back().evalue = std::min(subjects.back().evalue, evalue);
      } else {
        subjects.push_back({found->query, found->subject, found->score, evalue});
      }
    }
    for (std::size_t i = first + 1; i < subjects.size(); ++i) {
      const Subject& a = subjects[i - 1];
      const Subject& b = subjects[i];
      if (a.query != b.query || a.evalue < b.evalue) continue;
      if (!(a.evalue <= b.evalue) || a.score < b.score) return false;
      if (a.score == b.score && (!a.id.oid || !b.id.oid || *a.id.oid <= *b.id.oid)) return false;
    }
  }
  return true;
}

void check_merge(const std::string& text) {
  Ranks ranks;
  std::string whole;
  if (!merge({text}, ranks, whole) || !ordered(whole)) return;
  std::string again;
  LOOM_CHECK(merge({split(whole, 0, 2), split(whole, 1, 2)}, ranks, again), "halves merge");
  LOOM_CHECK(again == whole, "a split and a merge change nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(data + 1, data + size);
  const std::size_t piece = 1 + data[0] / 4U;
  switch (data[0] % 4U) {
    case 0:
      check_tokens(text, piece, ar::Dialect::asn);
      check_part(text, piece, 8);
      break;
    case 1:
      check_part(text, piece, 9);
      break;
    case 2:
      check_merge(text);
      break;
    default:
      check_tokens(text, piece, ar::Dialect::json);
      check_part(text, piece, 12);
      break;
  }
  return 0;
}
