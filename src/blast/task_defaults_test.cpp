#include "blast/task_defaults.hpp"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "base/temp_dir.hpp"
#include "blast/engine_under_test.hpp"
#include "blast/options.hpp"
#include "testkit/level.hpp"

// That task_defaults() is what the installed programs do: a search that states every default of its task
// prints the very bytes of one that states none, the report's end names them, and what it does not name makes
// other bytes when it is changed.
namespace loom::blast {
namespace {

using Args = std::vector<std::string>;
using Values = std::map<std::string, std::string>;

constexpr std::string_view kBases = "ACGT";
constexpr std::string_view kResidues = "ARNDCQEGHILKMFPSTWYV";
constexpr std::array kCodons{"GCT", "CGT", "AAT", "GAT", "TGT", "CAA", "GAA", "GGT", "CAT", "ATT",
                             "CTT", "AAA", "ATG", "TTT", "CCT", "TCT", "ACT", "TGG", "TAT", "GTT"};

/// Sequences whose hits depend on every default: exact matches of every length near the word sizes, and
/// likenesses from close to remote.
class TaskDefaults : public testing::Test {
 protected:
  TaskDefaults() {
    auto made = TempDir::create(std::filesystem::temp_directory_path());
    LOOM_CHECK(made.has_value(), "a temporary folder");
    folder_.emplace(*std::move(made));
    write_nucleotides();
    write_proteins();
  }

  /// What the installed program prints of a search with these options, and says with its exit code.
  EngineRun search(Program program, std::string_view task, const Values& values) {
    Args args{"-query", path(query_file(program)), "-subject", path(subject_file(program)), "-evalue",
              "1000"};
    if (find_option(program, "task") != nullptr) args.insert(args.end(), {"-task", std::string(task)});
    for (const auto& [name, value] : values) args.insert(args.end(), {"-" + name, value});
    return run_engine(program, args);
  }

 private:
  static const char* query_file(Program program) {
    if (program == Program::blastn) return "bases";
    return query_molecule(program) == Molecule::protein ? "residues" : "codons";
  }
  static const char* subject_file(Program program) {
    if (program == Program::blastn) return "bases_there";
    return database_kind(program) == DatabaseKind::protein ? "residues_there" : "codons_there";
  }

  [[nodiscard]] std::string path(const char* name) const { return (folder_->path() / name).string(); }

  std::string random_text(std::string_view letters, std::size_t size) {
    std::string text(size, ' ');
    for (char& c : text) c = letters[random_() % letters.size()];
    return text;
  }

  /// Every letter anew with a chance of `percent`.
  std::string blurred(std::string text, std::string_view letters, unsigned percent) {
    for (char& c : text)
      if (random_() % 100 < percent) c = letters[random_() % letters.size()];
    return text;
  }

  void write_nucleotides() {
    const std::string query = random_text(kBases, 4000);
    std::ofstream(path("bases")) << ">q\n" << query << '\n';
    std::ofstream there(path("bases_there"));
    for (std::size_t size = 6; size <= 32; ++size)
      there << ">exact" << size << '\n'
            << random_text(kBases, 60) << query.substr(size * 40, size) << random_text(kBases, 60) << '\n';
    for (unsigned i = 0; i < 16; ++i)
      there << ">like" << i << '\n' << blurred(query.substr(1700 + i * 90, 200), kBases, 16 + 2 * i) << '\n';
    for (std::size_t i = 0; i < 12; ++i)
      there << ">gap" << i << '\n' << query.substr(i * 300, 70) << query.substr(i * 300 + 71 + i, 80) << '\n';
  }

  void write_proteins() {
    std::ofstream residues(path("residues"));
    std::ofstream there(path("residues_there"));
    std::ofstream codons(path("codons"));
    std::ofstream codons_there(path("codons_there"));
    for (unsigned i = 0; i < 8; ++i) {
      const std::string query = random_text(kResidues, 200);
      std::string like = blurred(query, kResidues, 20 + 7 * i);
      like.erase(90, i);
      residues << ">q" << i << '\n' << query << '\n';
      there << ">s" << i << '\n' << like << '\n';
      codons << ">q" << i << '\n' << in_codons(query) << '\n';
      codons_there << ">s" << i << '\n' << in_codons(like) << '\n';
      // Two words of a length near the word sizes, close to each other on one diagonal.
      for (std::size_t size = 4; size <= 9; ++size) {
        const std::size_t at = (size - 4) * 30;
        const std::string pair = random_text(kResidues, 40) + query.substr(at, size) +
                                 random_text(kResidues, 5) + query.substr(at + size + 5, size) +
                                 random_text(kResidues, 40);
        there << ">pair" << i << '_' << size << '\n' << pair << '\n';
        codons_there << ">pair" << i << '_' << size << '\n' << in_codons(pair) << '\n';
      }
    }
  }

  static std::string in_codons(const std::string& residues) {
    std::string text;
    for (const char c : residues) text += kCodons.at(kResidues.find(c));
    return text;
  }

  std::optional<TempDir> folder_;
  std::mt19937 random_{7};  // NOLINT: the same sequences in every run
};

Values defaults(std::string_view task) {
  Values values;
  for (const TaskDefault& one : task_defaults(task)) values.emplace(one.option, one.value);
  return values;
}

/// What a report says of a search at its end, by these options.
std::vector<std::string> told(const Values& values) {
  std::vector<std::string> lines;
  const auto tell = [&](const char* name, const char* line) {
    if (const auto found = values.find(name); found != values.end() && found->second != "0")
      lines.push_back(line + found->second + '\n');
  };
  tell("matrix", "\nMatrix: ");
  tell("threshold", "\nNeighboring words threshold: ");
  tell("window_size", "\nWindow for multiple hits: ");
  if (values.contains("reward"))
    lines.push_back(
        fmt::format("\nMatrix: blastn matrix {} {}\n", values.at("reward"), values.at("penalty")));
  // Costs of 0 stand for linear ones, which follow from reward and penalty.
  if (values.contains("gapopen"))
    lines.push_back(fmt::format("\nGap Penalties: Existence: {}, Extension: {}\n", values.at("gapopen"),
                                values.at("gapextend") == "0" ? "2.5" : values.at("gapextend")));
  return lines;
}

/// Another value of an option that the report does not tell, which finds other hits; empty: it is told.
std::string another(const std::string& name, const std::string& value) {
  // Longer words of a reduced alphabet (6) miss none of these hits; shorter ones find more.
  if (name == "word_size") return std::to_string(std::stoi(value) + (value == "3" || value == "6" ? -1 : 1));
  if (name == "window_size" && value == "0") return "40";
  if (name == "template_type") return "optimal";
  if (name == "template_length") return "16";
  return {};
}

TEST_F(TaskDefaults, AreTheEnginesOwn) {
  for (const Program program : kPrograms)
    for (const std::string_view task : tasks_of(program)) {
      const Values stated = defaults(task);
      if (stated.empty() || !testkit::asks_the_engine()) continue;
      SCOPED_TRACE(task);
      const EngineRun silent = search(program, task, {});
      ASSERT_EQ(silent.exit_code, 0);
      EXPECT_TRUE(silent.out == search(program, task, stated).out)
          << "the same search, with its defaults said";
      for (const std::string& line : told(stated))
        EXPECT_NE(silent.out.find(line), std::string::npos) << line;
      for (const auto& [name, value] : stated) {
        Values changed = stated;
        changed[name] = another(name, value);
        if (changed[name].empty()) continue;
        const EngineRun run = search(program, task, changed);
        EXPECT_EQ(run.exit_code, 0) << name;
        EXPECT_FALSE(run.out == silent.out) << name << " would not be missed, were it wrong";
      }
    }
}

TEST(TaskDefaultsTable, NamesOptionsOfTheProgramThatStateNoDefault) {
  for (const Program program : kPrograms)
    for (const std::string_view task : tasks_of(program)) {
      const bool known = find_option(program, "word_size") != nullptr && program != Program::deltablast;
      EXPECT_EQ(known, defaults(task).contains("word_size")) << task;
      for (const auto& [name, value] : defaults(task)) {
        const OptionSpec* spec = find_option(program, name);
        ASSERT_NE(spec, nullptr) << task << ' ' << name;
        EXPECT_EQ(spec->default_value, "") << task << ' ' << name;
        EXPECT_TRUE(parse_value(*spec, value)) << task << ' ' << name;
      }
    }
}

}  // namespace
}  // namespace loom::blast
