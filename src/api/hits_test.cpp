#include <gtest/gtest.h>

#include <algorithm>

#include "api/api_under_test.hpp"

namespace loom::api {
namespace {

class HitsApi : public ApiTest {
 protected:
  void index(std::string_view text) {
    const auto read = [text](std::span<char> into) mutable -> Result<std::size_t> {
      const std::size_t count = std::min(text.size(), into.size());
      text.copy(into.data(), count);
      text.remove_prefix(count);
      return count;
    };
    const auto file = folder_->path() / "hits";
    ASSERT_TRUE(results::build_index(file, {}, read));
    jobs_.index = results::HitIndex::open(file).value();
  }
  void SetUp() override {
    ApiTest::SetUp();
    jobs_.jobs = {make_job(1)};
    index(
        "q1\ts1\t90.000\t50\t5\t0\t1\t50\t1\t50\t1e-30\t105\nq1\ts2\t40.500\t30\t9\t0\t4\t7\t6\t9\t2.1\t30."
        "1\n"
        "q2\ts1\t99.000\t20\t0\t0\t1\t20\t1\t20\t3e-9\t88.0\n");
    start();
  }
};

TEST_F(HitsApi, PagesGoOnAtTheCursor) {
  const auto first = json(get(path(1, "/results/hits?limit=2&sort=evalue")));
  EXPECT_EQ(first.at("total"), 3);
  EXPECT_EQ(first.at("hits").at(1).at("evalue"), "3e-9");
  const std::string cursor(first.at("next_cursor").as_string());
  const auto second = json(get(path(1, "/results/hits?limit=2&sort=evalue&cursor=" + cursor)));
  EXPECT_EQ(second.at("hits").as_array().size(), 1U);
  EXPECT_TRUE(second.at("next_cursor").is_null());
  const Reply other = get(path(1, "/results/hits?sort=pident&cursor=" + cursor));
  EXPECT_EQ(other.status, 400);
  EXPECT_EQ(member(other, "field"), "cursor");
}

TEST_F(HitsApi, WordsAndBoundsAreFilters) {
  const auto count = [&](const std::string& query) {
    return json(get(path(1, "/results/hsps?limit=0&" + query))).at("total").to_number<int>();
  };
  EXPECT_EQ(count("words=S1"), 2);
  EXPECT_EQ(count("words=s%20none"), 0);
  EXPECT_EQ(count("evalue_max=1e-5&identity_min=95"), 1);
  EXPECT_EQ(count("where=length%3C60%20and%20not%20subject%3Ds1"), 1);
  EXPECT_EQ(count("query=0&subject=s1"), 1);
}

TEST_F(HitsApi, OnlyWhatIsSelected) {
  const auto ids = [&](const std::string& query) {
    std::vector<std::int64_t> found;
    const auto page = json(get(path(1, "/results/hits?" + query)));
    for (const auto& hit : page.at("hits").as_array()) found.push_back(hit.at("id").as_int64());
    return found;
  };
  EXPECT_EQ(ids("select=2,0"), (std::vector<std::int64_t>{0, 2}));
  EXPECT_EQ(ids("select=0,1&subject=s2"), (std::vector<std::int64_t>{1}));
  EXPECT_EQ(ids("select=0,1&where=subject%3Ds2%20or%20subject%3Ds1&limit=1&sort=evalue").size(), 1U);
  EXPECT_TRUE(ids("select=0&query=1").empty());
  EXPECT_EQ(json(get(path(1, "/results/hits?select=1,2&limit=0"))).at("total"), 2);
  EXPECT_EQ(member(get(path(1, "/results/hits?select=99")), "field"), "select");
  EXPECT_EQ(member(get(path(1, "/results/hsps?select=1")), "field"), "select");
}

TEST_F(HitsApi, WhileTheIndexIsMade) {
  jobs_.index = nullptr;
  const Reply reply = get(path(1, "/results/queries"));
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(member(reply, "status"), "indexing");
  EXPECT_EQ(reply.field("Retry-After"), "2");
  EXPECT_EQ(get(path(1, "/results/export")).status, 202);
  EXPECT_EQ(get(path(2, "/results/queries")).status, 404);
}

TEST_F(HitsApi, ExportIsStreamed) {
  const Reply csv = get(path(1, "/results/export?format=csv&columns=qaccver,evalue&where=query%3Dq2"));
  EXPECT_EQ(csv.status, 200);
  EXPECT_EQ(csv.body, "qaccver,evalue\r\nq2,3e-9\r\n");
  EXPECT_EQ(csv.field("Content-Type"), "text/csv; charset=utf-8");
  EXPECT_EQ(csv.field("Content-Disposition"), "attachment; filename=\"blast-00000000-hits.csv\"");
  EXPECT_EQ(get(path(1, "/results/export?select=1&columns=saccver")).body, "s2\n");
  EXPECT_EQ(get(path(1, "/results/export?format=pdf")).status, 400);
}

TEST_F(HitsApi, FeaturesLieOnSubjectOrQuery) {
  const Reply bed = get(path(1, "/results/export?format=bed&on=query&where=query%3Dq2"));
  EXPECT_EQ(bed.body, "q2\t0\t20\ts1\t88\t.\n");
  EXPECT_EQ(bed.field("Content-Type"), "text/x-bed; charset=utf-8");
  EXPECT_EQ(member(get(path(1, "/results/export?format=sam")), "field"), "format");
  EXPECT_EQ(member(get(path(1, "/results/export?format=bed&on=both")), "field"), "on");
  EXPECT_EQ(member(get(path(1, "/results/export?flank=3")), "field"), "flank");
}

TEST_F(HitsApi, WhatFastaLacksIsSaidBeforeItBegins) {
  const Reply reply = get(path(1, "/results/export?format=fasta&region=aligned&query=0"));
  EXPECT_EQ(reply.status, 400);
  ASSERT_EQ(jobs_.parts.size(), 2U);
  EXPECT_EQ(jobs_.parts[1].id, "s2");
  EXPECT_EQ(jobs_.parts[1].from, 6U);
  EXPECT_EQ(jobs_.parts[1].to, 9U);
}

TEST_F(HitsApi, AnExportIsOneOfTheDownloadsAtOnce) {
  // SetUp() started one with the usual bound.
  server_.reset();
  streams_ = {.most = 1, .wait = std::chrono::milliseconds(100), .look = std::chrono::milliseconds(5)};
  start();
  std::string many;  // more than two sockets hold
  for (int i = 0; i < 100'000; ++i)
    many += "q1\ts" + std::string(250, 'x') + "\t90.000\t50\t5\t0\t1\t50\t1\t50\t1e-30\t105\n";
  index(many);
  const std::string target = path(1, "/results/export");
  http::RawClient slow(server_->port(), 4096);
  slow.send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_EQ(slow.head().status, 200);
  for (const char* format : {"?format=tsv", "?format=fasta"}) {
    const Reply refused = get(target + format);
    EXPECT_EQ(refused.status, 503) << format;
    EXPECT_EQ(refused.field("Retry-After"), "2");
  }
  EXPECT_TRUE(jobs_.parts.empty()) << "nothing was fetched";
  EXPECT_EQ(get(path(1, "/results/hits?limit=1")).status, 200) << "a page is no download";
  slow.close();
  EXPECT_TRUE(http::eventually([&] { return get(target + "?format=fasta").status == 400; }));
  EXPECT_EQ(get(target + "?format=fasta").status, 400) << "one that failed holds nothing";
}

TEST_F(HitsApi, AlignmentsOfAPageOrOfIds) {
  const auto page = json(get(path(1, "/results/alignments?limit=1&sort=pident&text=true")));
  EXPECT_EQ(page.at("alignments").at(0).at("id"), 2);
  EXPECT_EQ(page.at("alignments").at(0).at("text"), " Score of 2\n");
  EXPECT_EQ(page.at("alignments").at(0).at("subject_text"), ">s1\n");
  EXPECT_FALSE(page.at("next_cursor").is_null());
  const auto chosen = json(get(path(1, "/results/alignments?ids=1,0")));
  EXPECT_EQ(chosen.at("alignments").at(0).at("accession"), "s2");
  EXPECT_EQ(chosen.at("alignments").as_array().size(), 2U);
  EXPECT_FALSE(chosen.at("alignments").at(0).as_object().contains("text"));
  EXPECT_EQ(member(get(path(1, "/results/alignments?ids=3")), "field"), "ids");
  EXPECT_EQ(member(get(path(1, "/results/alignments?limit=0")), "field"), "limit");
}

TEST_F(HitsApi, TaxaOfSubjectsWithout) {
  const auto report = json(get(path(1, "/results/taxonomy?where=pident%3E50")));
  EXPECT_EQ(report.at("hits"), 2);
  EXPECT_EQ(report.at("unassigned"), 2);
  EXPECT_EQ(report.at("lineages"), false);
}

TEST_F(HitsApi, ProvenanceInEveryFormat) {
  const auto facts = json(get(path(1, "/results/provenance")));
  EXPECT_EQ(facts.at("command"), "blastp -query query.fasta -db 'a db'\\''s' -out output");
  EXPECT_EQ(facts.at("blastloom"), "1.2.3");
  EXPECT_NE(get(path(1, "/results/provenance?format=nextflow")).body.find(R"(-db \'a db\'\\\'\'s\')"),
            std::string::npos);
  EXPECT_NE(get(path(1, "/results/provenance?format=snakemake")).body.find(R"(-db 'a db'\\''s')"),
            std::string::npos);
  const Reply script = get(path(1, "/results/provenance?format=sh"));
  EXPECT_EQ(script.field("Content-Type"), "text/x-shellscript; charset=utf-8");
  EXPECT_EQ(member(get(path(1, "/results/provenance?format=pdf")), "field"), "format");
  EXPECT_EQ(get(path(2, "/results/provenance")).status, 404);
}

TEST_F(HitsApi, ImportsAreJobs) {
  const Reply reply = ask("POST", "/api/blast/imports?program=blastp&outfmt=6&title=t", "", "q1\ts1\n");
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.field("Location"), path(1));
  EXPECT_EQ(jobs_.query, "q1\ts1\n");
  EXPECT_EQ(jobs_.imported.program, "blastp");
  EXPECT_EQ(jobs_.imported.outfmt, "6");
  EXPECT_EQ(ask("POST", "/api/blast/imports?colour=red", "", "x").status, 400);
}

}  // namespace
}  // namespace loom::api
