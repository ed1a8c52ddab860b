#include "results/hit_index.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <random>
#include <set>

#include "base/temp_dir.hpp"
#include "results/columns.hpp"
#include "taxonomy/image.hpp"

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
                                 std::size_t piece = 7, const PageEffort& effort = {}) {
    const auto path = folder_->path() / "hits";
    const auto built = build_index(path, std::move(layout), pieces(text, piece));
    EXPECT_TRUE(built) << built.error().message;
    if (!built) return nullptr;
    counts_ = *built;
    auto opened = HitIndex::open(path, taxonomy_, effort);
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

  /// Life (1) above mammals (20), above Homo sapiens (9606) and the mouse (10090).
  Result<std::shared_ptr<const taxonomy::Taxonomy>> small_taxonomy() {
    const auto dump = folder_->path() / "dump";
    std::filesystem::create_directory(dump);
    std::ofstream nodes(dump / "nodes.dmp");
    std::ofstream names(dump / "names.dmp");
    for (const auto& [id, parent] : {std::pair{1, 1}, {20, 1}, {9606, 20}, {10090, 20}, {562, 1}}) {
      nodes << fmt::format("{}\t|\t{}\t|\tno rank\t|\n", id, parent);
      names << fmt::format("{}\t|\ttaxon {}\t|\t\t|\tscientific name\t|\n", id, id);
    }
    nodes.close();
    names.close();
    const auto made = taxonomy::import_taxdump(dump, folder_->path() / "tree");
    EXPECT_TRUE(made) << made.error().message;
    return taxonomy::Taxonomy::open(folder_->path() / "tree");
  }

  Result<TempDir> folder_ = TempDir::create();
  IndexCounts counts_;
  OpenTaxonomy taxonomy_;
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
  const auto one = index->queries({.query = 1}, Deadline::never());
  ASSERT_EQ(one->rows.size(), 1U);
  EXPECT_EQ(one->rows[0].name, "q2");
  EXPECT_EQ(one->total, 1U);
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

TEST_F(HitIndexTest, NoOrganismIsEmptyInAnswersAndFilters) {
  const auto index = make(kText);
  ASSERT_TRUE(index);
  const auto ask = [&](Filter wanted) {
    return names(index->hsps({.filter = std::move(wanted)}, Deadline::never()));
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(ask(filter("organism=''")), (Names{"q1 s3 5.0"}));
  EXPECT_EQ(ask(filter("organism contains n/a")), Names{});
  EXPECT_EQ(ask(filter("organism!='' and subject=s3")), Names{});
  Filter word;
  word.also_word("n/a");
  EXPECT_EQ(ask(std::move(word)), Names{});
  EXPECT_EQ(index->hits({.query = 0}, Deadline::never())->rows.at(2).subject.sciname, "");
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
  EXPECT_EQ(page->rows.at(1).coverage, std::nullopt) << "the length of the query is not known";
}

TEST_F(HitIndexTest, WhatNoColumnTellsIsNoReasonToLeaveRowsOut) {
  const auto index = make("q1\ts1\t90.000\t50\t5\t0\t1\t50\t1\t50\t1e-30\t 105\n");
  ASSERT_TRUE(index);
  for (const char* where : {"coverage>50", "not (length>1 or title contains a)", "taxid!=9606"})
    EXPECT_THAT(index->hits({.filter = filter(where)}, Deadline::never()).error().message,
                testing::HasSubstr("is not known of this result, which has no column"));
  EXPECT_EQ(index->hsps({.sort = Sort::coverage}, Deadline::never()).error().message,
            "sort: coverage is not known of this result, which has no column qlen; search with it: -outfmt "
            "'6 std qlen'");
  Filter words;
  words.also_word("s1");
  EXPECT_EQ(index->hits({.filter = words}, Deadline::never())->rows.size(), 1U);
  EXPECT_TRUE(make("")->hits({.filter = filter("coverage>50")}, Deadline::never()))
      << "nothing is told of no rows";
}

TEST_F(HitIndexTest, RowsOfAQueryStandTogether) {
  const auto row = [](std::string_view query) {
    return fmt::format("{}\ts1\t90.000\t50\t5\t0\t1\t50\t1\t50\t1e-30\t105\n", query);
  };
  EXPECT_EQ(
      refused(row("q1") + row("q2") + row("q1")),
      "row 3: the rows of query q1 are not together; sort them (sort -s -k1,1), or take -outfmt 7 if two "
      "queries have this name");
  EXPECT_TRUE(make("# Query: q1\n" + row("q1") + "# Query: q2\n" + row("q2") + "# Query: q1\n" + row("q1")));
  EXPECT_EQ(refused("# Query: q1\n# Query: q2\n" + row("q1") + row("q2")),
            "line 4: a row of q2 stands among those of q1; sort no output with comments");
  EXPECT_EQ(refused(row("q1") + "# Query: q1\n"), "line 2: rows stand before the first '# Query:'");
}

TEST_F(HitIndexTest, OwnColumnsOfAJobAreIndexedToo) {
  const auto format = [](std::string_view own) {
    return index_outfmt(blast::parse_outfmt(blast::Program::blastp, own).value());
  };
  EXPECT_EQ(format("5"), kIndexOutfmt);
  EXPECT_EQ(format("6 std btop qlen sseqid salltitles"),
            "7 std qlen slen score nident positive gaps qframe sframe staxids sscinames qseq sseq btop "
            "sseqid stitle");
}

TEST_F(HitIndexTest, ATableThatIsCutShortIsRefused) {
  const std::string begun = "# BLASTP 2.12.0+\n# Query: a\n# Database: db\n# 0 hits found\n";
  EXPECT_THAT(refused(begun), testing::StartsWith("line 4: the table is cut short"));
  EXPECT_THAT(refused(begun + "# BLAST processed 1 queries\n" + begun),
              testing::StartsWith("line 9: the table"));
  EXPECT_TRUE(make(begun + begun + "# BLAST processed 2 queries"));
  EXPECT_TRUE(make("# BLASTP 2.2.26 [Sep-21-2011]\n# Query: a\n")) << "which never said so";
}

TEST_F(HitIndexTest, BadOutputNamesTheLine) {
  EXPECT_EQ(refused("q1\ts1\t90.000\n"),
            "line 1: a row of 3 columns where 12 are due; name the columns as the search did (-outfmt)");
  EXPECT_EQ(refused("q1\ts1\t90.000\t50\t5\t0\tx\t50\t1\t50\t1e-30\t 105\n"),
            "line 1: column qstart: not a number: 'x'");
  EXPECT_EQ(refused("q1\ts1\t90.000\t50\t5\t0\t1\t50\t1\t50\tnan\t 105\n"),
            "line 1: column evalue: not a number: 'nan'");
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
      text += fmt::format("q{}\ts{}\t{}.000\t{}\t0\t0\t1\t50\t1\t50\t{}e-{:02}\t{}\t100\tx\n", query, hit,
                          hit * 7 % 101, hit * 13 % 50, query + 1, hit % 40, hit % 91);
  return text;
}

std::optional<Layout> layout_of_many() {
  return Layout::of(blast::parse_outfmt(blast::Program::blastp, "6 std qlen stitle").value()).value();
}

class Paging : public HitIndexTest, public testing::WithParamInterface<std::tuple<Sort, PageEffort>> {};

TEST_P(Paging, EveryRowComesOnceInOrder) {
  static const std::string text = many_rows();
  const auto [sort, effort] = GetParam();
  const auto index = make(text, layout_of_many(), 10'000, effort);
  ASSERT_TRUE(index);
  for (const char* where :
       {"", "pident>=50", "length<2 and title contains 'x'", "pident<200 and length!=7 and not length=9",
        "subject=s77", "not (subject=s77 or title contains 'y' or pident<50) and coverage=50",
        "mismatch=0 and subject!=s77"}) {
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
                                          testing::Values(PageEffort{}, PageEffort{Duration(), 0},
                                                          PageEffort{std::chrono::hours(1), 0})));

TEST_F(HitIndexTest, APageIsTheSameForWhoComesByItsCursorFirst) {
  const std::string text = many_rows();
  const auto known = make(text, layout_of_many(), 10'000);
  ASSERT_TRUE(known);
  const PageEffort scans{.patience = Duration(), .scanned_rows = 0};
  for (const Sort sort : {Sort::evalue, Sort::pident, Sort::coverage}) {
    PageRequest request{.filter = filter("length!=7"), .sort = sort, .limit = 1500};
    do {
      const auto page = known->hsps(request, Deadline::never());
      ASSERT_TRUE(page) << page.error().message;
      const auto fresh = make(text, layout_of_many(), 10'000, scans);
      ASSERT_TRUE(fresh);
      const auto same = fresh->hsps(request, Deadline::never());
      ASSERT_TRUE(same) << same.error().message;
      EXPECT_EQ(names(same), names(page));
      EXPECT_EQ(same->next, page->next);
      request.after = page->next;
    } while (!request.after.empty());
  }
}

TEST_F(HitIndexTest, ZonesWithoutAWantedRowHideNone) {
  // The first 4,000 of the 9,000 hits of each query are wanted, and one in the middle of the others.
  std::string text;
  std::vector<std::int64_t> wanted;
  for (int query = 0; query < 3; ++query)
    for (int hit = 0; hit < 9000; ++hit) {
      const bool good = hit < 4000 || hit == 7000;
      if (good) wanted.push_back(query * 9000 + hit);
      text += fmt::format("q{}\ts{}\t{}.000\t{}\t0\t0\t1\t50\t1\t50\t1e-{}\t{}\t100\tx\n", query, hit,
                          good ? 99 : 10, good ? 50 : 8, good ? 30 : 3, good ? 200 : 40);
    }
  const auto index = make(text, layout_of_many(), 100'000);
  ASSERT_TRUE(index);
  for (const char* where : {"pident>90", "evalue<=1e-30 and length=50", "bitscore>=200 and not mismatch=1",
                            "evalue<1e-10 and pident>98.5 and bitscore<1000", "pident=99"}) {
    PageRequest request{.filter = filter(where), .limit = 700};
    std::vector<std::int64_t> hsps;
    do {
      const auto page = index->hsps(request, Deadline::never());
      ASSERT_TRUE(page) << page.error().message;
      for (const HspRow& row : page->rows) hsps.push_back(row.hsp.id);
      request.after = page->next;
    } while (!request.after.empty());
    EXPECT_EQ(hsps, wanted) << where;
  }
  PageRequest of_one{.filter = filter("pident>90"), .query = 1, .limit = 1000};
  EXPECT_EQ(index->hits(of_one, Deadline::never())->rows.front().id, 9000);
  of_one.limit = 0;  // counted however long it takes
  EXPECT_EQ(index->hits(of_one, Deadline::never())->total, 4001U);
  const auto range = index->hsps(
      {.filter = filter("pident<=10"), .limit = 1, .hsps = std::pair{3900, 16'500}}, Deadline::never());
  EXPECT_EQ(range->rows.front().hsp.id, 4000);
}

/// An HSP, of a hit of its own.
struct Numbers {
  double evalue = 0, bits = 0, pident = 0, length = 0, coverage = 0, mismatch = 0;
  int subject = 0;
  std::int64_t id = 0;

  [[nodiscard]] double key(Sort sort) const {
    if (sort == Sort::evalue) return evalue;
    if (sort == Sort::bitscore) return bits;
    if (sort == Sort::pident) return pident;
    if (sort == Sort::length) return length;
    return sort == Sort::coverage ? coverage : static_cast<double>(id + 1);
  }
};

/// More than one run of zones, with few distinct values, of which neighbours have much the same.
std::vector<Numbers> stretches(std::mt19937& chance) {
  std::vector<Numbers> rows;
  const auto up_to = [&chance](unsigned most) { return static_cast<double>(chance() % (most + 1)); };
  while (std::ssize(rows) < kRunRows + 3'210) {
    const double level = up_to(7);
    for (unsigned left = 20 + chance() % 300; left > 0; --left)
      rows.push_back({.evalue = std::pow(10, -level - up_to(2)),
                      .bits = 20 + level + up_to(3),
                      .pident = 10 * (level + up_to(2)),
                      .length = 100 - level - up_to(1),
                      .coverage = 1 + level,
                      .mismatch = up_to(4),
                      .subject = static_cast<int>(chance() % 50),
                      .id = std::ssize(rows)});
  }
  return rows;
}

TEST_F(HitIndexTest, ZonesFindTheRowsThatALookAtAllFinds) {
  std::mt19937 chance(1);
  const std::vector<Numbers> all = stretches(chance);
  std::string text;
  for (const Numbers& row : all)
    text +=
        fmt::format("q{}\ts{}\t{}\t{}\t{}\t0\t1\t{}\t1\t50\t{}\t{}\t100\tx{}\n", row.id / 20'000, row.subject,
                    row.pident, row.length, row.mismatch, row.coverage, row.evalue, row.bits, row.subject);
  const auto scans = make(text, layout_of_many(), 100'000);
  ASSERT_TRUE(scans);
  const auto zones = HitIndex::open(folder_->path() / "hits", {}, {.scanned_rows = 0}).value();
  const auto at_once =
      HitIndex::open(folder_->path() / "hits", {}, {.patience = {}, .scanned_rows = 0}).value();
  using Row = const Numbers&;
  const std::vector<std::pair<const char*, std::function<bool(Row)>>> filters{
      {"pident>60", [](Row row) { return row.pident > 60; }},
      {"pident>=90 and evalue<1e-7", [](Row row) { return row.pident >= 90 && row.evalue < 1e-7; }},
      {"pident=0 or bitscore>=30", [](Row row) { return row.pident == 0 || row.bits >= 30; }},
      {"not (length<=95 or coverage=3)", [](Row row) { return row.length > 95 && row.coverage != 3; }},
      {"coverage!=8", [](Row row) { return row.coverage != 8; }},
      {"not not coverage=8", [](Row row) { return row.coverage == 8; }},
      {"not (pident>0 and not length=100)", [](Row row) { return row.pident == 0 || row.length == 100; }},
      {"subject=s7 and pident<50", [](Row row) { return row.subject == 7 && row.pident < 50; }},
      {"title contains 'x1' or pident=90",
       [](Row row) { return row.subject == 1 || row.subject / 10 == 1 || row.pident == 90; }},
      {"not subject=s7 and length<1000", [](Row row) { return row.subject != 7; }},
      {"pident>1000 or subject=none", [](Row) { return false; }},
      {"pident>=0", [](Row) { return true; }},
      {"mismatch>2 and pident>=80", [](Row row) { return row.mismatch > 2 && row.pident >= 80; }},
      {"mismatch=2 or pident=90", [](Row row) { return row.mismatch == 2 || row.pident == 90; }},
  };
  for (const auto& [where, passes] : filters) {
    for (const std::optional<std::int64_t> query :
         {std::optional<std::int64_t>(), std::optional<std::int64_t>(1)}) {
      std::vector<Numbers> wanted;
      std::ranges::copy_if(all, std::back_inserter(wanted),
                           [&](Row row) { return passes(row) && (!query || row.id / 20'000 == *query); });
      for (const Sort sort :
           {Sort::blast, Sort::evalue, Sort::bitscore, Sort::pident, Sort::length, Sort::coverage}) {
        const double sign = sort == Sort::blast || sort == Sort::evalue ? 1 : -1;
        std::ranges::sort(wanted, {}, [&](Row row) { return std::pair(sign * row.key(sort), row.id); });
        std::vector<std::size_t> places{0};
        for (int i = 0; i < 3 && !wanted.empty(); ++i) places.push_back(chance() % wanted.size());
        places.push_back(0);
        for (const auto& index : {scans, zones, at_once}) {
          for (const std::size_t place : places) {
            SCOPED_TRACE(
                fmt::format("{} by {}, {} of {}", where, static_cast<int>(sort), place, wanted.size()));
            PageRequest request{.filter = filter(where), .query = query, .sort = sort, .limit = 60};
            if (place > 0)
              request.after = page_cursor_text({wanted[place - 1].key(sort), wanted[place - 1].id + 1}, sort);
            const auto page = index->hsps(request, Deadline::never());
            ASSERT_TRUE(page) << page.error().message;
            std::vector<std::int64_t> due;
            std::vector<std::int64_t> got;
            for (std::size_t i = place; i < std::min(place + 60, wanted.size()); ++i)
              due.push_back(wanted[i].id);
            for (const HspRow& row : page->rows) got.push_back(row.hsp.id);
            ASSERT_EQ(got, due);
            ASSERT_EQ(page->next.empty(), place + 60 >= wanted.size());
            if (page->total) {
              ASSERT_EQ(*page->total, wanted.size());
            }
          }
        }
      }
      for (const auto& index : {scans, zones}) {
        const auto total =
            index->hsps({.filter = filter(where), .query = query, .limit = 0}, Deadline::never());
        EXPECT_EQ(total->total, wanted.size()) << where;
      }
    }
  }
  EXPECT_EQ(zones->hsps({.filter = filter("length<99"), .limit = 0}, Deadline::in({})).error().code,
            Code::timed_out);
}

TEST_F(HitIndexTest, SelectedHitsAreFilteredToo) {
  const auto index = make(kText);
  ASSERT_TRUE(index);
  for (const Sort sort : {Sort::blast, Sort::pident}) {
    const auto page =
        index->hits({.filter = filter("pident>50"), .sort = sort, .select = {0, 2}}, Deadline::never());
    ASSERT_TRUE(page);
    ASSERT_EQ(page->rows.size(), 1U);
    EXPECT_EQ(page->rows.front().id, 0);
    EXPECT_EQ(page->total, 1U);
  }
}

TEST_F(HitIndexTest, ACladeIsATaxonAndAllBelowIt) {
  taxonomy_ = [this] { return small_taxonomy(); };
  const auto index = make(kText);
  ASSERT_TRUE(index);
  const auto of = [&](std::string_view where) {
    return names(index->hsps({.filter = filter(where)}, Deadline::never()));
  };
  const auto both = of("taxid=9606 or taxid=10090");
  ASSERT_EQ(both.size(), 4U);
  EXPECT_EQ(of("clade=20"), both);
  EXPECT_EQ(of("clade=1"), both);
  EXPECT_EQ(of("clade=9606"), of("taxid=9606"));
  EXPECT_EQ(of("clade=10090 and evalue<1e-20"), of("taxid=10090 and evalue<1e-20"));
  EXPECT_EQ(of("taxid=20").size(), 0U) << "which no subject has itself";
  EXPECT_EQ(of("clade=562").size(), 0U);
  EXPECT_EQ(of("clade!=20"), of("subject=s3")) << "a subject without a taxid is in none";
  EXPECT_EQ(of("not (clade=10090 or subject=s3)"), of("subject=s1"));
  EXPECT_EQ(index->hits({.filter = filter("clade=20")}, Deadline::never())->total, 3U);
  EXPECT_EQ(index->subjects({.clade = 20}, Deadline::never())->rows.size(), 2U);
  EXPECT_EQ(index->subjects({.find = "kinase", .clade = 20}, Deadline::never())->rows.size(), 1U);
  const auto refused = [&](std::string_view where) {
    const auto page = index->hits({.filter = filter(where)}, Deadline::never());
    return page ? Error{} : page.error();
  };
  EXPECT_EQ(refused("clade=77").message, "where: clade=77: there is no taxid 77 in the imported taxonomy");
  EXPECT_EQ(refused("clade=1.5").message, "where: clade=1.5 is no taxid");
  EXPECT_EQ(refused("clade=-1").code, Code::invalid_argument);
}

TEST_F(HitIndexTest, ACladeNeedsATaxonomy) {
  const auto of = [&] {
    return make(kText)->hits({.filter = filter("clade=20")}, Deadline::never()).error();
  };
  EXPECT_EQ(of().code, Code::conflict);
  taxonomy_ = []() -> Result<std::shared_ptr<const taxonomy::Taxonomy>> {
    return error(Code::not_found, "import one");
  };
  EXPECT_EQ(of().code, Code::conflict);
  EXPECT_EQ(of().message, "clade=20: import one");
}

TEST_F(HitIndexTest, CursorsOfOtherRequestsAreRefused) {
  const auto index = make(many_rows(), layout_of_many(), 10'000);
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
