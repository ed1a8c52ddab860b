#include "results/hit_index.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "base/temp_dir.hpp"

namespace loom::results {
namespace {

constexpr std::string_view kText =
    "# BLASTP 2.12.0+\n# Query: q1 first query\n# Database: db\n"
    "# Fields: query acc.ver, subject acc.ver, % identity, alignment length, mismatches, gap opens, q. "
    "start, "
    "q. end, s. start, s. end, evalue, bit score, query length, subject length, score, subject tax ids, "
    "query seq, "
    "subject seq, subject sci names, BTOP, subject title\n"
    "# 4 hits found\n"
    "q1\ts1\t90.000\t50\t5\t0\t1\t50\t1\t50\t1e-30\t 105\t100\t200\t260\t9606\tAAA\tAAC\tHomo "
    "sapiens\t2AC\tkinase\tA\n"
    "q1\ts1\t40.500\t30\t9\t0\t41\t70\t60\t90\t0.002\t30.1\t100\t200\t60\t9606\tTT\tTA\tHomo "
    "sapiens\t1TA\tkinase\tA\n"
    "q1\ts2\t99.000\t20\t0\t0\t1\t20\t1\t20\t1e-30\t 100\t100\t90\t250\t10090;9606\tG\tG\tMus\t1\tother 50%\n"
    "q1\ts3\t10.000\t10\t0\t0\t91\t100\t1\t10\t5.0\t20.5\t100\t90\t40\tN/A\tG\tG\tN/A\t1\tthird\n"
    "# BLASTP 2.12.0+\n# Query: q2 nothing is like it\n# Database: db\n# 0 hits found\n"
    "# BLASTP 2.12.0+\n# Query: q3\n# Database: db\n"
    "# Fields: query acc.ver, subject acc.ver, % identity, alignment length, mismatches, gap opens, q. "
    "start, "
    "q. end, s. start, s. end, evalue, bit score, query length, subject length, score, subject tax ids, "
    "query seq, "
    "subject seq, subject sci names, BTOP, subject title\n"
    "# 1 hits found\n"
    "q3\ts2\t95.000\t25\t0\t0\t25\t1\t1\t25\t1e-9\t88.8\t25\t90\t210\t10090;9606\tG\tG\tMus\t1\tother 50%\n"
    "# BLAST processed 3 queries\n";

/// Gives `text` in pieces of `piece` bytes.
ReadBytes pieces(std::string_view text, std::size_t piece) {
  return [text, piece](std::span<char> into) mutable -> Result<std::size_t> {
    const std::size_t count = std::min({piece, text.size(), into.size()});
    text.copy(into.data(), count);
    text.remove_prefix(count);
    return count;
  };
}

class HitIndexTest : public testing::Test {
 protected:
  std::shared_ptr<HitIndex> make(std::string_view text, std::optional<Layout> layout = {},
                                 std::size_t piece = 7, Duration patience = std::chrono::hours(1)) {
    const auto path = folder_->path() / "hits";
    const auto built = build_index(path, std::move(layout), pieces(text, piece));
    EXPECT_TRUE(built) << built.error().message;
    if (!built) return nullptr;
    counts_ = *built;
    auto opened = HitIndex::open(path, patience);
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? *opened : nullptr;
  }
  std::string refused(std::string_view text, std::optional<Layout> layout = {}) {
    const auto built = build_index(folder_->path() / "bad", std::move(layout), pieces(text, 100));
    EXPECT_FALSE(built);
    EXPECT_TRUE(std::filesystem::is_empty(folder_->path()) ||
                !std::filesystem::exists(folder_->path() / "bad.part"));
    return built ? "" : built.error().message;
  }

  Result<TempDir> folder_ = TempDir::create();
  IndexCounts counts_;
};

std::vector<std::string> names(const Result<Page<HspRow>>& page) {
  std::vector<std::string> found;
  EXPECT_TRUE(page) << page.error().message;
  if (!page) return found;
  for (const HspRow& row : page->rows)
    found.push_back(fmt::format("{} {} {}", row.query.name, row.subject.name, row.hsp.evalue));
  return found;
}

Filter filter(std::string_view text) {
  return Filter::parse(text).value();
}

TEST_F(HitIndexTest, QueriesWithAndWithoutHits) {
  const auto index = make(kText);
  ASSERT_TRUE(index);
  EXPECT_EQ(counts_.queries, 3U);
  EXPECT_EQ(index->counts().queries_with_hits, 2U);
  EXPECT_EQ(index->counts().subjects, 3U);
  EXPECT_EQ(index->counts().hits, 4U);
  EXPECT_EQ(index->counts().hsps, 5U);
  const auto page = index->queries({}, Deadline::never());
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->total, 3U);
  ASSERT_EQ(page->rows.size(), 3U);
  EXPECT_EQ(page->rows[0].title, "q1 first query");
  EXPECT_EQ(page->rows[0].length, 100);
  EXPECT_EQ(page->rows[0].hits, 3);
  EXPECT_EQ(page->rows[0].evalue, "1e-30");
  EXPECT_EQ(page->rows[0].bitscore, "105");
  EXPECT_EQ(page->rows[0].best_subject, "s1");
  EXPECT_EQ(page->rows[1].name, "q2");
  EXPECT_EQ(page->rows[1].hits, 0);
  EXPECT_EQ(page->rows[1].length, std::nullopt);
  EXPECT_EQ(page->rows[1].evalue, "");
  EXPECT_EQ(page->rows[1].best_subject, "");
  const auto found = index->queries({.find = "NOTHING"}, Deadline::never());
  ASSERT_EQ(found->rows.size(), 1U);
  EXPECT_EQ(found->total, 1U);
  const auto sorted = index->queries({.sort = Sort::evalue}, Deadline::never());
  EXPECT_EQ(sorted->rows[2].name, "q2") << "no hits are last";
}

TEST_F(HitIndexTest, HitsSumUpTheirHsps) {
  const auto index = make(kText);
  ASSERT_TRUE(index);
  const auto page = index->hits({.query = 0, .alignments = true}, Deadline::never());
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->rows.size(), 3U);
  const Hit& hit = page->rows[0];
  EXPECT_EQ(hit.subject.name, "s1");
  EXPECT_EQ(hit.subject.title, "kinase\tA") << "a title may hold a tab";
  EXPECT_EQ(hit.subject.sciname, "Homo sapiens");
  EXPECT_EQ(hit.evalue, "1e-30");
  EXPECT_EQ(hit.bitscore, "105");
  EXPECT_EQ(hit.total, "135");
  EXPECT_EQ(hit.pident, "90.000");
  EXPECT_EQ(hit.coverage, 70) << "the HSPs overlap";
  EXPECT_EQ(hit.length, 50);
  ASSERT_EQ(hit.hsps.size(), 2U);
  EXPECT_EQ(hit.hsps[1].evalue, "0.002");
  EXPECT_EQ(hit.hsps[1].qseq, "TT");
  EXPECT_EQ(hit.hsps[1].others, "1TA");
  EXPECT_EQ(index->others(), std::vector<std::string>{"btop"});
  EXPECT_EQ(page->rows[2].subject.taxids, "N/A");
  EXPECT_EQ(page->rows[1].index, 1);
  const auto other = index->hits({.query = 2}, Deadline::never());
  EXPECT_EQ(other->rows.at(0).coverage, 100) << "a minus strand counts too";
  EXPECT_EQ(other->rows.at(0).index, 0);
  EXPECT_EQ(index->hits({.query = 3}, Deadline::never()).error().message,
            "there is no query 3; they are numbered from 0 to 2");
  EXPECT_TRUE(index->hits({.query = 1}, Deadline::never())->rows.empty());
}

TEST_F(HitIndexTest, FiltersAndSorts) {
  const auto index = make(kText);
  ASSERT_TRUE(index);
  const auto ask = [&](std::string_view where, Sort sort = Sort::blast) {
    return names(index->hsps({.filter = filter(where), .sort = sort}, Deadline::never()));
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(ask("pident>90"), (Names{"q1 s2 1e-30", "q3 s2 1e-9"}));
  EXPECT_EQ(ask("taxid=9606 and evalue<=1e-30"), (Names{"q1 s1 1e-30", "q1 s2 1e-30"}));
  EXPECT_EQ(ask("not taxid=9606"), (Names{"q1 s3 5.0"}));
  EXPECT_EQ(ask("title contains '50%'", Sort::bitscore), (Names{"q1 s2 1e-30", "q3 s2 1e-9"}));
  EXPECT_EQ(ask("", Sort::evalue),
            (Names{"q1 s1 1e-30", "q1 s2 1e-30", "q3 s2 1e-9", "q1 s1 0.002", "q1 s3 5.0"}));
  EXPECT_EQ(ask("query=q3"), (Names{"q3 s2 1e-9"}));
  EXPECT_EQ(ask("organism contains 'sapiens' and coverage<50"), (Names{"q1 s1 0.002"}));
  const auto total = index->hsps({.filter = filter("pident>90"), .limit = 0}, Deadline::never());
  EXPECT_EQ(total->total, 2U);
  EXPECT_TRUE(total->rows.empty());
}

TEST_F(HitIndexTest, SubjectsOverAllQueries) {
  const auto index = make(kText);
  ASSERT_TRUE(index);
  const auto page = index->subjects({.sort = Sort::hits}, Deadline::never());
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->rows.size(), 3U);
  EXPECT_EQ(page->rows[0].subject.name, "s2");
  EXPECT_EQ(page->rows[0].queries, 2);
  EXPECT_EQ(page->rows[0].evalue, 1e-30);
  EXPECT_EQ(index->subjects({.taxid = 10090}, Deadline::never())->rows.size(), 1U);
  EXPECT_EQ(index->subjects({.find = "KIN"}, Deadline::never())->rows.size(), 1U);
}

TEST_F(HitIndexTest, DepthAlongTheQuery) {
  const auto index = make(kText);
  ASSERT_TRUE(index);
  const auto depth = index->depth(0, Deadline::never());
  ASSERT_TRUE(depth);
  ASSERT_EQ(depth->size(), 100U);
  EXPECT_EQ((*depth)[0], 2U);
  EXPECT_EQ((*depth)[20], 1U);
  EXPECT_EQ((*depth)[40], 2U);
  EXPECT_EQ((*depth)[70], 0U);
  EXPECT_EQ((*depth)[99], 1U);
  EXPECT_TRUE(index->depth(1, Deadline::never())->empty());
}

TEST_F(HitIndexTest, StandardColumnsWithoutComments) {
  const auto index = make(
      "q1\ts1\t90.000\t50\t5\t0\t1\t50\t1\t50\t1e-30\t 105\nq2\ts1\t40.5\t30\t9\t0\t4\t7\t6\t9\t2.1\t30.1");
  ASSERT_TRUE(index);
  EXPECT_EQ(counts_.queries, 2U);
  EXPECT_EQ(counts_.subjects, 1U);
  const auto page = index->hits({}, Deadline::never());
  EXPECT_EQ(page->rows.at(1).evalue, "2.1");
  EXPECT_EQ(page->rows.at(1).coverage, 0) << "the length of the query is not known";
}

TEST_F(HitIndexTest, BadOutputNamesTheLine) {
  EXPECT_EQ(refused("q1\ts1\t90.000\n"),
            "line 1: a row of 3 columns where 12 are due; name the columns as the search did (-outfmt)");
  EXPECT_EQ(refused("q1\ts1\t90.000\t50\t5\t0\tx\t50\t1\t50\t1e-30\t 105\n"),
            "line 1: column qstart: not a number: 'x'");
  EXPECT_EQ(refused("# Query: a\n# Fields: query id, colour\n"),
            "line 2: 'colour' is no column that BLAST+ knows");
  const auto layout = Layout::of(blast::parse_outfmt(blast::Program::blastp, "6 qaccver evalue").value());
  EXPECT_EQ(layout.error().message,
            "tabular output without the column saccver cannot be indexed; ask for at least 'std'");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(build_index(folder_->path() / "x", {}, pieces(kText, 9), stop.get_token()).error().code,
            Code::cancelled);
}

TEST_F(HitIndexTest, WhatIsCompleteNeedsNoOtherOutput) {
  const auto complete = [](std::string_view outfmt) {
    return is_complete(blast::parse_outfmt(blast::Program::blastp, outfmt).value());
  };
  EXPECT_TRUE(complete(kIndexOutfmt));
  EXPECT_TRUE(complete("7 std qlen slen score nident positive gaps qframe sframe staxids sscinames stitle"));
  EXPECT_FALSE(complete("6 std qlen slen score nident positive gaps qframe sframe staxids sscinames stitle"));
  EXPECT_FALSE(complete("7"));
  EXPECT_FALSE(complete("0"));
}

/// 3 queries with thousands of HSPs, and many ties in every sort.
std::string many_rows() {
  std::string text;
  for (int query = 0; query < 3; ++query)
    for (int hit = 0; hit < 4000; ++hit)
      text += fmt::format("q{}\ts{}\t{}.000\t{}\t0\t0\t1\t50\t1\t50\t{}e-{:02}\t{}\n", query, hit,
                          hit * 7 % 101, hit * 13 % 50, query + 1, hit % 40, hit % 91);
  return text;
}

class Paging : public HitIndexTest, public testing::WithParamInterface<std::tuple<Sort, Duration>> {};

TEST_P(Paging, EveryRowComesOnceInOrder) {
  static const std::string text = many_rows();
  const auto [sort, patience] = GetParam();
  const auto index = make(text, {}, 10'000, patience);
  ASSERT_TRUE(index);
  for (const char* where : {"", "pident>=50", "length<2 and title contains 'x'",
                            "pident<200 and length!=7 and not length=9", "subject=s77"}) {
    for (const std::optional<std::int64_t> query :
         {std::optional<std::int64_t>(), std::optional<std::int64_t>(1)}) {
      PageRequest request{.filter = filter(where), .query = query, .sort = sort, .limit = 997};
      const auto total =
          index->hsps({.filter = request.filter, .query = query, .limit = 0}, Deadline::never());
      std::vector<std::pair<double, std::int64_t>> seen;
      std::set<std::int64_t> ids;
      do {
        const auto page = index->hsps(request, Deadline::never());
        ASSERT_TRUE(page) << page.error().message;
        for (const HspRow& row : page->rows) {
          double key = 0;
          if (sort == Sort::evalue) key = std::stod(row.hsp.evalue);
          if (sort == Sort::bitscore) key = -std::stod(row.hsp.bitscore);
          if (sort == Sort::pident) key = -std::stod(row.hsp.pident);
          if (sort == Sort::length) key = -static_cast<double>(row.hsp.length);
          seen.emplace_back(key, row.hsp.id);
          ids.insert(row.hsp.id);
        }
        request.after = page->next;
      } while (!request.after.empty());
      EXPECT_TRUE(std::ranges::is_sorted(seen));
      EXPECT_EQ(ids.size(), seen.size());
      EXPECT_EQ(seen.size(), total->total);
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Sorts, Paging,
                         testing::Combine(testing::Values(Sort::blast, Sort::evalue, Sort::bitscore,
                                                          Sort::pident, Sort::length, Sort::coverage),
                                          testing::Values(Duration(), Duration(std::chrono::hours(1)))));

TEST_F(HitIndexTest, CursorsOfOtherRequestsAreRefused) {
  const auto index = make(many_rows(), {}, 10'000);
  ASSERT_TRUE(index);
  const auto page = index->hits({.limit = 2}, Deadline::never());
  EXPECT_FALSE(page->next.empty());
  EXPECT_EQ(index->hits({.sort = Sort::evalue, .after = page->next}, Deadline::never()).error().code,
            Code::invalid_argument);
  EXPECT_EQ(index->hits({.after = "blast-0"}, Deadline::never()).error().code, Code::invalid_argument);
}

TEST_F(HitIndexTest, AnotherVersionIsRefused) {
  EXPECT_EQ(HitIndex::open(folder_->path() / "none").error().code, Code::not_found);
  const auto path = folder_->path() / "text";
  std::ofstream(path) << "this is no SQLite database, whatever its name may say; it is only text";
  EXPECT_EQ(HitIndex::open(path).error().code, Code::corrupt);
}

}  // namespace
}  // namespace loom::results
