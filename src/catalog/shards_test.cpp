#include "catalog/shards.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "base/temp_dir.hpp"
#include "catalog/alias_file.hpp"
#include "catalog/blast_under_test.hpp"
#include "catalog/excerpt.hpp"
#include "catalog/filter.hpp"
#include "catalog/resolve.hpp"
#include "testkit/level.hpp"

namespace loom::catalog {
namespace {

namespace fs = std::filesystem;

struct Kind {
  const char* label;
  const char* names;
  Molecule molecule;
};

/// A search over a part must be what the search over the whole is, for every way to keep a database.
class Shards : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    LOOM_NEEDS_BLAST();
    auto made = TempDir::create();
    ASSERT_TRUE(made);
    folder_.emplace(*std::move(made));
    data_ = folder_->path() / "with blank";
    parts_ = folder_->path() / "parts";
    fs::create_directory(data_);
    fs::create_directory(parts_);
    make_databases();
    auto opened = open_database(GetParam().names, GetParam().molecule, only(data_));
    ASSERT_TRUE(opened) << opened.error().message;
    database_ = *std::move(opened);
  }

  void make_databases() {
    const Molecule molecule = GetParam().molecule;
    const auto all = related_sequences(molecule, 8, 12);
    std::string taxids;
    for (std::size_t i = 0; i < all.size(); ++i)
      taxids += fmt::format("{} {}\n", id_of(i), i % 3 == 0 ? 562 : 9606);
    spit(data_ / "taxids", taxids);
    const std::vector<std::string> ids{"-parse_seqids", "-taxid_map", "taxids"};
    const std::string names = GetParam().names;
    if (names == "fresh") make_database(data_, names, molecule, as_fasta(all, 0, 96));
    if (names == "old")
      make_database(data_, names, molecule, as_fasta(all, 0, 96), {"-blastdb_version", "4"});
    if (names == "ids") make_database(data_, names, molecule, as_fasta(all, 0, 96), ids);
    if (names == "volumes")
      make_database(data_, names, molecule, as_fasta(all, 0, 96),
                    {"-max_file_sz", molecule == Molecule::protein ? "9000" : "6000"});
    if (names == "z y" || names == "alias") {
      make_database(data_, "z", molecule, as_fasta(all, 0, 43), ids);
      make_database(data_, "y", molecule, as_fasta(all, 43, 96), ids);
      spit(data_ / ("alias" + extension(molecule, "al")), "TITLE two halves\nDBLIST z y\n");
    }
    spit(data_ / "q.fa", as_fasta(all, 5, 8) + as_fasta(all, 50, 52) + as_fasta(all, 93, 95));
  }

  /// The search's output in `folder`, over `names`.
  [[nodiscard]] std::string search(const fs::path& folder, const std::string& names,
                                   const std::string& format, std::vector<std::string> more = {}) const {
    std::vector<std::string> argv{GetParam().molecule == Molecule::protein ? "blastp" : "blastn",
                                  "-db",
                                  names,
                                  "-query",
                                  data_ / "q.fa",
                                  "-outfmt",
                                  format,
                                  "-evalue",
                                  "100"};
    argv.insert(argv.end(), more.begin(), more.end());
    if (GetParam().molecule == Molecule::nucleotide) argv.insert(argv.end(), {"-task", "blastn"});
    ProgramRun done = run(folder, argv);
    EXPECT_EQ(done.exit_code, 0) << done.err;
    return done.out;
  }

  [[nodiscard]] std::vector<std::string> rows(const fs::path& folder, const std::string& names,
                                              std::vector<std::string> more = {}) const {
    std::string text = search(folder, names, "6", std::move(more));
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
      const auto end = text.find('\n', at);
      lines.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    std::ranges::sort(lines);
    return lines;
  }

  /// The OIDs of all subjects of the rows.
  [[nodiscard]] std::vector<std::uint32_t> subjects(const std::vector<std::string>& lines) const {
    const ProgramRun listed = run(data_, {"blastdbcmd", "-db", GetParam().names, "-dbtype",
                                          GetParam().molecule == Molecule::protein ? "prot" : "nucl",
                                          "-entry", "all", "-outfmt", "%o %a %t"});
    std::set<std::uint32_t> found;
    for (const auto& line : lines) {
      const auto tab = line.find('\t') + 1;
      const std::string id = line.substr(tab, line.find('\t', tab) - tab);
      const auto at = listed.out.find(' ' + id + ' ');
      EXPECT_NE(at, std::string::npos) << id << listed.err;
      const auto start = listed.out.rfind('\n', at) + 1;
      found.insert(static_cast<std::uint32_t>(std::stoul(listed.out.substr(start))));
    }
    return {found.begin(), found.end()};
  }

  [[nodiscard]] std::string alias_name(const Result<fs::path>& base) const {
    EXPECT_TRUE(base) << base.error().message;
    return base ? quoted_name(base->string()) : "";
  }

  void expect_searched_like_the_whole() const;

  const std::vector<std::string> few_{"-max_target_seqs", "9"};
  fs::path data_;
  fs::path parts_;
  Database database_;

 private:
  std::optional<TempDir> folder_;
};

/// `text` with the first name of the database replaced, wherever the formats print it.
std::string renamed(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

/// The search over the alias "u" of parts_ writes what that over the whole does, but for its name.
void Shards::expect_searched_like_the_whole() const {
  std::vector<std::string> formats{"11"};
  if (testkit::level() != testkit::Level::quick) formats.insert(formats.end(), {"5", "6", "7"});
  if (database_.parts.size() == 1) formats.emplace_back("0");  // else the footer lists the parts
  if (GetParam().molecule == Molecule::nucleotide) formats.emplace_back("17");
  for (const auto& format : formats) {
    const std::string expected =
        renamed(search(data_, GetParam().names, format, few_), '"' + database_.names + '"', "\"DB\"");
    std::string got = search(parts_, "u", format, few_);
    got = renamed(got, "\"u\"", "\"DB\"");
    got = renamed(got, "Database: u\n", "Database: " + database_.names + "\n");
    got = renamed(got, "<BlastOutput_db>u<", "<BlastOutput_db>" + database_.names + "<");
    got = renamed(got, "-db u ", "-db " + database_.names + " ");
    EXPECT_EQ(got, expected) << format;
  }
}

TEST_P(Shards, TogetherFindWhatTheWholeFinds) {
  const auto whole_rows = rows(data_, GetParam().names);
  ASSERT_GT(whole_rows.size(), 60U);
  std::vector<std::uint32_t> counts{3, 1, 7};
  if (testkit::level() == testkit::Level::quick) counts.resize(1);
  for (const std::uint32_t count : counts) {
    std::vector<std::string> all;
    for (const auto& range : cut_shards(database_, count)) {
      const auto base = write_shard_alias(parts_, "s", database_, range, whole(database_));
      const auto found = rows(parts_, alias_name(base));
      all.insert(all.end(), found.begin(), found.end());
    }
    std::ranges::sort(all);
    EXPECT_EQ(all, whole_rows) << count;
  }
}

TEST_P(Shards, ASubsetWithAllHitsIsSearchedLikeTheWhole) {
  const auto oids = subjects(rows(data_, GetParam().names, few_));
  const auto base = write_subset_alias(parts_, "u", database_, oids, whole(database_));
  ASSERT_TRUE(base) << base.error().message;
  expect_searched_like_the_whole();
}

TEST_P(Shards, AnExcerptOfAllHitsIsSearchedLikeTheWhole) {
  const auto oids = subjects(rows(data_, GetParam().names, few_));
  ASSERT_GT(oids.size(), 10U);
  // The first half is in one excerpt, the second but for its last in another, with some that are not wanted.
  const auto middle = oids.begin() + static_cast<std::ptrdiff_t>(oids.size() / 2);
  std::vector<std::uint32_t> more(database_.sequences - 1 - *middle);
  std::iota(more.begin(), more.end(), *middle);
  std::erase(more, oids.back());
  const fs::path excerpts[]{parts_ / "first", parts_ / "second"};
  ASSERT_TRUE(write_excerpt(excerpts[0], database_, {oids.begin(), middle}));
  ASSERT_TRUE(write_excerpt(excerpts[1], database_, more));
  EXPECT_GT(fs::file_size(excerpts[1]), excerpt_bytes(database_, more));
  const auto copies = lay_out_excerpts(parts_ / "copies", database_, oids, excerpts);
  ASSERT_TRUE(copies) << copies.error().message;
  std::uint64_t bytes = 0;
  for (const auto& volume : copies->volumes) {
    bytes += fs::file_size(volume.base.string() + extension(database_.molecule, "sq")) - 1;
    bytes += fs::file_size(volume.base.string() + extension(database_.molecule, "hr"));
  }
  EXPECT_EQ(bytes, excerpt_bytes(database_, oids)) << "these and no others";
  const auto base = write_subset_alias(parts_, "u", *copies, oids, whole(database_));
  ASSERT_TRUE(base) << base.error().message;
  expect_searched_like_the_whole();
}

TEST_P(Shards, ABrokenExcerptIsToldAndSoAreVolumesThatDoNotFitTheirIndex) {
  const std::vector<std::uint32_t> oids{1, 2};
  const fs::path excerpts[]{parts_ / "cut"};
  ASSERT_TRUE(write_excerpt(excerpts[0], database_, oids));
  fs::resize_file(excerpts[0], fs::file_size(excerpts[0]) - 1);
  const auto laid = lay_out_excerpts(parts_ / "copies", database_, oids, excerpts);
  ASSERT_FALSE(laid);
  EXPECT_EQ(laid.error().code, Code::corrupt);
  EXPECT_THAT(laid.error().message, testing::HasSubstr((parts_ / "cut").string()));
  const fs::path sequences = database_.volumes[0].base.string() + extension(database_.molecule, "sq");
  fs::resize_file(sequences, 10);
  const auto written = write_excerpt(excerpts[0], database_, oids);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::corrupt);
  EXPECT_THAT(written.error().message, testing::HasSubstr(sequences.string()));
}

TEST_P(Shards, SubsetsSeeTheOidsOfTheWhole) {
  const std::uint32_t last = database_.sequences - 1;
  const std::vector<std::uint32_t> oids{last};
  const auto base = write_subset_alias(parts_, "u", database_, oids, whole(database_));
  const ProgramRun listed = run(
      parts_, {"blastdbcmd", "-db", alias_name(base), "-dbtype",
               GetParam().molecule == Molecule::protein ? "prot" : "nucl", "-entry", "all", "-outfmt", "%o"});
  EXPECT_EQ(listed.out, std::to_string(last) + "\n") << listed.err;
}

struct Filter {
  const char* list;
  std::vector<std::string> flags;
  IdList kind;
  bool negative;
};

/// Those made with -parse_seqids.
class ShardsWithIds : public Shards {};

TEST_P(ShardsWithIds, AFilterIsShardedByItsSequences) {
  std::string ids;
  for (std::size_t i = 0; i < 96; i += 1 + i % 4) ids += id_of(i) + "\n";
  spit(data_ / "ids.txt", ids);
  spit(data_ / "human.txt", "9606\n");
  const Filter filters[]{{"ids.txt", {"-seqidlist", data_ / "ids.txt"}, IdList::seqids, false},
                         {"ids.txt", {"-negative_seqidlist", data_ / "ids.txt"}, IdList::seqids, true},
                         {"human.txt", {"-taxids", "9606"}, IdList::taxids, false},
                         {"human.txt", {"-negative_taxids", "9606"}, IdList::taxids, true}};
  const std::string engine = GetParam().molecule == Molecule::protein ? "blastp" : "blastn";
  spit(data_ / "probe.fa", probe_queries(GetParam().molecule));
  // Quick runs have one filter that takes and one that leaves.
  const std::size_t step = testkit::level() == testkit::Level::quick ? 3 : 1;
  for (std::size_t i = 0; i < std::size(filters); i += step) {
    const auto& filter = filters[i];
    const auto listed =
        write_filter_alias(parts_, fmt::format("f{}", i), database_, filter.kind, data_ / filter.list);
    std::vector<std::string> argv{"blastdbcmd"};
    std::ranges::copy(listing_args(alias_name(listed), GetParam().molecule), std::back_inserter(argv));
    auto oids = parse_listing(run(parts_, argv).out, database_);
    ASSERT_TRUE(oids) << oids.error().message;
    if (filter.negative) oids = others(database_, *oids);

    argv = {engine};
    std::ranges::copy(probe_args(GetParam().names, GetParam().molecule, data_ / "probe.fa"),
                      std::back_inserter(argv));
    argv.insert(argv.end(), filter.flags.begin(), filter.flags.end());
    const auto counts = parse_probe(run(data_, argv).out);
    ASSERT_TRUE(counts) << counts.error().message;
    const Pins pins = selected(database_, *oids);
    EXPECT_EQ(counts->sequences, pins.statistics.sequences) << filter.flags[0];
    EXPECT_EQ(counts->letters, pins.statistics.letters) << filter.flags[0];

    const auto whole_rows = rows(data_, GetParam().names, filter.flags);
    std::vector<std::string> all;
    for (const std::size_t begin : {std::size_t{0}, oids->size() / 3}) {
      const auto end = begin == 0 ? oids->size() / 3 : oids->size();
      const auto base =
          write_subset_alias(parts_, "u", database_, std::span(*oids).subspan(begin, end - begin), pins);
      const auto found = rows(parts_, alias_name(base));
      all.insert(all.end(), found.begin(), found.end());
    }
    std::ranges::sort(all);
    EXPECT_EQ(all, whole_rows) << filter.flags[0];
  }
}

TEST_P(ShardsWithIds, IdsAreLookedUp) {
  const std::vector<std::string> ids{id_of(90), "NONE", id_of(0), id_of(90)};
  spit(parts_ / "batch", ids[0] + "\n" + ids[1] + "\n" + ids[2] + "\n" + ids[3] + "\n");
  std::vector<std::string> argv{"blastdbcmd"};
  std::ranges::copy(lookup_args(GetParam().names, GetParam().molecule, parts_ / "batch"),
                    std::back_inserter(argv));
  const ProgramRun done = run(data_, argv);
  EXPECT_EQ(done.exit_code, 1) << "one is missing";
  const auto oids = parse_lookup(ids, done.out, done.err, database_.sequences);
  ASSERT_TRUE(oids) << oids.error().message;
  EXPECT_EQ((*oids)[1], std::nullopt);
  EXPECT_EQ((*oids)[0], (*oids)[3]);
  // The halves are numbered by their file names, y before z.
  EXPECT_EQ((*oids)[0], std::string(GetParam().names) == "ids" ? 90U : 47U);
}

std::string label(const testing::TestParamInfo<Kind>& tested) {
  return tested.param.label;
}

INSTANTIATE_TEST_SUITE_P(Databases, Shards,
                         testing::Values(Kind{"fresh_protein", "fresh", Molecule::protein},
                                         Kind{"old_protein", "old", Molecule::protein},
                                         Kind{"volumes_protein", "volumes", Molecule::protein},
                                         Kind{"two_protein", "z y", Molecule::protein},
                                         Kind{"alias_protein", "alias", Molecule::protein},
                                         Kind{"fresh_gene", "fresh", Molecule::nucleotide},
                                         Kind{"old_gene", "old", Molecule::nucleotide},
                                         Kind{"volumes_gene", "volumes", Molecule::nucleotide},
                                         Kind{"two_gene", "z y", Molecule::nucleotide}),
                         label);

INSTANTIATE_TEST_SUITE_P(Databases, ShardsWithIds,
                         testing::Values(Kind{"ids_protein", "ids", Molecule::protein},
                                         Kind{"two_protein", "z y", Molecule::protein},
                                         Kind{"ids_gene", "ids", Molecule::nucleotide},
                                         Kind{"two_gene", "z y", Molecule::nucleotide}),
                         label);

/// A database of one volume, by hand: `lengths` proteins.
class CutShards : public testing::Test {
 protected:
  Database of(const std::vector<std::uint32_t>& lengths) {
    auto made = TempDir::create();
    LOOM_CHECK(made.has_value(), "a temporary folder");
    folder_.emplace(*std::move(made));
    const auto number = [](std::uint32_t value) {
      std::string bytes;
      for (const unsigned shift : {24U, 16U, 8U, 0U}) bytes += static_cast<char>(value >> shift & 0xFFU);
      return bytes;
    };
    std::uint32_t total = 0;
    for (const auto length : lengths) total += length;
    std::string bytes =
        number(4) + number(1) + number(0) + number(0) + number(static_cast<std::uint32_t>(lengths.size()));
    for (const unsigned shift : {0U, 8U, 16U, 24U}) bytes += static_cast<char>(total >> shift & 0xFFU);
    bytes += std::string(4, '\0') + number(0) + std::string(4 * (lengths.size() + 1), '\0');
    std::uint32_t offset = 1;
    for (const auto length : lengths) {
      bytes += number(offset);
      offset += length + 1;
    }
    bytes += number(offset);
    spit(folder_->path() / "d.pin", bytes);
    spit(folder_->path() / "d.psq", "");
    auto opened = open_database("d", Molecule::protein, only(folder_->path()));
    LOOM_CHECK(opened.has_value(), opened.error().message);
    return *std::move(opened);
  }

 private:
  std::optional<TempDir> folder_;
};

TEST_F(CutShards, CoverEachOidOnceAndBalanceLetters) {
  std::vector<std::uint32_t> lengths;
  lengths.reserve(1000);
  for (std::uint32_t i = 0; i < 1000; ++i) lengths.push_back(30 + i * 7919 % 600);
  const Database database = of(lengths);
  for (const std::uint32_t parts : {1U, 2U, 7U, 64U, 999U, 5000U}) {
    const auto shards = cut_shards(database, parts);
    ASSERT_LE(shards.size(), parts);
    std::uint32_t next = 0;
    std::uint64_t letters = 0;
    for (const auto& shard : shards) {
      EXPECT_EQ(shard.begin, next);
      EXPECT_LT(shard.begin, shard.end);
      EXPECT_LE(shard.letters, database.letters / parts + 630);
      next = shard.end;
      letters += shard.letters;
    }
    EXPECT_EQ(next, 1000U);
    EXPECT_EQ(letters, database.letters);
  }
}

TEST_F(CutShards, OneGiantAmongDwarfs) {
  const auto shards = cut_shards(of({1, 100000, 1, 1}), 4);
  ASSERT_EQ(shards.size(), 2U);
  EXPECT_EQ(shards[0], (OidRange{.begin = 0, .end = 2, .letters = 100001}));
}

TEST_F(CutShards, SubsetsRefuseWhatIsNoSet) {
  const Database database = of({10, 20, 30});
  const std::vector<std::vector<std::uint32_t>> bad{{}, {1, 1}, {2, 1}, {3}};
  for (const auto& oids : bad) {
    const auto base = write_subset_alias("/nowhere", "u", database, oids, whole(database));
    ASSERT_FALSE(base);
    EXPECT_EQ(base.error().code, Code::invalid_argument);
  }
}

}  // namespace
}  // namespace loom::catalog
