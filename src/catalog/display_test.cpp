#include "catalog/display.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/temp_dir.hpp"
#include "catalog/blast_under_test.hpp"

namespace loom::catalog {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using testing::HasSubstr;

/// Schema 1.2, as NCBI's .pjs files are laid out; counts of the database below.
constexpr std::string_view kMetadata = R"({
  "version": "1.2", "dbname": "p", "dbtype": "Protein", "db-version": 5,
  "description": " Non-redundant UniProtKB/SwissProt sequences ",
  "number-of-letters": LETTERS, "number-of-sequences": 15, "last-updated": "2021-12-28T13:34:00",
  "number-of-volumes": 1, "bytes-total": 37772, "bytes-to-cache": 754, "files": ["p.pdb", "p.phr"]})";

class DisplayJson : public testing::Test {
 protected:
  void SetUp() override {
    LOOM_NEEDS_BLAST();
    auto made = TempDir::create();
    ASSERT_TRUE(made);
    folder_.emplace(*std::move(made));
    sequences_ = related_sequences(Molecule::protein, 3, 5);
    make("p", {"-parse_seqids"});
  }
  void make(const std::string& name, std::vector<std::string> more) {
    make_database(path(), name, Molecule::protein, as_fasta(sequences_, 0, sequences_.size()),
                  std::move(more));
  }
  [[nodiscard]] const fs::path& path() const { return folder_->path(); }
  [[nodiscard]] Database open(std::string_view names) const {
    auto database = open_database(names, Molecule::protein, only(path()));
    EXPECT_TRUE(database) << names;
    return database.value_or(Database{});
  }
  [[nodiscard]] json::object show(const Database& database,
                                  std::optional<std::string_view> metadata = std::nullopt) const {
    const std::string text = display_json(database, {.name = "p", .source = "local", .metadata = metadata});
    EXPECT_EQ(text.find('\n'), std::string::npos);
    return json::parse(text).as_object();
  }
  [[nodiscard]] json::object show_stored(std::optional<std::string_view> metadata,
                                         std::string_view stored) const {
    return json::parse(display_json(open("p"),
                                    {.name = "p", .source = "local", .metadata = metadata, .stored = stored}))
        .as_object();
  }
  [[nodiscard]] std::string metadata() const {
    std::string text(kMetadata);
    return text.replace(text.find("LETTERS"), 7, std::to_string(open("p").letters));
  }

  std::vector<std::string> sequences_;

 private:
  std::optional<TempDir> folder_;
};

TEST_F(DisplayJson, WhatAnOperatorKeepsCountsBeforeWhatLiesBeside) {
  const auto both = show_stored(metadata(), R"({"description": "ours", "source": "UniProt",
      "source_version": "2026_03", "downloaded_at": "2026-11-24T14:14:00Z"})");
  EXPECT_EQ(both.at("description").as_string(), "ours");
  EXPECT_EQ(both.at("source").as_string(), "UniProt");
  EXPECT_EQ(both.at("source_version").as_string(), "2026_03");
  EXPECT_EQ(both.at("downloaded").as_string(), "2026-11-24T14:14");
  EXPECT_EQ(both.at("updated").as_string(), "2021-12-28T13:34") << "it says nothing of that";
  EXPECT_TRUE(both.at("warnings").as_array().empty());
  const auto broken = show_stored(metadata(), "{");
  EXPECT_EQ(broken.at("description").as_string(), "Non-redundant UniProtKB/SwissProt sequences");
  EXPECT_EQ(broken.at("source").as_string(), "local");
  EXPECT_TRUE(broken.at("source_version").is_null());
  ASSERT_EQ(broken.at("warnings").as_array().size(), 1U);
  EXPECT_THAT(std::string(broken.at("warnings").as_array()[0].as_string()), HasSubstr("object storage"));
  const auto odd = show_stored(std::nullopt, R"({"downloaded_at": "yesterday", "number-of-sequences": 1})");
  EXPECT_EQ(odd.at("warnings").as_array().size(), 2U);
}

TEST_F(DisplayJson, WhatLiesBesideDoesNotSayWhereTheDatabaseIsFrom) {
  const auto shown = json::parse(display_json(open("p"), {.name = "p", .source = "NCBI", .metadata = R"({
      "source": "elsewhere", "source_version": "7", "downloaded_at": "2026-11-24T14:14:00Z"})"}))
                         .as_object();
  EXPECT_EQ(shown.at("source").as_string(), "NCBI");
  EXPECT_TRUE(shown.at("source_version").is_null());
  EXPECT_TRUE(shown.at("downloaded").is_null());
}

TEST_F(DisplayJson, SaysWhatTheDatabaseSays) {
  const Database database = open("p");
  const auto shown = show(database);
  const json::object expected{{"name", "p"},
                              {"title", "title of p"},
                              {"description", "title of p"},
                              {"molecule", "protein"},
                              {"sequences", 15},
                              {"letters", database.letters},
                              {"longest", database.longest},
                              {"date", *iso_date(database.date)},
                              {"updated", nullptr},
                              {"format_version", 5},
                              {"has_taxonomy", false},
                              {"has_ids", true},
                              {"volumes", 1},
                              {"bytes", fs::file_size(path() / "p.psq")},
                              {"bytes_to_cache", nullptr},
                              {"source", "local"},
                              {"source_version", nullptr},
                              {"downloaded", nullptr},
                              {"warnings", json::array()}};
  EXPECT_EQ(json::serialize(shown), json::serialize(expected));
}

TEST_F(DisplayJson, MetadataAddsWhatTheDatabaseLacks) {
  const auto shown = show(open("p"), metadata());
  EXPECT_EQ(shown.at("description"), "Non-redundant UniProtKB/SwissProt sequences");
  EXPECT_EQ(shown.at("title"), "title of p");
  EXPECT_EQ(shown.at("updated"), "2021-12-28T13:34");
  EXPECT_EQ(shown.at("bytes_to_cache"), 754);
  EXPECT_EQ(shown.at("warnings"), json::array());
}

TEST_F(DisplayJson, BrokenMetadataIsAWarning) {
  const Database database = open("p");
  const std::string bare = display_json(database, {.name = "p", .source = "local", .metadata = {}});
  const struct {
    std::string metadata;
    const char* warning;
  } cases[]{{"", "the metadata is not used: it is no JSON"},
            {"{\"description\": \"cut o", "the metadata is not used: it is no JSON"},
            {"{\"description\": \"\xff\"}", "the metadata is not used: it is no JSON"},
            {std::string(5000, '['), "the metadata is not used: it is no JSON"},
            {"[1]", "the metadata is not used: it is no JSON object"},
            {std::string(kMaxMetadataBytes + 1, ' '), "4194305 bytes, more than 4194304"},
            {R"({"dbtype": "Nucleotide", "description": "x"})", "of a database of type 'Nucleotide'"},
            {R"({"number-of-sequences": -3})", "number-of-sequences is no count"},
            {R"({"last-updated": "yesterday"})", "last-updated is no date: 'yesterday'"},
            {R"({"number-of-sequences": "1,500"})", "number-of-sequences is 1500, the database's is 15"}};
  for (const auto& one : cases) {
    auto shown = show(database, one.metadata);
    ASSERT_EQ(shown.at("warnings").as_array().size(), 1U) << one.warning;
    EXPECT_THAT(std::string(shown.at("warnings").at(0).as_string()), HasSubstr(one.warning));
    shown["warnings"] = json::array();
    EXPECT_EQ(json::serialize(shown), bare) << "and all else is as without";
  }
}

TEST_F(DisplayJson, MetadataOfOddTypesIsIgnored) {
  const auto shown = show(open("p"), R"({"description": 7, "title": "from the title",
    "number-of-sequences": "15", "bytes-to-cache": "1,234", "last-updated": "2020-01-10"})");
  EXPECT_EQ(shown.at("description"), "from the title");
  EXPECT_EQ(shown.at("bytes_to_cache"), 1234);
  EXPECT_EQ(shown.at("updated"), "2020-01-10");
  EXPECT_EQ(shown.at("warnings"), json::array());
}

TEST_F(DisplayJson, ATitleThatIsNoUtf8IsStillJson) {
  spit(path() / "odd.pal", "TITLE Prot\xe9ines \"all\"\nDBLIST p\n");
  const auto shown = show(open("odd"));
  EXPECT_EQ(shown.at("title"), "Prot\xef\xbf\xbdines \"all\"");
  EXPECT_EQ(shown.at("date"), json::value(*iso_date(open("p").date))) << "an alias has its volumes' date";
}

TEST_F(DisplayJson, TaxonomyIsFoundWhereItIs) {
  std::string map;
  for (std::size_t i = 0; i < sequences_.size(); ++i) map += fmt::format("{} {}\n", id_of(i), 9606 + i % 2);
  spit(path() / "map", map);
  spit(path() / "last", id_of(sequences_.size() - 1) + " 10090\n");
  make("several", {"-parse_seqids", "-taxid_map", "map"});
  make("last", {"-parse_seqids", "-taxid_map", "last"});
  make("one", {"-taxid", "9606"});
  make("volumes", {"-max_file_sz", "1000", "-parse_seqids", "-taxid_map", "last"});
  make("old", {"-blastdb_version", "4", "-taxid", "9606"});
  EXPECT_GT(open("volumes").volumes.size(), 1U);
  for (const char* name : {"several", "last", "one", "volumes", "p several"})
    EXPECT_EQ(has_taxonomy(open(name)), std::optional(true)) << name;
  EXPECT_EQ(has_taxonomy(open("p")), std::optional(false));
  EXPECT_EQ(has_taxonomy(open("old")), std::nullopt) << "only the headers know";
  fs::remove(path() / "p.pot");
  EXPECT_EQ(has_taxonomy(open("p")), std::nullopt);
  fs::resize_file(path() / "one.pot", 10);
  EXPECT_TRUE(show(open("one")).contains("title")) << "a broken file is no error of the whole";
}

TEST(IsoDate, ReadsTheFormsInUse) {
  EXPECT_EQ(iso_date("Nov 24, 2026  2:14 PM"), "2026-11-24T14:14");
  EXPECT_EQ(iso_date("Jan 3, 2008 12:05 AM"), "2008-01-03T00:05");
  EXPECT_EQ(iso_date("2021-09-19T00:00:00"), "2021-09-19T00:00");
  EXPECT_EQ(iso_date("2020-01-10"), "2020-01-10");
  for (const char* wrong : {"", "2020-01", "2020-13-10", "2020-01-10 or so", "today"})
    EXPECT_EQ(iso_date(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace loom::catalog
