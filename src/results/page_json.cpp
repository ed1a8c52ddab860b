#include "results/page_json.hpp"

#include "results/midline.hpp"

namespace loom::results {
namespace {

void maybe(JsonWriter& json, std::string_view name, std::optional<std::int64_t> number) {
  json.key(name);
  number ? json.value(*number) : json.raw("null");
}

template <class Row>
void write_end(JsonWriter& json, const Page<Row>& page) {
  json.key("total");
  page.total ? json.value(*page.total) : json.raw("null");
  json.key("next_cursor");
  page.next.empty() ? json.raw("null") : json.value(page.next);
}

void write_query(JsonWriter& json, const Query& query) {
  json.open_object();
  json.member("index", query.index);
  json.member("name", query.name);
  json.member("title", query.title);
  if (query.iteration > 1) json.member("iteration", query.iteration);
  maybe(json, "length", query.length);
  json.member("hits", query.hits);
  json.member("hsps", query.hsps);
  json.member("evalue", query.evalue);
  json.member("max_score", query.bitscore);
  if (query.hits > 0) {
    json.key("best");
    json.open_object();
    json.member("accession", query.best_subject);
    json.member("title", query.best_title);
    json.close_object();
  }
  json.close_object();
}

std::string_view told_taxids(std::string_view text) {
  return text == "N/A" || text == "0" ? std::string_view() : text;
}

void write_subject(JsonWriter& json, const Subject& subject) {
  json.member("accession", subject.name);
  json.member("title", subject.title);
  json.member("sciname", subject.sciname);
  json.member("taxids", told_taxids(subject.taxids));
  maybe(json, "slen", subject.length);
}

void write_hsp_members(JsonWriter& json, const Hsp& hsp) {
  json.member("id", hsp.id);
  maybe(json, "qstart", hsp.qstart);
  maybe(json, "qend", hsp.qend);
  maybe(json, "sstart", hsp.sstart);
  maybe(json, "send", hsp.send);
  json.member("evalue", hsp.evalue);
  json.member("bits", hsp.bitscore);
  maybe(json, "score", hsp.score);
  json.member("pident", hsp.pident);
  json.member("length", hsp.length);
  maybe(json, "cover", hsp.coverage);
  maybe(json, "nident", hsp.nident);
  maybe(json, "positive", hsp.positive);
  maybe(json, "mismatch", hsp.mismatch);
  maybe(json, "gapopen", hsp.gapopen);
  maybe(json, "gaps", hsp.gaps);
  maybe(json, "qframe", hsp.qframe);
  maybe(json, "sframe", hsp.sframe);
  if (hsp.qseq.empty()) return;
  json.member("qseq", hsp.qseq);
  json.member("sseq", hsp.sseq);
}

/// What an HSP is of.
void write_hsp_owner(JsonWriter& json, const HspRow& row) {
  json.member("hit", row.hsp.hit);
  json.member("query", row.hsp.query);
  json.member("query_name", row.query.name);
  maybe(json, "qlen", row.query.length);
  write_subject(json, row.subject);
}

void write_drawing(JsonWriter& json, const Hsp& hsp, std::string_view matrix) {
  if (hsp.qseq.empty()) return;
  json.member("midline", midline(hsp.qseq, hsp.sseq, matrix));
  if (!hsp.qstart || !hsp.qend || !hsp.sstart || !hsp.send) return;
  json.key("segments");
  json.open_array();
  for (const Segment& one :
       segments(hsp.qseq, hsp.sseq, {*hsp.qstart, *hsp.qend}, {*hsp.sstart, *hsp.send})) {
    json.open_object();
    json.member("column", one.column);
    json.member("length", one.length);
    json.member("qstart", one.qstart);
    json.member("qend", one.qend);
    json.member("sstart", one.sstart);
    json.member("send", one.send);
    json.close_object();
  }
  json.close_array();
}

void write_total(JsonWriter& json, const SubjectTotal& total) {
  json.open_object();
  json.member("id", total.subject.id);
  write_subject(json, total.subject);
  json.member("queries", total.queries);
  json.member("hsps", total.hsps);
  json.member("evalue", total.evalue);
  json.member("max_score", total.bitscore);
  json.close_object();
}

void write_hit(JsonWriter& json, const Hit& hit) {
  json.open_object();
  json.member("id", hit.id);
  json.member("index", hit.index);
  json.member("query", hit.query);
  json.member("query_name", hit.query_name);
  write_subject(json, hit.subject);
  json.member("max_score", hit.bitscore);
  json.member("total_score", hit.total);
  maybe(json, "cover", hit.coverage);
  json.member("evalue", hit.evalue);
  json.member("pident", hit.pident);
  json.member("max_pident", hit.max_pident);
  json.member("length", hit.length);
  json.member("hsps_total", hit.hsp_count);
  json.key("hsps");
  json.open_array();
  for (const Hsp& hsp : hit.hsps) {
    json.open_object();
    write_hsp_members(json, hsp);
    json.close_object();
  }
  json.close_array();
  json.close_object();
}

template <class Number>
void write_counts(JsonWriter& json, std::string_view name, const std::vector<Number>& counts) {
  json.key(name);
  json.open_array();
  for (const Number count : counts) json.value(count);
  json.close_array();
}

void write_distribution(JsonWriter& json, std::string_view name, const std::optional<Distribution>& one) {
  if (!one) return;
  json.key(name);
  json.open_object();
  json.member("from", one->from);
  json.member("step", one->step);
  write_counts(json, "hits", one->hits);
  write_counts(json, "passed", one->passed);
  json.close_object();
}

}  // namespace

void write_queries(JsonWriter& json, const HitIndex& index, const Page<Query>& page) {
  json.open_object();
  json.key("queries");
  json.open_array();
  for (const Query& query : page.rows) write_query(json, query);
  json.close_array();
  json.member("with_hits", index.counts().queries_with_hits);
  write_end(json, page);
  json.close_object();
}

void write_hits(JsonWriter& json, const Page<Hit>& page) {
  json.open_object();
  json.key("hits");
  json.open_array();
  for (const Hit& hit : page.rows) write_hit(json, hit);
  json.close_array();
  write_end(json, page);
  json.close_object();
}

void write_hsps(JsonWriter& json, const Page<HspRow>& page) {
  json.open_object();
  json.key("hsps");
  json.open_array();
  for (const HspRow& row : page.rows) {
    json.open_object();
    write_hsp_owner(json, row);
    write_hsp_members(json, row.hsp);
    json.close_object();
  }
  json.close_array();
  write_end(json, page);
  json.close_object();
}

void write_alignments(JsonWriter& json, const Page<HspRow>& page, std::string_view matrix,
                      const PairwiseTexts* texts) {
  json.open_object();
  json.key("alignments");
  json.open_array();
  for (const HspRow& row : page.rows) {
    json.open_object();
    write_hsp_owner(json, row);
    write_hsp_members(json, row.hsp);
    write_drawing(json, row.hsp, matrix);
    if (texts != nullptr) {
      const auto text = texts->find(row.hsp.id);
      if (text != texts->end()) {
        json.member("subject_text", text->second.subject);
        json.member("text", text->second.text);
      }
    }
    json.close_object();
  }
  json.close_array();
  write_end(json, page);
  json.close_object();
}

void write_subjects(JsonWriter& json, const Page<SubjectTotal>& page) {
  json.open_object();
  json.key("subjects");
  json.open_array();
  for (const SubjectTotal& total : page.rows) write_total(json, total);
  json.close_array();
  write_end(json, page);
  json.close_object();
}

void write_summary(JsonWriter& json, const HitIndex& index, const Page<SubjectTotal>& top,
                   const QuerySummary* one) {
  json.open_object();
  json.member("queries", index.counts().queries);
  json.member("with_hits", index.counts().queries_with_hits);
  json.member("subjects", index.counts().subjects);
  json.member("hits", index.counts().hits);
  json.member("hsps", index.counts().hsps);
  json.key("columns");
  json.open_array();
  for (const std::string& column : index.columns()) json.value(column);
  json.close_array();
  json.key("histograms");
  json.raw(index.histograms());
  json.key("top_subjects");
  json.open_array();
  for (const SubjectTotal& total : top.rows) write_total(json, total);
  json.close_array();
  if (one != nullptr) {
    json.key("query");
    write_query(json, one->query);
    write_counts(json, "depth", one->depth);
    json.key("distributions");
    json.open_object();
    write_distribution(json, "evalue", one->spread.evalue);
    write_distribution(json, "pident", one->spread.pident);
    write_distribution(json, "length", one->spread.length);
    write_distribution(json, "coverage", one->spread.coverage);
    json.close_object();
  }
  json.close_object();
}

}  // namespace loom::results
