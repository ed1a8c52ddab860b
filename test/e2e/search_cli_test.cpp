// The real binary with real BLAST+: streams, exit codes, interruption, resumption, messages.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/temp_dir.hpp"
#include "exec/local/local_process_runner.hpp"
#include "testkit/level.hpp"

namespace loom {
namespace {

namespace fs = std::filesystem;
using Args = std::vector<std::string>;

std::string data(const std::string& name) {
  return std::string(LOOM_TESTDATA) + "/" + name;
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Said {
  int exit_code = 0;
  std::string out;
  std::string err;
};

constexpr const char* kSmallBatches = "BATCH_SIZE=2500";

class SearchCli : public testing::Test {
 protected:
  void SetUp() override {
    auto folder = TempDir::create(LOOM_SCRATCH);
    ASSERT_TRUE(folder) << folder.error().message;
    folder_ = std::move(*folder);
    fs::create_directory(here() / "tmp");
  }
  [[nodiscard]] fs::path here() const { return folder_->path(); }

  [[nodiscard]] Said run(const Args& argv, const exec::Stream& input = exec::DevNull{}) const {
    exec::ProcessSpec spec;
    spec.argv = argv;
    spec.working_dir = here();
    spec.temp_dir = here() / "tmp";
    spec.input = input;
    spec.environment = environment_;
    spec.output = here() / "stdout";
    exec::LocalProcessRunner runner;
    const auto outcome = runner.run(spec, Deadline::never(), {});
    EXPECT_TRUE(outcome) << outcome.error().message;
    return {outcome->signal == 0 ? outcome->exit_code : 1000 + outcome->signal, text_of(here() / "stdout"),
            outcome->stderr_text};
  }
  [[nodiscard]] Said search(const Args& args, const exec::Stream& input = exec::DevNull{}) const {
    Args argv{LOOM_BINARY, "search"};
    argv.insert(argv.end(), args.begin(), args.end());
    return run(argv, input);
  }
  /// Nothing of ours is left in the folder for temporary files.
  void expect_clean() const { EXPECT_TRUE(fs::is_empty(here() / "tmp")); }

  /// From here on 20 proteins are five internal batches, as 200 are without it.
  void make_batches_small() { environment_.emplace_back(kSmallBatches); }

  std::optional<TempDir> folder_;
  std::vector<std::string> environment_;
};

const Args kBlastp{"blastp", "-db", data("db/proteins_2k"), "-outfmt", "6"};

Args with(Args args, const Args& more) {
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

TEST_F(SearchCli, ReadsStandardInputAndWritesStandardOutputAsBlastDoes) {
  make_batches_small();
  const fs::path queries = data("query/proteins_20.fa");
  const Said blast = run(with({"blastp"}, {"-db", data("db/proteins_2k"), "-outfmt", "6"}), queries);
  const Said ours = search(with(kBlastp, {"--batch-letters", "1"}), queries);
  EXPECT_EQ(ours.exit_code, 0) << ours.err;
  EXPECT_EQ(ours.out, blast.out);
  EXPECT_FALSE(ours.out.empty());
  expect_clean();
}

TEST_F(SearchCli, ReadsGzip) {
  const std::string plain = text_of(data("query/proteins_20.fa"));
  gzFile file = gzopen((here() / "q.fa.gz").c_str(), "wb");
  ASSERT_EQ(gzwrite(file, plain.data(), static_cast<unsigned>(plain.size())), static_cast<int>(plain.size()));
  ASSERT_EQ(gzclose(file), Z_OK);
  EXPECT_EQ(search(with(kBlastp, {"-query", "q.fa.gz"})).out,
            search(with(kBlastp, {"-query", data("query/proteins_20.fa")})).out);
}

TEST_F(SearchCli, RefusesWhatBlastWouldRefuseBeforeAnythingRuns) {
  const Said unknown = search(with(kBlastp, {"-query", data("query/protein_1.fa"), "-evalu", "1"}));
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_NE(unknown.err.find("did you mean -evalue"), std::string::npos) << unknown.err;
  EXPECT_EQ(search({"blastq"}).exit_code, 1);
  const Said flag = search(with(kBlastp, {"--shard", "2"}));
  EXPECT_EQ(flag.exit_code, 1);
  EXPECT_NE(flag.err.find("--shards"), std::string::npos) << flag.err;
  const Said missing = search(with(kBlastp, {"-query", "nowhere.fa", "-out", "hits"}));
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_NE(missing.err.find("nowhere.fa"), std::string::npos) << missing.err;
  EXPECT_FALSE(fs::exists(here() / "hits"));
  expect_clean();
}

TEST_F(SearchCli, AMissingDatabaseExitsAsBlastDoes) {
  const Said blast = run({"blastp", "-db", "nodb", "-query", data("query/protein_1.fa")});
  const Said ours = search({"blastp", "-db", "nodb", "-query", data("query/protein_1.fa")});
  EXPECT_EQ(ours.exit_code, blast.exit_code);
  EXPECT_NE(ours.err.find("nodb"), std::string::npos) << ours.err;
}

TEST_F(SearchCli, HelpAndVersionAreTheEngines) {
  EXPECT_EQ(search({"blastp", "-help"}).out, run({"blastp", "-help"}).out);
  EXPECT_EQ(search({"blastp", "-version"}).out, run({"blastp", "-version"}).out);
}

TEST_F(SearchCli, FastqIsNamedWithItsLine) {
  std::ofstream(here() / "reads.fq") << "@HWUSI-EAS100R:6:73:941:1973#0/1\nACGT\n+\nIIII\n";
  const Said said = search({"blastn", "-db", data("db/nucleotides_500"), "-query", "reads.fq"});
  EXPECT_EQ(said.exit_code, 1);
  EXPECT_NE(said.err.find("FASTQ"), std::string::npos) << said.err;
}

TEST_F(SearchCli, ExplainIsJsonAndSearchesNothing) {
  const Said said = search(with(
      kBlastp, {"-query", data("query/proteins_100.fa"), "--explain=json", "--jobs", "2", "--shards", "3"}));
  ASSERT_EQ(said.exit_code, 0) << said.err;
  const auto plan = boost::json::parse(said.out).as_object();
  EXPECT_EQ(plan.at("queries").to_number<int>(), 100);
  EXPECT_EQ(plan.at("shards").to_number<int>(), 3);
  EXPECT_FALSE(plan.at("tasks").as_array().empty());
}

TEST_F(SearchCli, AListIsSearchedInParts) {
  const auto parts = [this](const Args& list) {
    const Args flags{"-query", data("query/proteins_20.fa"), "--explain=json", "--shards", "3"};
    Said said =
        search(with(with({"blastp", "-db", data("db/proteins_2k_tax"), "-outfmt", "6"}, flags), list));
    EXPECT_EQ(said.exit_code, 0) << said.err;
    return said.exit_code == 0 ? boost::json::parse(said.out).as_object().at("shards").to_number<int>() : 0;
  };
  EXPECT_EQ(parts({"-taxids", "9606"}), 3);
  std::istringstream names(text_of(data("db/proteins_subset.ids")));
  std::ofstream accessions(here() / "accessions");
  for (std::string name; std::getline(names, name);)
    accessions << name.substr(3, name.find('|', 3) - 3) << "\n";  // sp|Q6ANB6|Y1429_DESPS
  accessions.close();
  EXPECT_EQ(parts({"-negative_seqidlist", "accessions"}), 3);
  EXPECT_EQ(parts({"-taxids", "4932"}), 1) << "nothing is left: the engine says so itself";
}

TEST_F(SearchCli, ADatabaseOfFewLongSequencesGivesFewerParts) {
  const std::string contigs = text_of(data("query/contigs_10.fa"));
  std::string letters;
  for (const char c : contigs.substr(contigs.find('\n')))
    letters += std::string_view("ACGT").find(c) == std::string_view::npos ? std::string() : std::string(1, c);
  std::ofstream(here() / "d.fa") << ">giant\n"
                                 << letters << "\n>dwarf1\n"
                                 << letters.substr(0, 60) << "\n>dwarf2\n"
                                 << letters.substr(500, 60) << "\n>dwarf3\n"
                                 << letters.substr(900, 60) << "\n";
  ASSERT_EQ(run({"makeblastdb", "-in", "d.fa", "-dbtype", "nucl", "-out", "d"}).exit_code, 0);
  const Args flags{"-db", here() / "d", "-query", data("query/contigs_10.fa"), "-outfmt", "6"};
  const Said blast = run(with({"blastn"}, flags));
  const Said ours = search(with(with({"blastn"}, flags), {"--shards", "4"}));
  EXPECT_EQ(ours.exit_code, 0) << ours.err;
  EXPECT_EQ(ours.out, blast.out);
  EXPECT_FALSE(ours.out.empty());
}

TEST_F(SearchCli, ProgressIsOneJsonObjectALine) {
  make_batches_small();
  const Said said = search(with(kBlastp, {"-query", data("query/proteins_20.fa"), "--batch-letters", "1",
                                          "--progress=json", "-out", "hits"}));
  ASSERT_EQ(said.exit_code, 0);
  std::istringstream lines(said.err);
  int seen = 0;
  std::string last;
  for (std::string line; std::getline(lines, line); ++seen) {
    last = boost::json::parse(line).as_object().at("event").as_string();
  }
  EXPECT_GE(seen, 4);
  EXPECT_EQ(last, "finished");
}

TEST_F(SearchCli, MessagesHaveTrueQueryNumbersAndComeOnce) {
  make_batches_small();
  std::string fasta = text_of(data("query/proteins_20.fa")) + ">all_x\n" + std::string(40, 'X') + "\n";
  for (const std::string end : {"A", "G", "L"})
    fasta += ">" + end + "\nMKV-LAWHERDGGAVLIKRMKVLAWHERDGGAVLIKR" + end + "\n";
  std::ofstream(here() / "q.fa") << fasta;
  const Said blast = run({"blastp", "-db", data("db/proteins_2k"), "-outfmt", "6", "-query", "q.fa"});
  const Said ours = search(with(kBlastp, {"-query", "q.fa", "--batch-letters", "1"}));
  EXPECT_EQ(ours.out, blast.out);
  EXPECT_EQ(ours.err, blast.err);
  EXPECT_NE(ours.err.find("Query_21"), std::string::npos) << ours.err;
}

TEST_F(SearchCli, AFailureInPartsIsToldInTheEnginesWordsOfTheUsersDatabase) {
  const Args parts{"--shards", "2", "--batch-letters", "1"};
  const Args query{"-query", data("query/proteins_20.fa")};
  for (const Args& wrong : {Args{"-db_soft_mask", "11"}, Args{"-matrix", "BLOSUM63"}}) {
    const Said whole = run(with(with(kBlastp, query), wrong));
    const Said cut = search(with(with(with(kBlastp, query), wrong), parts));
    EXPECT_EQ(cut.exit_code, whole.exit_code);
    EXPECT_EQ(cut.err.find(whole.err.substr(0, whole.err.find("\n\n"))), 0U) << cut.err << whole.err;
    EXPECT_EQ(cut.err.find("shard-"), std::string::npos) << cut.err;
  }
  const Args unmasked = with(query, {"-db_soft_mask", "x"});
  const Said whole = run(with(kBlastp, unmasked));
  EXPECT_EQ(search(with(with(kBlastp, unmasked), parts)).err, whole.err);
}

TEST_F(SearchCli, MessagesAboutRepeatsNameEachOfThem) {
  const std::string unsearchable(100, 'N');
  std::ofstream(here() / "q.fa") << ">first one\n"
                                 << unsearchable << "\n"
                                 << text_of(data("query/reads_repeats_200.fa")) << ">last\n"
                                 << unsearchable << "\n";
  const Args flags{"-db",   data("db/nucleotides_500"), "-outfmt", "6", "-query", "q.fa", "-evalue",
                   "1e-50", "-max_target_seqs",         "2"};
  const Said blast = run(with({"blastn"}, flags));
  const Said ours = search(with(with({"blastn"}, flags), {"--jobs", "2"}));
  EXPECT_EQ(ours.out, blast.out);
  EXPECT_EQ(ours.err, blast.err);
  EXPECT_NE(ours.err.find("Query_202 last:"), std::string::npos) << ours.err;
}

/// Both with the same flags, in the same folder; all files that they leave beside `tmp`, by name.
class Beside : public SearchCli {
 protected:
  using Files = std::map<std::string, std::string>;
  Files left_by(const Args& argv) const {
    fs::create_directory(here() / "run");
    exec::ProcessSpec spec;
    spec.argv = argv;
    spec.working_dir = here() / "run";
    spec.temp_dir = here() / "tmp";
    spec.output = here() / "run/stdout";
    spec.environment = environment_;
    exec::LocalProcessRunner runner;
    const auto outcome = runner.run(spec, Deadline::never(), {});
    EXPECT_TRUE(outcome) << outcome.error().message;
    Files files{{"exit code", std::to_string(outcome->exit_code)}};
    for (const auto& entry : fs::directory_iterator(here() / "run"))
      files[entry.path().filename()] = text_of(entry.path());
    fs::remove_all(here() / "run");
    return files;
  }
  void expect_same(const std::string& program, const Args& flags, const Args& own) const {
    const Files expected = left_by(with({program}, flags));
    EXPECT_EQ(expected.at("exit code"), "0");
    const Files found = left_by(with(with({LOOM_BINARY, "search", program}, flags), own));
    for (const auto& [name, text] : expected)
      EXPECT_TRUE(found.contains(name) && found.at(name) == text) << name;
    for (const auto& [name, text] : found) EXPECT_TRUE(expected.contains(name)) << name;
  }
};

TEST_F(Beside, WhatStandsInPlaceOfQueriesIsSearched) {
  const std::string protein = data("query/protein_1.fa");
  const Args flags{"-db", data("db/proteins_2k"), "-outfmt", "6"};
  ASSERT_EQ(run(with({"psiblast"}, with(flags, {"-query", protein, "-num_iterations", "2", "-out_pssm",
                                                (here() / "pssm").string(), "-save_pssm_after_last_round"})))
                .exit_code,
            0);
  ASSERT_EQ(run(with({"blastp"}, with(flags, {"-query", protein, "-export_search_strategy",
                                              (here() / "strategy").string()})))
                .exit_code,
            0);
  std::ofstream(here() / "msa.fa") << ">a\nMKVLAWHERDGGAVLIKR\n>b\nMKVLGWHERDGGSVLIKR\n";
  expect_same("psiblast", with(flags, {"-in_pssm", (here() / "pssm").string()}), {"--jobs", "2"});
  expect_same("psiblast", with(flags, {"-in_msa", (here() / "msa.fa").string()}), {"--jobs", "2"});
  expect_same("blastp", {"-import_search_strategy", (here() / "strategy").string(), "-outfmt", "6"},
              {"--jobs", "2"});
}

TEST_F(Beside, HtmlIsTheSame) {
  make_batches_small();
  const Args flags{"-db", data("db/proteins_2k"), "-query", data("query/proteins_20.fa"), "-html"};
  const Args cut{"--shards", "2", "--batch-letters", "1"};
  expect_same("blastp", with(flags, {"-evalue", "1e-20"}), cut);
  expect_same("blastp", with(flags, {"-evalue", "1e-20", "-outfmt", "3"}), with(cut, {"--resume", "../w"}));
}

TEST_F(Beside, FilesOfAQueryEachAreNamedAsBlastNamesThem) {
  const Args flags{"-db", data("db/proteins_2k_a"), "-query", data("query/peptides_50.fa")};
  for (const auto& [format, out] :
       {std::pair{"13", "o.json"}, {"13", "o.JSON"}, {"13", "o.xml"}, {"14", "o.xml"}, {"14", "o.json"}}) {
    expect_same("blastp", with(flags, {"-outfmt", format, "-out", out}), {"--batch-letters", "1"});
  }
}

TEST_F(Beside, ATitleLikeALabelIsNoLabel) {
  make_batches_small();
  std::string queries;
  std::string subjects;
  std::mt19937 random(5);
  for (int n = 1; n <= 20; ++n) {
    std::string letters;
    for (int i = 0; i < 300; ++i) letters += "ACDEFGHIKLMNPQRSTVWY"[random() % 20];
    const std::string label = ">Query_" + std::to_string(n);
    queries += label + "\n" + letters + "\n";
    subjects += label + "\n" + letters + "\n";
  }
  std::ofstream(here() / "q.fa") << queries;
  std::ofstream(here() / "s.fa") << subjects;
  const std::string database = (here() / "s").string();
  ASSERT_EQ(run({"makeblastdb", "-in", "s.fa", "-dbtype", "prot", "-out", database}).exit_code, 0);
  const Args flags{"-db", database, "-query", (here() / "q.fa").string()};
  for (const Args& format :
       {Args{"-outfmt", "1"}, Args{"-outfmt", "4"}, Args{"-outfmt", "3", "-line_length", "2"}})
    expect_same("blastp", with(flags, format), {"--batch-letters", "1"});
}

TEST_F(Beside, ANameThatIsNotAsciiIsWrittenAsTheEngineWritesIt) {
  fs::copy(data("proteins_2k.fa"), here() / "s.fa");
  const std::string database = (here() / "prot_\xC3\xA9").string();
  ASSERT_EQ(run({"makeblastdb", "-in", "s.fa", "-dbtype", "prot", "-out", database}).exit_code, 0);
  const Args flags{"-db", database, "-query", data("query/proteins_10.fa"), "-evalue", "1e-5"};
  for (const char* format : {"0", "5", "7", "11", "15", "16"})
    expect_same("blastp", with(flags, {"-outfmt", format}), {"--shards", "2"});
}

TEST_F(Beside, AnEmptyQueryFileIsNoQuery) {
  std::ofstream(here() / "empty.fa");
  const Args flags{"-db", data("db/proteins_2k"), "-query", (here() / "empty.fa").string(), "-outfmt"};
  for (const char* format : {"6", "0", "5", "7", "15"})
    expect_same("blastp", with(flags, {format}), {"--shards", "2"});
  expect_same("blastp", with(flags, {"6"}), {"--resume", "../w"});
}

/// With ids of databases in front (sp|P12345|…) an archive has the queries in another form.
TEST_F(Beside, ParsedDeflinesKeepTheirIds) {
  make_batches_small();
  const Args flags{"-db", data("db/proteins_2k"), "-query", data("query/proteins_10.fa"), "-parse_deflines"};
  std::ofstream(here() / "mixed.fa") << text_of(data("query/protein_1.fa")) << ">own name\n"
                                     << std::string(20, 'M')
                                     << "MKVLAWHERDGGAVLIKR\n>gi|1|gb|AAA1.1| x\nMKVLAW\n";
  for (const char* format : {"6", "0", "5"})
    expect_same("blastp", with(flags, {"-outfmt", format}), {"--shards", "2", "--batch-letters", "1"});
  const Args mixed{"-db", data("db/proteins_2k"), "-query", (here() / "mixed.fa").string(),
                   "-parse_deflines"};
  expect_same("blastp", with(mixed, {"-outfmt", "7"}), {"--shards", "2"});
  expect_same("blastp", with(mixed, {"-outfmt", "6", "-max_target_seqs", "3"}),
              {"--shards", "2", "--on-saturation", "identical"});
}

/// What a shell passes on has a name in /dev or /proc, which means something else to a child.
TEST_F(Beside, DescriptorsAreReadAsFiles) {
  const std::string q = data("query/proteins_10.fa");
  const std::string db = data("db/proteins_2k");
  for (const std::string& rest :
       {"-query /dev/stdin -db " + db + " < " + q, "-query /dev/fd/3 -db " + db + " 3< " + q,
        "-query <(cat " + q + ") -db " + db, "-query " + q + " -subject <(cat " + q + ")",
        "-query " + q + " -subject - < " + q, "-query " + q + " -subject /dev/stdin < " + q}) {
    const auto by = [&](const std::string& program) {
      return Args{"bash", "-c", program + " -outfmt 6 " + rest};
    };
    const Files expected = left_by(by("blastp"));
    EXPECT_NE(expected.at("stdout"), "") << rest;
    EXPECT_TRUE(left_by(by(std::string(LOOM_BINARY) + " search blastp")) == expected) << rest;
  }
}

TEST_F(SearchCli, WhatCanBeReadOnceIsNotReadInParts) {
  const std::string q = data("query/proteins_10.fa");
  const Said said =
      run({"bash", "-c",
           std::string(LOOM_BINARY) + " search blastp -query " + q + " -subject - --resume w < " + q});
  EXPECT_EQ(said.exit_code, 1);
  EXPECT_NE(said.err.find("-subject: - can be read once only, and --resume asks for more"), std::string::npos)
      << said.err;
}

/// The engine leaves out what it cannot write in this format, and counts on.
TEST_F(Beside, AnIterationThatIsLeftOutKeepsItsNumber) {
  make_batches_small();
  std::istringstream proteins(text_of(data("query/proteins_20.fa")));
  std::string queries;
  int records = 0;
  for (std::string line; std::getline(proteins, line);)
    queries += line + (line.starts_with('>') && ++records == 4 ? " \xCE\xB2\n" : "\n");
  std::ofstream(here() / "q.fa") << queries;
  const Args flags{"-db", data("db/proteins_2k"), "-query", (here() / "q.fa").string(), "-outfmt", "5"};
  for (const Args& cut : {Args{"--shards", "2"}, Args{"--batch-letters", "1"}})
    expect_same("blastp", flags, cut);
  // Where a batch begins with it, the engine alone could not write its header.
  environment_ = {"BATCH_SIZE=1"};
  expect_same("blastp", flags, {"--batch-letters", "1"});
}

TEST_F(Beside, ValuesAtTheEdgeOfWhatIsTakenDoNotBreakScouts) {
  const std::string database = (here() / "few").string();
  ASSERT_EQ(run({"makeblastdb", "-in", data("query/proteins_20.fa"), "-dbtype", "prot", "-out", database})
                .exit_code,
            0);
  const Args flags{"-db", database, "-query", data("query/protein_1.fa"), "-outfmt", "6"};
  expect_same("blastp", with(flags, {"-max_target_seqs", "2147483647"}), {"--shards", "2"});
  expect_same("blastp", with(flags, {"-evalue", "1e308"}), {"--shards", "2"});
}

/// The one who reads standard output is gone, but that is not where the output was to go.
TEST_F(SearchCli, SaysWhatIsWrongThoughNobodyReadsStandardOutput) {
  const Said said = run({"bash", "-c",
                         "{ sleep 0.2; " + std::string(LOOM_BINARY) + " search blastp -db " +
                             data("db/proteins_2k") + " -query " + data("query/protein_1.fa") +
                             " -out missing/hits; } | true; exit ${PIPESTATUS[0]}"});
  EXPECT_EQ(said.exit_code, 1);
  EXPECT_NE(said.err.find("missing/hits"), std::string::npos) << said.err;
}

TEST_F(SearchCli, AnEmptyFolderToResumeInStays) {
  fs::create_directory(here() / "mine");
  const Said said = search(with(kBlastp, {"-query", data("query/protein_1.fa"), "--resume", "mine"}));
  EXPECT_EQ(said.exit_code, 0) << said.err;
  EXPECT_TRUE(fs::is_empty(here() / "mine"));
}

TEST_F(SearchCli, ResumeTouchesNoOtherFile) {
  fs::create_directories(here() / "mine/sub");
  std::ofstream(here() / "mine/thesis.txt") << "precious";
  const Said said =
      search(with(kBlastp, {"-query", data("query/proteins_20.fa"), "-out", "hits", "--resume", "mine"}));
  EXPECT_EQ(said.exit_code, 0) << said.err;
  EXPECT_EQ(text_of(here() / "mine/thesis.txt"), "precious");
  EXPECT_TRUE(fs::exists(here() / "mine/sub"));
  EXPECT_FALSE(fs::exists(here() / "mine/blastloom-work"));
}

TEST_F(SearchCli, AFileForEachQueryNeedsAName) {
  for (const std::string format : {"13", "14"}) {
    const Said said = search(
        {"blastp", "-db", data("db/proteins_2k"), "-query", data("query/proteins_20.fa"), "-outfmt", format});
    EXPECT_EQ(said.exit_code, 1);
    EXPECT_NE(said.err.find("-out"), std::string::npos) << said.err;
  }
}

TEST_F(SearchCli, ASizeWithoutAUnitIsQuestioned) {
  const Said said = search(with(kBlastp, {"-query", data("query/proteins_20.fa"), "--memory", "1"}));
  EXPECT_EQ(said.exit_code, 1);
  EXPECT_NE(said.err.find("16G"), std::string::npos) << said.err;
}

TEST_F(SearchCli, EndsSilentlyWhenNobodyReads) {
  for (const std::string cut : {"1", "1000000"}) {
    const Said said = run({"bash", "-c",
                           std::string(LOOM_BINARY) + " search blastp -db " + data("db/proteins_2k") +
                               " -query " + data("query/proteins_20.fa") + " --batch-letters " + cut +
                               " | head -n 1 >/dev/null; exit ${PIPESTATUS[0]}"});
    EXPECT_EQ(said.exit_code, 128 + SIGPIPE);
    EXPECT_EQ(said.err, "");
  }
}

/// A search that is under way: its first progress line was read. Ends with the test.
class Running {
 public:
  Running(const Args& args, const fs::path& folder) {
    std::array<int, 2> pipe{};
    EXPECT_EQ(::pipe(pipe.data()), 0);
    Args argv{LOOM_BINARY, "search"};
    argv.insert(argv.end(), args.begin(), args.end());
    std::vector<char*> pointers;
    for (std::string& arg : argv) pointers.push_back(arg.data());
    pointers.push_back(nullptr);
    const std::string tmp = "TMPDIR=" + (folder / "tmp").string();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(pipe[1], 2);
      ::close(pipe[0]);
      ::close(pipe[1]);
      if (::chdir(folder.c_str()) != 0) ::_exit(126);
      ::signal(SIGINT, SIG_DFL);  // a background job of a script has it ignored
      ::putenv(const_cast<char*>(tmp.c_str()));
      ::putenv(const_cast<char*>(kSmallBatches));
      ::execv(LOOM_BINARY, pointers.data());
      ::_exit(127);
    }
    ::close(pipe[1]);
    stderr_ = pipe[0];
  }
  ~Running() { ::close(stderr_); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  /// Until `lines` lines came on stderr.
  void wait_for_lines(int lines) const {
    char c = 0;
    while (lines > 0 && ::read(stderr_, &c, 1) == 1) lines -= c == '\n' ? 1 : 0;
  }
  /// Until every process that holds the other end of stderr has ended.
  void wait_for_end_of_all() const {
    std::array<char, 4096> rest{};
    while (::read(stderr_, rest.data(), rest.size()) > 0) {
    }
  }
  [[nodiscard]] pid_t pid() const { return pid_; }
  int end_by(int signal) const {
    ::kill(pid_, signal);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    return status;
  }

 private:
  pid_t pid_ = 0;
  int stderr_ = -1;
};

/// In as many tasks as there are internal batches, with progress.
Args cut_search(const std::string& database, const std::string& query) {
  return {"blastp",
          "-db",
          data("db/" + database),
          "-query",
          data("query/" + query),
          "-outfmt",
          "6",
          "-out",
          "hits",
          "--progress=json",
          "--batch-letters",
          "1",
          "--jobs",
          "2"};
}

Args long_search() {
  return cut_search("proteins", "proteins_500.fa");
}

class Interrupted : public SearchCli, public testing::WithParamInterface<int> {};

TEST_P(Interrupted, LeavesNoChildAndNoPartOfTheOutput) {
  std::ofstream(here() / "hits") << "of yesterday";
  const Running running(long_search(), here());
  running.wait_for_lines(2);  // started, and one task is done
  const int status = running.end_by(GetParam());
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), GetParam());
  // Children's stderr is a pipe of the parent's, which dies with it; that no process of the group is left is
  // what the folder shows: nobody writes there any more.
  running.wait_for_end_of_all();
  EXPECT_EQ(text_of(here() / "hits"), "of yesterday");
  if (GetParam() != SIGKILL) expect_clean();
  // A killed parent's children are killed with it, which takes a moment.
  const auto left = [&] { return run({"pgrep", "-f", here().string()}).out; };
  for (int tries = 0; tries < 600 && !left().empty(); ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(left(), "") << "children are still there";
}

/// As `nohup` starts it.
TEST_F(SearchCli, ASignalThatIsIgnoredAtTheStartStaysIgnored) {
  ASSERT_NE(::signal(SIGHUP, SIG_IGN), SIG_ERR);
  const Running running(cut_search("proteins_2k", "proteins_20.fa"), here());
  ::signal(SIGHUP, SIG_DFL);
  running.wait_for_lines(2);
  EXPECT_EQ(running.end_by(SIGHUP), 0);
  EXPECT_EQ(text_of(here() / "hits"), run({"blastp", "-db", data("db/proteins_2k"), "-query",
                                           data("query/proteins_20.fa"), "-outfmt", "6"})
                                          .out);
}

/// Of a process, as /proc/PID/stat has it: 'T' is stopped.
char state_of(const std::string& pid) {
  const std::string stat = text_of("/proc/" + pid + "/stat");
  const std::size_t name_end = stat.rfind(')');
  return name_end == std::string::npos ? '?' : stat[name_end + 2];
}

TEST_F(SearchCli, PausesWithItsChildrenAndGoesOn) {
  const Running running(long_search(), here());
  running.wait_for_lines(2);
  const auto children = [&] {
    std::istringstream found(run({"pgrep", "-P", std::to_string(running.pid())}).out);
    return Args{std::istream_iterator<std::string>(found), {}};
  };
  const auto until_all = [&](auto&& condition) {
    for (int tries = 0; tries < 600; ++tries) {
      const Args all = children();
      if (!all.empty() && std::ranges::all_of(all, condition)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
  };
  ::kill(running.pid(), SIGTSTP);
  int status = 0;
  ASSERT_EQ(::waitpid(running.pid(), &status, WUNTRACED), running.pid());
  ASSERT_TRUE(WIFSTOPPED(status));
  // One that has just ended is waited for when all goes on.
  EXPECT_TRUE(until_all([](const std::string& pid) { return state_of(pid) == 'T' || state_of(pid) == 'Z'; }));
  ::kill(running.pid(), SIGCONT);
  EXPECT_TRUE(until_all([](const std::string& pid) { return state_of(pid) != 'T'; }));
  running.end_by(SIGTERM);
}

INSTANTIATE_TEST_SUITE_P(By, Interrupted, testing::Values(SIGINT, SIGTERM, SIGKILL),
                         [](const auto& info) { return "signal" + std::to_string(info.param); });

TEST_F(SearchCli, ResumeGoesOnFromFinishedTasks) {
  make_batches_small();
  const Args args = with(cut_search("proteins_2k", "proteins_100.fa"), {"--resume", "unfinished"});
  {
    const Running running(args, here());
    running.wait_for_lines(2);  // started, and one task is done
    running.end_by(SIGKILL);
    running.wait_for_end_of_all();
  }
  EXPECT_FALSE(fs::exists(here() / "hits"));
  const Said other = search(with(args, {"-evalue", "1"}));
  EXPECT_NE(other.exit_code, 0);
  EXPECT_NE(other.err.find("another search"), std::string::npos) << other.err;
  const Said resumed = search(args);
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  const auto first = boost::json::parse(resumed.err.substr(0, resumed.err.find('\n'))).as_object();
  EXPECT_GE(first.at("tasks_done").to_number<int>(), 1) << "finished tasks were not repeated";
  EXPECT_EQ(text_of(here() / "hits"),
            run({"blastp", "-db", data("db/proteins_2k"), "-query", data("query/proteins_100.fa"), "-outfmt",
                 "6", "-num_threads", "2"})
                .out);
  EXPECT_FALSE(fs::exists(here() / "unfinished")) << "nothing is left to resume";
}

TEST_F(SearchCli, DoctorFindsAllWell) {
  if (testkit::level() == testkit::Level::quick)
    GTEST_SKIP() << "searches for 20 s: left to the default level";
  const Said said = run({LOOM_BINARY, "doctor"});
  EXPECT_EQ(said.exit_code, 0) << said.out;
  EXPECT_NE(said.out.find("same bytes"), std::string::npos);
}

}  // namespace
}  // namespace loom
