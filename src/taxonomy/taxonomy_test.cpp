#include "taxonomy/taxonomy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "taxonomy/taxonomy_under_test.hpp"

namespace loom::taxonomy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ExcerptTest : public TaxonomyTest {
 protected:
  void SetUp() override {
    TaxonomyTest::SetUp();
    taxonomy_ = imported(excerpt());
    ASSERT_TRUE(taxonomy_);
  }
  [[nodiscard]] std::vector<TaxId> found(const std::vector<NameMatch>& matches) const {
    std::vector<TaxId> ids;
    for (const auto& one : matches) ids.push_back(one.taxon.id);
    return ids;
  }
  [[nodiscard]] std::vector<TaxId> named(std::string_view name) const {
    return found(taxonomy_->named(name));
  }
  [[nodiscard]] std::vector<TaxId> completed(std::string_view prefix, std::size_t most = 20) const {
    return found(taxonomy_->complete(prefix, most));
  }
  [[nodiscard]] Selection select(std::vector<TaxId> include, std::vector<TaxId> exclude = {}) const {
    return taxonomy_->select(include, exclude);
  }

  std::shared_ptr<const Taxonomy> taxonomy_;
};

TEST_F(ExcerptTest, TellsNameRankAndParent) {
  EXPECT_EQ(taxonomy_->size(), 43U);
  const auto human = taxonomy_->find(9606);
  ASSERT_TRUE(human);
  EXPECT_EQ(human->id, 9606U);
  EXPECT_EQ(human->parent, 9605U);
  EXPECT_EQ(human->name, "Homo sapiens");
  EXPECT_EQ(human->rank, "species");
  EXPECT_EQ(human->descendants, 2U);
  const auto root = taxonomy_->find(1);
  ASSERT_TRUE(root);
  EXPECT_EQ(root->parent, 1U);
  EXPECT_EQ(root->name, "root");
  EXPECT_EQ(root->rank, "no rank");
  EXPECT_EQ(root->descendants, 42U);
}

TEST_F(ExcerptTest, TellsTheLineageFromTheRoot) {
  const auto line = taxonomy_->lineage(562);
  ASSERT_TRUE(line);
  std::vector<std::string_view> names;
  for (const auto& taxon : *line) names.push_back(taxon.name);
  EXPECT_THAT(names,
              ElementsAre("root", "cellular organisms", "Bacteria", "Pseudomonadota", "Gammaproteobacteria",
                          "Enterobacterales", "Enterobacteriaceae", "Escherichia", "Escherichia coli"));
  EXPECT_EQ(taxonomy_->lineage(1)->size(), 1U);
}

TEST_F(ExcerptTest, FollowsMergedIdsAndNamesDeletedOnes) {
  EXPECT_EQ(taxonomy_->find(12)->name, "Photobacterium profundum");
  EXPECT_EQ(taxonomy_->find(12)->id, 74109U);
  EXPECT_EQ(taxonomy_->lineage(12)->back().id, 74109U);
  for (const TaxId deleted : {5U, 3420127U}) {
    const auto gone = taxonomy_->find(deleted);
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, Code::not_found);
    EXPECT_EQ(gone.error().message, fmt::format("taxid {} was deleted from NCBI's taxonomy", deleted));
  }
  for (const TaxId never : {0U, 13U, 4'000'000'000U}) {
    const auto none = taxonomy_->find(never);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().message, fmt::format("there is no taxid {} in the imported taxonomy", never));
    EXPECT_FALSE(taxonomy_->lineage(never));
  }
}

TEST_F(ExcerptTest, KeepsNamesForPeople) {
  for (const auto& [kind, text] : {std::pair("scientific name", "Escherichia coli"),
                                   {"common name", "E. coli"},
                                   {"synonym", "Bacillus coli"},
                                   {"equivalent name", "Escherichia/Shigella coli"}}) {
    EXPECT_THAT(named(text), ElementsAre(562));
    EXPECT_EQ(name(taxonomy_->named(text).front().matched.kind), kind);
  }
  EXPECT_THAT(named("Escherichia coli (Migula 1895) Castellani and Chalmers 1919"), IsEmpty()) << "authority";
  EXPECT_THAT(named("ATCC 11775"), IsEmpty()) << "type material";
}

TEST_F(ExcerptTest, FindsByAnyNameInAnyCase) {
  EXPECT_THAT(named("Homo sapiens"), ElementsAre(9606));
  EXPECT_THAT(named("HOMO SAPIENS"), ElementsAre(9606));
  EXPECT_THAT(named("Human"), ElementsAre(9606));
  EXPECT_THAT(named("proteobacteria"), ElementsAre(1224)) << "a synonym";
  EXPECT_THAT(named("Bacillus"), ElementsAre(1386, 55087)) << "two genera of one name, the larger first";
  EXPECT_THAT(named("homo"), ElementsAre(9605)) << "the whole name";
  EXPECT_THAT(named("Homo sapiens "), IsEmpty());
  EXPECT_THAT(named(""), IsEmpty());
  EXPECT_THAT(named("zzz"), IsEmpty());
  EXPECT_EQ(taxonomy_->named("HUMAN").front().matched.text, "human");
  EXPECT_EQ(taxonomy_->named("HUMAN").front().matched.kind, NameKind::genbank_common);
  EXPECT_EQ(taxonomy_->named("HUMAN").front().taxon.name, "Homo sapiens");
}

TEST_F(ExcerptTest, CompletesWithTheExactThenTheLargest) {
  EXPECT_THAT(completed("homo"), ElementsAre(9605, 9606, 63221, 741158)) << "Neandertals by their synonym";
  EXPECT_THAT(completed("Homo", 2), ElementsAre(9605, 9606));
  EXPECT_THAT(completed("esch"), ElementsAre(561, 562, 83333, 511145)) << "each once";
  EXPECT_THAT(completed("bac"), ElementsAre(2, 1239, 91061, 1385, 186817, 562, 1386, 55087, 1423));
  EXPECT_THAT(completed("mouse"), ElementsAre(10090));
  EXPECT_THAT(completed("mousey"), IsEmpty());
  EXPECT_THAT(completed("homo", 0), IsEmpty());
  EXPECT_THAT(completed("", 3), ElementsAre(1, 131567, 2)) << "of nothing: the largest";
  EXPECT_EQ(taxonomy_->complete("eco", 5).size(), 0U);
  EXPECT_EQ(taxonomy_->complete("e. c", 5).front().matched.kind, NameKind::common);
}

TEST_F(ExcerptTest, IsWithinACladeOrNot) {
  EXPECT_TRUE(taxonomy_->is_within(9606, 9606));
  EXPECT_TRUE(taxonomy_->is_within(9606, 33208));
  EXPECT_TRUE(taxonomy_->is_within(9606, 1));
  EXPECT_FALSE(taxonomy_->is_within(33208, 9606));
  EXPECT_FALSE(taxonomy_->is_within(9606, 2));
  EXPECT_TRUE(taxonomy_->is_within(12, 657)) << "a merged id";
  EXPECT_TRUE(taxonomy_->is_within(74109, 12));
  EXPECT_FALSE(taxonomy_->is_within(5, 1)) << "a deleted one";
  EXPECT_FALSE(taxonomy_->is_within(9606, 13));
  for (const TaxId clade : select({1}).taxids)
    for (const TaxId id : select({1}).taxids)
      EXPECT_EQ(taxonomy_->is_within(id, clade), std::ranges::binary_search(select({clade}).taxids, id));
}

TEST_F(ExcerptTest, SelectsDescendantsLessTheExcluded) {
  EXPECT_THAT(select({9604}).taxids, ElementsAre(9596, 9598, 9604, 9605, 9606, 63221, 741158));
  EXPECT_THAT(select({9604}, {9606}).taxids, ElementsAre(9596, 9598, 9604, 9605));
  EXPECT_THAT(select({9604, 562}, {9605, 83333}).taxids, ElementsAre(562, 9596, 9598, 9604));
  EXPECT_THAT(select({9606, 9604, 9606}, {9605, 63221, 9605}).taxids, ElementsAre(9596, 9598, 9604))
      << "in any order, inside each other and twice; and a taxon below both is out";
  EXPECT_THAT(select({9606}, {1}).taxids, IsEmpty());
  EXPECT_THAT(select({}, {9606}).taxids, IsEmpty());
  EXPECT_EQ(select({1}, {131567}).taxids, (std::vector<TaxId>{1, 10239}));
  EXPECT_EQ(select({1}).taxids.size(), 43U);
  EXPECT_THAT(select({12}).taxids, ElementsAre(74109)) << "a merged id";
  EXPECT_THAT(select({657}, {12}).taxids, ElementsAre(657));
  const auto odd = select({5, 9605, 13}, {9606, 99});
  EXPECT_THAT(odd.unknown, ElementsAre(5, 13, 99));
  EXPECT_THAT(odd.taxids, ElementsAre(9605)) << "the others are selected all the same";
}

/// A random tree, every lookup beside the plain way to do it.
TEST_F(TaxonomyTest, AgreesWithTheObviousOnRandomTrees) {
  std::mt19937 chance(5);  // NOLINT(cert-msc51-cpp): the same trees each time
  for (const std::uint32_t count : {1U, 2U, 40U, 3000U}) {
    // Sparse ids, whose parents come before and after them in the file.
    std::vector<TaxId> ids;
    for (std::uint32_t i = 0; i < count; ++i) ids.push_back(1 + i * (count == 40 ? 50'000'000U : 3U));
    std::ranges::shuffle(ids, chance);
    std::map<TaxId, TaxId> parents{{ids[0], ids[0]}};
    std::string nodes = node_row(ids[0], ids[0]);
    std::string names = name_row(ids[0], "Top");
    for (std::uint32_t i = 1; i < count; ++i) {
      parents[ids[i]] = ids[chance() % (1 + chance() % i)];
      nodes = node_row(ids[i], parents[ids[i]]) + nodes;
      names += name_row(ids[i], fmt::format("{}{}", chance() % 2 == 0 ? "ab" : "Ba", chance() % 300));
    }
    write_dump(nodes, names);
    const auto taxonomy = imported(path());
    ASSERT_TRUE(taxonomy);
    const auto is_below = [&](TaxId id, TaxId above) {
      for (; id != above; id = parents[id])
        if (parents[id] == id) return false;
      return true;
    };
    std::map<TaxId, std::uint32_t> below;
    for (const TaxId id : ids) {
      below[id] = static_cast<std::uint32_t>(
          std::ranges::count_if(ids, [&](TaxId one) { return is_below(one, id); }));
      ASSERT_EQ(taxonomy->find(id)->descendants + 1, below[id]);
      if (count > 1000 && below.size() > 200) break;  // the plain way takes long
    }
    for (int round = 0; round < 20; ++round) {
      std::vector<TaxId> in;
      std::vector<TaxId> out;
      for (int i = 0; i < 3; ++i) {
        in.push_back(ids[chance() % count]);
        out.push_back(ids[chance() % count]);
      }
      std::set<TaxId> plain;
      for (const TaxId id : ids) {
        const auto under = [&](TaxId above) { return is_below(id, above); };
        if (std::ranges::any_of(in, under) && std::ranges::none_of(out, under)) plain.insert(id);
      }
      EXPECT_EQ(taxonomy->select(in, out).taxids, std::vector<TaxId>(plain.begin(), plain.end()));
    }
  }
}

/// 5,000 names in 20 blocks: the largest first, though most blocks are not looked at.
TEST_F(TaxonomyTest, CompletionIsThatOfALookAtAllNames) {
  std::mt19937 chance(6);  // NOLINT(cert-msc51-cpp): the same names each time
  constexpr TaxId kCount = 5000;
  std::string nodes = node_row(1, 1);
  std::string names = name_row(1, "x");
  std::map<TaxId, TaxId> parents{{1, 1}};
  std::map<TaxId, std::vector<std::string>> all{{1, {"x"}}};
  for (TaxId id = 2; id <= kCount; ++id) {
    parents[id] = 1 + chance() % std::min<TaxId>(id - 1, 600);
    nodes += node_row(id, parents[id]);
    all[id].push_back(fmt::format("n{}", chance() % 2000));
    if (id % 3 == 0) all[id].push_back(fmt::format("n{}", chance() % 2000));
    names += name_row(id, all[id][0]);
    if (all[id].size() > 1) names += name_row(id, all[id][1], "synonym");
  }
  write_dump(nodes, names);
  const auto taxonomy = imported(path());
  ASSERT_TRUE(taxonomy);
  for (const std::string prefix : {"n", "n1", "n19", "n199", "n1999", ""}) {
    // Not exact, then smaller, then by name: the order of the answers.
    using Order = std::tuple<bool, std::int64_t, std::string>;
    std::map<TaxId, Order> best;
    for (const auto& [id, texts] : all)
      for (const auto& text : texts) {
        if (!text.starts_with(prefix)) continue;
        const Order order{text != prefix, -std::int64_t{taxonomy->find(id)->descendants}, text};
        const auto [at, fresh] = best.emplace(id, order);
        if (!fresh) at->second = std::min(at->second, order);
      }
    std::vector<Order> wanted;
    for (const auto& [id, order] : best) wanted.push_back(order);
    std::ranges::sort(wanted);
    for (const std::size_t most : {1U, 10U, 50U}) {
      std::vector<Order> got;
      for (const auto& one : taxonomy->complete(prefix, most))
        got.emplace_back(one.matched.text != prefix, -std::int64_t{one.taxon.descendants}, one.matched.text);
      EXPECT_EQ(got, std::vector<Order>(wanted.begin(),
                                        wanted.begin() + std::ptrdiff_t(std::min(most, wanted.size()))))
          << "'" << prefix << "' " << most;
    }
  }
}

TEST_F(ExcerptTest, ADamagedFileIsRefused) {
  const std::string whole = slurp(target());
  const auto code_of = [&](const std::string& bytes) {
    spit(path() / "damaged", bytes);
    const auto opened = Taxonomy::open(path() / "damaged");
    return opened ? std::string("opened") : std::string(loom::name(opened.error().code));
  };
  EXPECT_EQ(code_of(whole), "opened");
  EXPECT_EQ(code_of(""), "corrupt");
  EXPECT_EQ(code_of(whole.substr(0, 30)), "corrupt");
  EXPECT_EQ(code_of(whole.substr(0, whole.size() - 8)), "corrupt");
  EXPECT_EQ(code_of(whole + "x"), "corrupt");
  std::string newer = whole;
  newer[8] = 2;
  EXPECT_EQ(code_of(newer), "invalid_argument");
  for (std::size_t at = 0; at < whole.size(); at += 37) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    EXPECT_NE(code_of(flipped), "opened") << at;
  }
  EXPECT_EQ(Taxonomy::open(path() / "absent").error().code, Code::not_found);
}

TEST_F(ExcerptTest, AnOpenTaxonomySurvivesItsReplacement) {
  const std::string_view name = taxonomy_->find(9606)->name;
  write_dump(node_row(1, 1), name_row(1, "only me"));
  const auto next = imported(path());
  EXPECT_EQ(next->size(), 1U);
  EXPECT_EQ(name, "Homo sapiens");
  EXPECT_EQ(taxonomy_->find(562)->name, "Escherichia coli");
}

}  // namespace
}  // namespace loom::taxonomy
