#include "service/recommend.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sequence/memory_source.hpp"

namespace loom::service {
namespace {

using blast::Molecule;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

QueryLook look(std::string_view text) {
  sequence::MemorySource source(text);
  return look_at_query(source).value();
}

TEST(QueryLook, TellsWhatTheLettersAre) {
  EXPECT_EQ(look(">a\nMKTAYIAKQRQISF\n").molecule, Molecule::protein);
  EXPECT_EQ(look(">a\nACGTNNNNACGUacgtn-\n").molecule, Molecule::nucleotide);
  EXPECT_EQ(look("ACGTACGTACGTA").records, 1U) << "bare letters are a query too";
  EXPECT_EQ(look(">a\nACGTACGTA\n").molecule, std::nullopt) << "nine letters tell nothing";
  const QueryLook both = look(">a\r\nMKTAYIAKQRQISF\r\n>b\nACGTACGT\nACGTACGTACG\n");
  EXPECT_TRUE(both.mixed);
  EXPECT_EQ(both.records, 2U);
  EXPECT_EQ(both.letters, 33U);
  EXPECT_EQ(both.longest, 19U);
  EXPECT_TRUE(both.whole);
  EXPECT_FALSE(look(">a\n" + std::string(QueryLook::kLookedAt, 'A')).whole);
}

TEST(QueryLook, WarnsOfTheWrongProgramAndOfShortQueries) {
  const blast::Options blastp(blast::Program::blastp);
  EXPECT_THAT(query_warnings(look(">a\n" + std::string(60, 'A') + "\n"), blastp),
              ElementsAre(HasSubstr("blastx is for such")));
  EXPECT_THAT(query_warnings(look(">a\nMKTAYIAKQRQISF\n"), blastp), ElementsAre(HasSubstr("blastp-short")));
  blast::Options chosen(blast::Program::blastp);
  ASSERT_TRUE(chosen.set("task", "blastp-fast"));
  EXPECT_THAT(query_warnings(look(">a\nMKTAYIAKQRQISF\n"), chosen), IsEmpty()) << "he chose";
  EXPECT_THAT(query_warnings(look(">a\n" + std::string(40, 'M') + "\n"), blastp), IsEmpty());
}

DatabaseInfo database(std::string name, std::string molecule, std::uint64_t letters) {
  return {.name = std::move(name),
          .title = {},
          .molecule = std::move(molecule),
          .sequences = 10,
          .letters = letters,
          .bytes = letters,
          .date = {}};
}

std::vector<std::string> names(const std::vector<Recommendation>& all) {
  std::vector<std::string> words;
  for (const auto& one : all)
    words.push_back(one.program + (one.task.empty() ? "" : "/" + one.task) + " " + one.database);
  return words;
}

TEST(Recommend, TheDirectProgramAndTheLargestDatabaseComeFirst) {
  SearchPlaces places{.databases = {database("small", "protein", 10), database("large", "protein", 1000),
                                    database("genome", "nucleotide", 500)},
                      .resident = {}};
  EXPECT_THAT(names(recommend(Molecule::protein, 300, places)),
              ElementsAre("blastp large", "blastp small", "tblastn genome"));
  EXPECT_THAT(names(recommend(Molecule::nucleotide, 300, places)),
              ElementsAre("blastn genome", "blastx large", "blastx small", "tblastx genome"));
  EXPECT_THAT(names(recommend(Molecule::protein, 20, places)),
              ElementsAre("blastp/blastp-short large", "blastp/blastp-short small", "tblastn genome"));
  EXPECT_THAT(recommend(Molecule::protein, 300, {}), IsEmpty());
  places.databases[1].profiles = true;
  EXPECT_THAT(names(recommend(Molecule::protein, 300, places)),
              ElementsAre("blastp small", "tblastn genome"));
}

TEST(Recommend, WhatIsDamagedOrTooLargeForTheMemoryComesLaterAndSaysWhy) {
  SearchPlaces places{.databases = {database("huge", "protein", 1U << 30U),
                                    database("broken", "protein", 2000), database("good", "protein", 1000)},
                      .memory_bytes = 1U << 20U,
                      .resident = [](const std::string& name) { return name == "good" ? 0.5 : 0.0; }};
  places.databases[1].fault = "a byte changed";
  const auto all = recommend(Molecule::protein, 300, places);
  EXPECT_THAT(names(all), ElementsAre("blastp good", "blastp huge", "blastp broken"));
  EXPECT_THAT(all[0].warnings, IsEmpty());
  EXPECT_THAT(all[0].reasons, testing::Contains(HasSubstr("50 %")));
  EXPECT_THAT(all[1].warnings, ElementsAre(HasSubstr("do not fit the 1 MiB")));
  EXPECT_THAT(all[2].warnings, ElementsAre(HasSubstr("a byte changed")));
}

}  // namespace
}  // namespace loom::service
