#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "base/result.hpp"
#include "results/hsp_export.hpp"

namespace loom::app {

/// What to show of hits: the flags that `blastloom results` and `blastloom view` share.
struct HitsWish {
  std::size_t top = 25;
  std::string where{};
  std::string sort{};  ///< empty: BLAST's order
  bool hsps = false;   ///< instead of hits
  bool json = false;
  std::optional<std::string> format{};  ///< of an export: tsv, csv, jsonl, gff3, bed, sam; of jobs also fasta
  std::string columns{};
  std::string on{};      ///< of gff3 and bed: subject or query; empty: subject
  std::string region{};  ///< of fasta: subject or aligned
  std::string flank{};
  std::string query{};                  ///< the number of one query, from 0; empty: all
  std::optional<std::uint64_t> most{};  ///< rows of an export
};
/// From flags without their dashes: top, where, sort, columns, export, on, region, flank, query, hsps,
/// json. Errors: invalid_argument.
Result<HitsWish> hits_wish(const std::map<std::string, std::string, std::less<>>& flags);

/// Writes a page of hits or HSPs (JSON, doc/openapi.yaml) to file `out`, "-" for standard output: as a table,
/// or as it is. Errors: those of AtomicFile.
Status show_hits(const std::string& page, const HitsWish& wish, const std::string& out);

/// `blastloom view FILE …`: the hits of tabular output or XML on this machine. Exit codes: 0; 1 for a wrong
/// flag or file; 255 other.
int view_command(std::span<const std::string> args);

}  // namespace loom::app
