#pragma once
#include "base/json_writer.hpp"
#include "results/distributions.hpp"
#include "results/hit_index.hpp"
#include "results/report_reader.hpp"

namespace loom::results {

// The JSON of doc/openapi.yaml, also of `blastloom view --json`: one object for each page.

void write_queries(JsonWriter& json, const HitIndex& index, const Page<Query>& page);
void write_hits(JsonWriter& json, const Page<Hit>& page);
void write_hsps(JsonWriter& json, const Page<HspRow>& page);
/// `hsps` come with their aligned sequences. `matrix`: as for midline(). `texts` of those that were asked
/// for.
void write_alignments(JsonWriter& json, const Page<HspRow>& page, std::string_view matrix,
                      const PairwiseTexts* texts = nullptr);
void write_subjects(JsonWriter& json, const Page<SubjectTotal>& page);
/// What a summary tells of one query.
struct QuerySummary {
  Query query{};
  std::vector<std::uint32_t> depth{};
  Distributions spread{};
};
/// `one`: null unless a query was asked for.
void write_summary(JsonWriter& json, const HitIndex& index, const Page<SubjectTotal>& top,
                   const QuerySummary* one = nullptr);

}  // namespace loom::results
