#include "results/features.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace loom::results {
namespace {

/// The HSP as a place on one sequence and a piece of the other.
struct Feature {
  const std::string& place;
  const std::string& target;
  std::int64_t from;
  std::int64_t to;
  std::int64_t target_from;
  std::int64_t target_to;
  char strand;
};

bool has_places(const Hsp& hsp) {
  return hsp.qstart && hsp.qend && hsp.sstart && hsp.send;
}

char strand_of(const Hsp& hsp, const FeatureStyle& style) {
  const bool unstranded = style.program == "blastp" || style.program == "psiblast" ||
                          style.program == "rpsblast" || (hsp.qframe == 0 && hsp.sframe == 0);
  if (unstranded) return '.';
  return (*hsp.qstart > *hsp.qend) != (*hsp.sstart > *hsp.send) ? '-' : '+';
}

Feature feature_of(const HspRow& row, const FeatureStyle& style) {
  const Hsp& hsp = row.hsp;
  const auto q = std::minmax(*hsp.qstart, *hsp.qend);
  const auto s = std::minmax(*hsp.sstart, *hsp.send);
  const char strand = strand_of(hsp, style);
  if (style.on_query) return {row.query.name, row.subject.name, q.first, q.second, s.first, s.second, strand};
  return {row.subject.name, row.query.name, s.first, s.second, q.first, q.second, strand};
}

/// Bytes that are neither letters, digits nor in `plain` as %XX.
std::string percent(std::string_view text, std::string_view plain, bool utf8_is_plain) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (word || (byte > 127 && utf8_is_plain) || plain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return out;
}

// GFF3 is UTF-8, but of a seqid all is escaped that is not in [a-zA-Z0-9.:^*$@!+_?-|]:
// https://github.com/The-Sequence-Ontology/Specifications/blob/master/gff3.md
std::string seqid_of(std::string_view name) {
  return percent(name, ".:^*$@!+_?-|", false);
}

std::string value_of(std::string_view text) {
  return percent(text, " .:^*$@!+_?-|/()[]{}<>#'\"~`\\", true);
}

std::string_view kind_of(const FeatureStyle& style) {
  const std::string& program = style.program;
  if (program == "blastn") return "nucleotide_match";
  if (program == "tblastx") return "translated_nucleotide_match";
  if (program == "blastp") return "protein_match";
  if (program == "blastx") return style.on_query ? "protein_match" : "translated_nucleotide_match";
  if (program == "tblastn") return style.on_query ? "translated_nucleotide_match" : "protein_match";
  return "match";
}

std::string word_of(std::string_view name) {
  std::string word(name);
  std::ranges::replace_if(word, [](char c) { return static_cast<unsigned char>(c) <= ' '; }, '_');
  return word;
}

/// A reference name of SAM: printable, and none of \ , " ' ` ( ) [ ] { } < > inside, nor * or = in front.
std::string sam_name(std::string_view name) {
  std::string word(name);
  constexpr std::string_view kRefused = "\\,\"'`()[]{}<>";
  std::ranges::replace_if(
      word, [&](char c) { return c < '!' || c > '~' || kRefused.find(c) != std::string_view::npos; }, '_');
  if (word.empty() || word.front() == '*' || word.front() == '=') word.insert(0, 1, '_');
  return word;
}

char complement(char letter) {
  constexpr std::string_view kFrom = "ACGTURYSWKMBDHVN";
  constexpr std::string_view kTo = "TGCAAYRSWMKVHDBN";
  const auto at = kFrom.find(letter);
  return at == std::string_view::npos ? letter : kTo[at];
}

struct CigarRun {
  std::int64_t count;
  char kind;
};

std::vector<CigarRun> operations(const HspRow& row, std::int64_t from, std::int64_t to) {
  std::vector<CigarRun> ops;
  const auto add = [&ops](std::int64_t count, char kind) {
    if (count <= 0) return;
    if (!ops.empty() && ops.back().kind == kind) {
      ops.back().count += count;
    } else {
      ops.push_back({count, kind});
    }
  };
  add(from - 1, 'H');
  const std::string& q = row.hsp.qseq;
  const std::string& s = row.hsp.sseq;
  for (std::size_t i = 0; i < std::min(q.size(), s.size()); ++i) {
    if (q[i] == '-') {
      add(1, 'D');
    } else {
      add(1, s[i] == '-' ? 'I' : 'M');
    }
  }
  if (row.query.length) add(*row.query.length - to, 'H');
  return ops;
}

/// Whether it was not marked before.
bool mark(std::vector<bool>& marked, std::int64_t at) {
  const auto place = static_cast<std::size_t>(at);
  if (marked.size() <= place) marked.resize(std::max(place + 1, marked.size() * 2));
  const bool fresh = !marked[place];
  marked[place] = true;
  return fresh;
}

}  // namespace

void write_gff3(const HspRow& row, const FeatureStyle& style, std::string& out) {
  if (!has_places(row.hsp)) return;
  const Feature feature = feature_of(row, style);
  const std::string target = seqid_of(feature.target);
  out +=
      fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t.\tID=hsp{};Name={};Target={} {} {};bits={}",
                  seqid_of(feature.place), style.program.empty() ? "blast" : style.program, kind_of(style),
                  feature.from, feature.to, row.hsp.evalue, feature.strand, row.hsp.id,
                  value_of(feature.target), target, feature.target_from, feature.target_to, row.hsp.bitscore);
  if (row.hsp.score) out += fmt::format(";score={}", *row.hsp.score);
  if (!row.hsp.pident.empty()) out += ";identity=" + row.hsp.pident;
  const std::string& note = style.on_query ? row.subject.title : row.query.title;
  if (!note.empty() && note != feature.target) out += ";Note=" + value_of(note);
  out += '\n';
}

void write_bed(const HspRow& row, const FeatureStyle& style, std::string& out) {
  if (!has_places(row.hsp)) return;
  const Feature feature = feature_of(row, style);
  double bits = 0;
  std::from_chars(row.hsp.bitscore.data(), row.hsp.bitscore.data() + row.hsp.bitscore.size(), bits);
  out += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\n", word_of(feature.place), feature.from - 1, feature.to,
                     word_of(feature.target), std::lround(std::clamp(bits, 0.0, 1000.0)), feature.strand);
}

std::string SamRows::first_line() {
  return "@HD\tVN:1.6\tSO:unknown\tGO:query\n";
}

std::string SamRows::last_line(const FeatureStyle& style) {
  return fmt::format("@PG\tID:blastloom\tPN:{}\n", style.program.empty() ? "blast" : style.program);
}

Status SamRows::write_subject(const HspRow& row, std::string& out) {
  if (!mark(told_, row.hsp.subject)) return ok();
  if (!row.subject.length)
    return error(Code::invalid_argument, "format: sam needs the length of each subject (the column slen)");
  out += fmt::format("@SQ\tSN:{}\tLN:{}\n", sam_name(row.subject.name), *row.subject.length);
  return ok();
}

Status SamRows::write(const HspRow& row, std::string& out) {
  const Hsp& hsp = row.hsp;
  if (!has_places(hsp) || hsp.qseq.empty() || hsp.sseq.empty())
    return error(Code::invalid_argument,
                 "format: sam needs the places and the aligned sequences of each HSP (columns qseq, sseq)");
  const auto q = std::minmax(*hsp.qstart, *hsp.qend);
  const bool minus = (*hsp.qstart > *hsp.qend) != (*hsp.sstart > *hsp.send);
  std::vector<CigarRun> ops = operations(row, q.first, q.second);
  std::string letters = hsp.qseq;
  std::erase(letters, '-');
  if (minus) {
    std::ranges::reverse(ops);
    std::ranges::reverse(letters);
    std::ranges::transform(letters, letters.begin(), complement);
  }
  std::string cigar;
  for (const CigarRun& op : ops) cigar += fmt::format("{}{}", op.count, op.kind);
  const bool primary = mark(placed_, hsp.query);
  out += fmt::format("{}\t{}\t{}\t{}\t255\t{}\t*\t0\t0\t{}\t*", word_of(row.query.name),
                     (minus ? 16 : 0) + (primary ? 0 : 256), sam_name(row.subject.name),
                     std::min(*hsp.sstart, *hsp.send), cigar, letters);
  if (hsp.score) out += fmt::format("\tAS:i:{}", *hsp.score);
  out += fmt::format("\tEV:f:{}", hsp.evalue);
  if (hsp.mismatch && hsp.gaps) out += fmt::format("\tNM:i:{}", *hsp.mismatch + *hsp.gaps);
  out += fmt::format("\tPI:f:{}\tBS:f:{}\n", hsp.pident, hsp.bitscore);
  return ok();
}

}  // namespace loom::results
