#include "results/page_json.hpp"

#include "results/midline.hpp"

namespace loom::results {
namespace {

void maybe(JsonWriter& json, std::string_view name, std::optional<std::int64_t> number) {
  json.key(name);
  number ? json.value(*number) : json.raw("null");
}

/// `write` writes one of `values`.
template <class Values, class Write>
void write_list(JsonWriter& json, std::string_view name, const Values& values, Write write) {
  json.key(name);
  json.open_array();
  for (const auto& value : values) write(json, value);
  json.close_array();
}

template <class Row>
void write_end(JsonWriter& json, const Page<Row>& page) {
  json.key("total");
  page.total ? json.value(*page.total) : json.raw("null");
  json.key("next_cursor");
  page.next.empty() ? json.raw("null") : json.value(page.next);
}

template <class Row, class Write>
void write_page(JsonWriter& json, std::string_view name, const Page<Row>& page, Write write) {
  json.open_object();
  write_list(json, name, page.rows, write);
  write_end(json, page);
  json.close_object();
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

void write_segment(JsonWriter& json, const Segment& one) {
  json.open_object();
  json.member("column", one.column);
  json.member("length", one.length);
  json.member("qstart", one.qstart);
  json.member("qend", one.qend);
  json.member("sstart", one.sstart);
  json.member("send", one.send);
  json.close_object();
}

void write_drawing(JsonWriter& json, const Hsp& hsp, std::string_view matrix) {
  if (hsp.qseq.empty()) return;
  json.member("midline", midline(hsp.qseq, hsp.sseq, matrix));
  if (!hsp.qstart || !hsp.qend || !hsp.sstart || !hsp.send) return;
  write_list(json, "segments",
             segments(hsp.qseq, hsp.sseq, {*hsp.qstart, *hsp.qend}, {*hsp.sstart, *hsp.send}), write_segment);
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
  write_list(json, "hsps", hit.hsps, [](JsonWriter& to, const Hsp& hsp) {
    to.open_object();
    write_hsp_members(to, hsp);
    to.close_object();
  });
  json.close_object();
}

template <class Value>
void write_values(JsonWriter& json, std::string_view name, const std::vector<Value>& values) {
  write_list(json, name, values, [](JsonWriter& to, const Value& value) { to.value(value); });
}

void write_distribution(JsonWriter& json, std::string_view name, const std::optional<Distribution>& one) {
  if (!one) return;
  json.key(name);
  json.open_object();
  json.member("from", one->from);
  json.member("step", one->step);
  write_values(json, "hits", one->hits);
  write_values(json, "passed", one->passed);
  json.close_object();
}

}  // namespace

void write_queries(JsonWriter& json, const HitIndex& index, const Page<Query>& page) {
  json.open_object();
  write_list(json, "queries", page.rows, write_query);
  json.member("with_hits", index.counts().queries_with_hits);
  write_end(json, page);
  json.close_object();
}

void write_hits(JsonWriter& json, const Page<Hit>& page) {
  write_page(json, "hits", page, write_hit);
}

void write_hsps(JsonWriter& json, const Page<HspRow>& page) {
  write_page(json, "hsps", page, [](JsonWriter& to, const HspRow& row) {
    to.open_object();
    write_hsp_owner(to, row);
    write_hsp_members(to, row.hsp);
    to.close_object();
  });
}

void write_alignments(JsonWriter& json, const Page<HspRow>& page, std::string_view matrix,
                      const PairwiseTexts* texts) {
  write_page(json, "alignments", page, [&](JsonWriter& to, const HspRow& row) {
    to.open_object();
    write_hsp_owner(to, row);
    write_hsp_members(to, row.hsp);
    write_drawing(to, row.hsp, matrix);
    if (texts != nullptr) {
      const auto text = texts->find(row.hsp.id);
      if (text != texts->end()) {
        to.member("subject_text", text->second.subject);
        to.member("text", text->second.text);
      }
    }
    to.close_object();
  });
}

void write_subjects(JsonWriter& json, const Page<SubjectTotal>& page) {
  write_page(json, "subjects", page, write_total);
}

void write_summary(JsonWriter& json, const HitIndex& index, const Page<SubjectTotal>& top,
                   const QuerySummary* one) {
  json.open_object();
  json.member("queries", index.counts().queries);
  json.member("with_hits", index.counts().queries_with_hits);
  json.member("subjects", index.counts().subjects);
  json.member("hits", index.counts().hits);
  json.member("hsps", index.counts().hsps);
  write_values(json, "columns", index.columns());
  json.key("histograms");
  json.raw(index.histograms());
  write_list(json, "top_subjects", top.rows, write_total);
  if (one != nullptr) {
    json.key("query");
    write_query(json, one->query);
    write_values(json, "depth", one->depth);
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
