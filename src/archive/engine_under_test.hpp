#pragma once
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

#include "base/temp_dir.hpp"

// Only tests include this.
namespace loom::archive {

/// A folder with small BLAST+ databases and queries, the same on every machine, made when first asked for:
///   p, n       proteins and the genes that code for them, ids not parsed
///   pid        the proteins with parsed ids, among them local ids Query_1, Query_2, …
///   p.fa n.fa  queries: 9 of the proteins, and of the genes, with odd titles
/// Families of related sequences, with exact copies (ties) and repeats (several HSPs per subject).
class Engine {
 public:
  static Engine& instance() {
    static Engine engine;
    return engine;
  }

  /// Runs a shell command in the folder; whether it succeeded. stderr is dropped. Blocking.
  [[nodiscard]] bool run(const std::string& command) const {
    const std::string line = "cd '" + path_ + "' && " + command + " 2>/dev/null";
    const int status = std::system(line.c_str());  // NOLINT(cert-env33-c): our own command
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  [[nodiscard]] std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
  [[nodiscard]] std::string read(std::string_view name) const {
    std::ifstream in(file(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(std::string_view name, std::string_view text) const {
    std::ofstream(file(name), std::ios::binary) << text;
  }
  /// The output of a search.
  [[nodiscard]] std::string search(const std::string& command) const {
    EXPECT_TRUE(run(command + " -out out")) << command;
    return read("out");
  }
  /// False when BLAST+ is not installed.
  [[nodiscard]] bool ready() const { return ready_; }

  static constexpr int kSubjects = 60;

 private:
  Engine() : dir_(TempDir::create()), path_(dir_.value().path().string()) {
    std::mt19937 chance(7);  // NOLINT(cert-msc51-cpp): the same sequences each time
    constexpr std::string_view kAminos = "ARNDCQEGHILKMFPSTWYV";
    std::string proteins, genes, named, protein_queries, gene_queries;
    for (int family = 0; family < 3; ++family) {
      std::string ancestor;
      while (ancestor.size() < 120) ancestor += kAminos[chance() % kAminos.size()];
      for (int member = 0; member < kSubjects / 3; ++member) {
        std::string protein = ancestor;
        if (member % 4 == 1) protein += protein.substr(20, 70);
        for (char& amino : protein)
          if (member % 5 != 0 && chance() % 100 < static_cast<unsigned>(4 * member))
            amino = kAminos[chance() % kAminos.size()];
        const std::string number = std::to_string(family * (kSubjects / 3) + member);
        proteins += ">s" + number + " Query_3 in a title\n" + protein + "\n";
        named +=
            ">" + (member % 2 == 0 ? "lcl|Query_" : std::string("sp|P10") + (number.size() < 2 ? "00" : "0"));
        named += number + (member % 2 == 0 ? "" : "|NAME" + number) + " title\n" + protein + "\n";
        genes += ">g" + number + "\n" + gene_of(protein) + "\n";
        if (member % 7 != 2) continue;
        const std::string title =
            " Query_1 \"quoted\" lcl|Query_2 with many, many words that fill a line or two " + number;
        protein_queries += ">q" + number + title + "\n" + protein + "\n";
        gene_queries += ">q" + number + title + "\n" + gene_of(protein) + "\n";
      }
    }
    write("p.fasta", proteins);
    write("pid.fasta", named);
    write("n.fasta", genes);
    write("p.fa", protein_queries);
    write("n.fa", gene_queries);
    ready_ = run("makeblastdb -in p.fasta -dbtype prot -out p -title 'a \"title\" Query_1' >/dev/null") &&
             run("makeblastdb -in pid.fasta -dbtype prot -out pid -parse_seqids >/dev/null") &&
             run("makeblastdb -in n.fasta -dbtype nucl -out n >/dev/null");
  }

  static std::string gene_of(std::string_view protein) {
    constexpr std::string_view kAminos = "ARNDCQEGHILKMFPSTWYV";
    constexpr std::string_view kCodons = "GCACGTAATGATTGCCAGGAAGGTCATATTCTGAAAATGTTTCCGAGCACCTGGTATGTG";
    std::string gene;
    for (const char amino : protein) gene += kCodons.substr(3 * kAminos.find(amino), 3);
    return gene;
  }

  Result<TempDir> dir_;
  std::string path_;
  bool ready_ = false;
};

#define LOOM_NEEDS_BLAST() \
  if (!::loom::archive::Engine::instance().ready()) GTEST_SKIP() << "BLAST+ is not installed"

}  // namespace loom::archive
