#include "results/row_columns.hpp"

#include <fmt/format.h>

namespace loom::results {
namespace {

constexpr std::string_view kHspColumns =
    "t.id, t.hit, t.query, t.subject, t.evalue_text, t.bits_text, t.pident_text, t.length, t.coverage, "
    "t.mismatch, "
    "t.gapopen, t.qstart, t.qend, t.sstart, t.send, t.score, t.nident, t.positive, t.gaps, t.qframe, "
    "t.sframe, "
    "t.others, a.qseq, a.sseq";

}  // namespace

Query take_query(Columns& row) {
  Query query;
  query.index = row.index();
  query.name = row.text();
  query.title = row.text();
  query.iteration = static_cast<int>(row.integer());
  query.length = row.maybe();
  query.hits = row.integer();
  query.hsps = row.integer();
  query.evalue = row.text();
  query.bitscore = row.text();
  return query;
}

Subject take_subject(Columns& row) {
  Subject subject;
  subject.id = row.index();
  subject.name = row.text();
  subject.title = row.text();
  subject.taxids = row.text();
  subject.sciname = row.text();
  subject.length = row.maybe();
  return subject;
}

Hit take_hit(Columns& row, bool covers) {
  Hit hit;
  hit.id = row.index();
  hit.index = row.integer();
  hit.query = row.index();
  for (std::string* text : {&hit.query_name, &hit.evalue, &hit.bitscore, &hit.total, &hit.pident})
    *text = row.text();
  hit.max_pident = row.real();
  hit.length = row.integer();
  hit.coverage = row.maybe();
  if (!covers) hit.coverage.reset();
  hit.hsp_count = row.integer();
  hit.first_hsp = row.index();
  hit.subject = take_subject(row);
  return hit;
}

SubjectTotal take_total(Columns& row) {
  SubjectTotal total;
  total.subject = take_subject(row);
  total.queries = row.integer();
  total.hsps = row.integer();
  total.evalue = row.real();
  total.bitscore = row.real();
  return total;
}

Hsp take_hsp(Columns& row, bool covers, bool alignments) {
  Hsp hsp;
  hsp.id = row.index();
  hsp.hit = row.index();
  hsp.query = row.index();
  hsp.subject = row.index();
  hsp.evalue = row.text();
  hsp.bitscore = row.text();
  hsp.pident = row.text();
  hsp.length = row.integer();
  hsp.coverage = row.maybe();
  if (!covers) hsp.coverage.reset();
  for (auto* number : {&hsp.mismatch, &hsp.gapopen, &hsp.qstart, &hsp.qend, &hsp.sstart, &hsp.send,
                       &hsp.score, &hsp.nident, &hsp.positive, &hsp.gaps, &hsp.qframe, &hsp.sframe})
    *number = row.maybe();
  hsp.others = row.text();
  if (!alignments) return hsp;
  hsp.qseq = row.text();
  hsp.sseq = row.text();
  return hsp;
}

std::string hsp_source(bool alignments) {
  const std::string columns(kHspColumns);
  return alignments ? fmt::format("{} FROM hsp t LEFT JOIN alignment a ON a.hsp = t.id", columns)
                    : fmt::format("{} FROM hsp t", columns.substr(0, columns.find(", a.qseq")));
}

}  // namespace loom::results
