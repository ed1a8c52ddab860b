#include "service/subject_fasta.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/temp_dir.hpp"

namespace loom::service {
namespace {

class SubjectFastaTest : public testing::Test {
 protected:
  /// The places of subjects that are fetched, as "ID FROM-TO" or "ID FROM-TO minus".
  std::vector<std::string> fetched(std::string_view columns, std::string_view text, FastaWish wish) {
    const auto format = blast::parse_outfmt(blast::Program::blastn, columns).value();
    const auto read = [text](std::span<char> into) mutable -> Result<std::size_t> {
      const std::size_t count = text.copy(into.data(), into.size());
      text.remove_prefix(count);
      return count;
    };
    const auto path = folder_->path() / "hits";
    EXPECT_TRUE(results::build_index(path, results::Layout::of(format).value(), read));
    std::vector<std::string> places;
    const auto fetch = [&](const SequenceRequest& request) -> Result<FetchedSequences> {
      EXPECT_EQ(request.flank, wish.flank);
      for (const SequencePart& one : request.parts)
        places.push_back(fmt::format("{} {}-{}{}", one.id, one.from, one.to, one.minus ? " minus" : ""));
      FetchedSequences none;
      none.text = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      return none;
    };
    auto rows = results::HspRows::make(results::HitIndex::open(path).value(), {});
    SubjectFasta fasta(*std::move(rows), wish, fetch);
    EXPECT_EQ(fasta.next(Deadline::never()).value(), "");
    return places;
  }

  Result<TempDir> folder_ = TempDir::create();
};

constexpr std::string_view kPlaces =
    "q1\ts1\t1e-30\t105\t11\t20\t100\n"
    "q1\ts1\t1e-20\t95\t31\t40\t100\n"
    "q1\ts1\t1e-10\t85\t60\t51\t100\n"
    "q1\ts2\t1e-10\t85\t11\t20\t30\n";
using Places = std::vector<std::string>;

TEST_F(SubjectFastaTest, PlacesAreToldApartAsTheyAreWithTheirFlanks) {
  const auto with = [&](std::uint32_t flank, bool strands) {
    return fetched("6 qaccver saccver evalue bitscore sstart send slen", kPlaces,
                   {.aligned = true, .flank = flank, .strands = strands});
  };
  EXPECT_EQ(with(0, false), (Places{"s1 11-20", "s1 31-40", "s1 51-60", "s2 11-20"}));
  EXPECT_EQ(with(1'000'000'000, false), (Places{"s1 11-20", "s2 11-20"})) << "all of each";
  EXPECT_EQ(with(1'000'000'000, true), (Places{"s1 11-20", "s1 51-60 minus", "s2 11-20"}));
  EXPECT_EQ(with(60, false), (Places{"s1 11-20", "s1 31-40", "s2 11-20"})) << "1-80 and 1-100 differ";
}

}  // namespace
}  // namespace loom::service
