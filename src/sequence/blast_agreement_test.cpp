// The rules of this room against the BLAST+ programs themselves.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sequence/memory_source.hpp"
#include "sequence/query_map.hpp"
#include "testkit/level.hpp"

namespace loom::sequence {
namespace {

constexpr std::string_view kRas = "MTEYKLVVVGAGGVGKSALTIQLIQNHFVDEYDPTIEDSYRKQVVIDGETCLLDILDTAGQEEYSAMRDQY";
constexpr std::string_view kGfp = "MSKGEELFTGVVPILVELDGDVNGHKFSVSGEGEGDATYGKLTLKFICTTGKLPVPWPTLVTTFSYGVQCF";

struct Ended {
  int exit_code = -1;
  std::string output;
};

class BlastAgreement : public testing::Test {
 protected:
  BlastAgreement() {
    std::string pattern = (std::filesystem::temp_directory_path() / "loom-sequence-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~BlastAgreement() override { std::filesystem::remove_all(folder_); }

  /// Runs `command` in the folder; its standard output.
  [[nodiscard]] Ended run(const std::string& command) const {
    const std::string line = "cd '" + folder_.string() + "' && " + command + " 2>/dev/null";
    std::FILE* pipe = popen(line.c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error("no process: " + line);
    Ended result;
    std::string chunk(65'536, '\0');
    while (const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), pipe))
      result.output.append(chunk, 0, got);
    const int status = pclose(pipe);
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
  }

  void write(const std::string& name, std::string_view bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }

  void make_databases() const {
    write("p.fa", ">s1\n" + std::string(kRas) + "\n>s2\n" + std::string(kGfp) + "\n");
    write("n.fa", ">s1\nATGACTGAATATAAACTTGTGGTAGTTGGAGCTGGTGGCGTAGGCAAGAGTGCCTTGACGATACAGCTAAT\n");
    ASSERT_EQ(run("makeblastdb -in p.fa -dbtype prot -out p").exit_code, 0) << "is BLAST+ installed?";
    ASSERT_EQ(run("makeblastdb -in n.fa -dbtype nucl -out n").exit_code, 0);
  }

  std::filesystem::path folder_;
};

/// The letters of each unit: those of each record when every record is a unit.
std::vector<std::uint64_t> lengths_of(const QueryMap& map) {
  std::vector<std::uint64_t> lengths;
  for (const Unit& unit : map.units) lengths.push_back(unit.letters);
  return lengths;
}

/// The ordinals of the units' first records.
std::vector<std::uint64_t> first_records(const QueryMap& map) {
  std::vector<std::uint64_t> starts;
  for (const Unit& unit : map.units) starts.push_back(unit.first_record);
  return starts;
}

/// The length of each query in a pairwise report.
std::vector<std::uint64_t> reported_lengths(const std::string& report) {
  std::vector<std::uint64_t> lengths;
  for (auto at = report.find("Query= "); at != report.npos; at = report.find("Query= ", at)) {
    at = report.find("\nLength=", at) + 8;
    lengths.push_back(std::strtoul(report.c_str() + at, nullptr, 10));
  }
  return lengths;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

/// Inputs that BLAST+ takes, odd ones among them.
std::vector<std::string> odd_inputs() {
  const std::string a(kRas);
  const std::string b(kGfp);
  const std::string plain = ">q1 one\n" + a + "\n>q2 two\n" + b + "\n";
  return {plain,
          replaced(plain, "\n", "\r\n"),
          ">q1\n" + a + "\r\n>q2\r\n" + b + "\n>q3\n" + a + "\n",
          plain.substr(0, plain.size() - 1),
          ">q1\n  1 " + a + "\n 61 " + b + " \n",
          ">q1\n" + a + "--" + b + "-\n>q2\n*" + a + "*\n",
          ">q1\nACDEFGHIKLMNPQRSTVWYBZXJUO*acdefghiklmnpqrstvwybzxjuo\n",
          ">q1\n" + a + "\n>q2 empty\n>\n>q3\n" + b + "\n",
          "\n;c\n#d\n!e\n>q1\n\n" + a + "\n\n;mid\n!mid\n#mid\n" + b + "\n\n>q2\n" + b + ";rest\n\n\n",
          ">q1\n" + a + "\n >q2\n" + b + "\n> q3 x\n" + a + "\n>\tq4\ty\n" + b + "\n",
          std::string(">q1\n") + a + std::string("\0\xc3\xa9", 3) + b + "\n>q\xc3\xa9\n" + a + "\n",
          ">q1\n" + a + "\n>?_q2\n" + b + "\n>q1\x01z\n" + a + "\n>gnl|x|y z\n" + b + "\n>q1\n" + a + "\n",
          ">q1\nMKVLAW@V\n" + a + "\n@@@\nP01013\n>q2\n" + b + "\n>" + std::string(70'000, 'x') + "\n" + a,
          "@r1\n" + a + "\n+\n" + std::string(a.size(), 'I') + "\n",
          "\n" + a + "\n>q2\n" + b + "\n"};
}

TEST_F(BlastAgreement, SeesTheSameQueriesOfTheSameLength) {
  ASSERT_NO_FATAL_FAILURE(make_databases());
  for (const auto& [program, alphabet] :
       {std::pair{"blastp -db p", Alphabet::protein}, std::pair{"blastn -db n", Alphabet::nucleotide}}) {
    for (const std::string& input : odd_inputs()) {
      write("q.fa", input);
      const Ended blast = run(std::string(program) + " -query q.fa -evalue 1e-9");
      EXPECT_EQ(blast.exit_code, 0) << program << " on\n" << input;
      MemorySource source(input);
      EXPECT_EQ(lengths_of(map_queries(source, alphabet, 0).value()), reported_lengths(blast.output))
          << program << " on\n"
          << input;
    }
  }
}

TEST_F(BlastAgreement, RefusesOnlyWhatBlastRefuses) {
  ASSERT_NO_FATAL_FAILURE(make_databases());
  const std::string record = ">q\n" + std::string(kRas) + "\n";
  for (const std::string& input :
       {std::string("\xef\xbb\xbf") + record, std::string(">q1\n12345\n") + record,
        std::string(">q1\n---\n") + record, std::string(">q1\nMKVL@@\n") + record,
        std::string("@SRR1.1 8:5:1:817:345\nACGT\n+\nIIII\n"), std::string("\nP01013\n") + record,
        std::string(">q1\nM;@@@@\n"), std::string(">q1\nMK@\n") + record, std::string(">q1\n@MK\n"),
        std::string(">q1\n@@K\n"), std::string(">q1\n;@@@\n@MKV\n"),
        std::string(">q1\n" + std::string(70, 'M') + std::string(200, '@') + "\n")}) {
    write("q.fa", input);
    const Ended blast = run("blastp -db p -query q.fa -evalue 1e-9");
    MemorySource source(input);
    EXPECT_EQ(blast.exit_code == 0, map_queries(source, Alphabet::protein, 0).has_value()) << input;
  }
}

/// The ordinals at which a run started its internal batches: one archive each.
std::vector<std::uint64_t> archive_starts(const std::string& archives) {
  std::vector<std::uint64_t> starts;
  for (auto at = archives.find("Blast4-archive ::="); at != archives.npos;
       at = archives.find("Blast4-archive ::=", at + 1)) {
    const auto title = archives.find("title \"r", at);
    if (title == archives.npos) return {};
    starts.push_back(std::strtoul(archives.c_str() + title + 8, nullptr, 10));
  }
  return starts;
}

TEST_F(BlastAgreement, InternalBatchesStartWhereBlastStartsThem) {
  ASSERT_NO_FATAL_FAILURE(make_databases());
  std::mt19937 random(2'12);
  const auto some = [&](std::uint32_t low, std::uint32_t high) {
    return low + static_cast<std::uint32_t>(random() % (high - low + 1));
  };
  for (const auto& [program, database] : {std::pair{"blastp", "p"}, std::pair{"blastx", "p"},
                                          std::pair{"tblastn", "n"}, std::pair{"tblastx", "n"}}) {
    const std::uint32_t size = internal_batch_letters(program).value();
    const std::string_view alphabet =
        std::string_view(program) == "blastp" || std::string_view(program) == "tblastn"
            ? "ACDEFGHIKLMNPQRSTVWY"
            : "ACGT";
    const int rounds = testkit::level() == testkit::Level::quick ? 1 : 4;
    for (int round = 0; round < rounds; ++round) {
      std::vector<std::uint32_t> letters;
      std::string fasta;
      for (std::size_t i = 0; i < 60; ++i) {
        const std::array<std::uint32_t, 6> edges{0, 0, size - 1, size, size + 1, 2 * size + 7};
        letters.push_back(some(0, 5) == 0 ? edges.at(some(0, 5)) : some(30, 1'500));
        fasta += ">r" + std::to_string(i) + "\n";
        for (std::uint32_t n = 0; n < letters.back(); ++n) fasta += alphabet[random() % alphabet.size()];
        fasta += "\n";
      }
      letters.push_back(10);  // BLAST+ fails if all records of the last batch are empty
      fasta += ">r60\n" + std::string(alphabet == "ACGT" ? "ACGTTGCAAC" : "MKVLAWHERD");
      write("q.fa", fasta);
      const Ended blast =
          run(std::string(program) + " -db " + database + " -query q.fa -outfmt 11 -evalue 1e-30");
      EXPECT_EQ(blast.exit_code, 0);
      MemorySource source(fasta);
      const auto kind = alphabet == "ACGT" ? Alphabet::nucleotide : Alphabet::protein;
      EXPECT_EQ(archive_starts(blast.output), first_records(map_queries(source, kind, size).value()))
          << program;
    }
  }
}

}  // namespace
}  // namespace loom::sequence
