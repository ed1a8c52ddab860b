#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "results/hit_index.hpp"
#include "taxonomy/taxonomy.hpp"

namespace loom::service {

/// What was hit in a taxon and all below it.
struct TaxonCounts {
  taxonomy::TaxId taxid = 0;
  std::size_t parent = 0;  ///< place of the parent in TaxonomyReport::taxa; of what has none: its own
  std::string name;        ///< empty: not known
  std::string rank;
  int depth = 0;
  std::int64_t hits = 0;  ///< pairs of query and subject
  std::int64_t queries = 0;
  std::int64_t subjects = 0;
  std::int64_t own_hits = 0;  ///< of subjects that bear this taxid itself
  std::string evalue;         ///< of the hit with the most bits
  std::string bitscore;
};

struct TaxonomyReport {
  bool lineages = false;          ///< else every taxid stands alone, for no taxonomy is imported
  std::vector<TaxonCounts> taxa;  ///< parents before children; of one parent those with more hits first
  std::size_t total = 0;          ///< taxa, with those that `most` left out
  std::int64_t hits = 0;          ///< all that the filter allows
  std::int64_t unassigned = 0;    ///< of these, hits of subjects without a taxid
};

/// Counts the hits that the filter and query of `request` allow by the taxa of their subjects. A subject with
/// several taxids counts once in each taxon above them. `tree` may be null. Of more than `most` taxa those
/// with the fewest hits are left out. Memory: some bytes for each subject. Blocking: reads all those hits.
/// Errors: those of HitIndex::each_hit.
Result<TaxonomyReport> report_taxonomy(results::HitIndex& index, const results::PageRequest& request,
                                       const taxonomy::Taxonomy* tree, std::size_t most, Deadline deadline);

}  // namespace loom::service
