#include "service/taxonomy_report.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <tuple>
#include <unordered_map>

namespace loom::service {

namespace {

using results::HitBrief;
using taxonomy::TaxId;

std::vector<TaxId> taxids_of(std::string_view text) {
  std::vector<TaxId> ids;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find(';'));
    TaxId id = 0;
    std::from_chars(one.data(), one.data() + one.size(), id);
    if (id != 0) ids.push_back(id);
    text.remove_prefix(std::min(one.size() + 1, text.size()));
  }
  return ids;
}

class Rollup {
 public:
  explicit Rollup(const taxonomy::Taxonomy* tree) : tree_(tree) {}

  void add(const HitBrief& hit) {
    ++hits_;
    const Places& places = places_of(hit);
    if (places.own.empty()) {
      ++unassigned_;
      return;
    }
    const auto at = static_cast<std::size_t>(hit.subject);
    if (at >= seen_.size()) seen_.resize(std::max(at + 1, seen_.size() * 2));
    const bool fresh = !seen_[at];
    seen_[at] = true;
    for (const std::size_t place : places.all) {
      Node& node = nodes_[place];
      ++node.counts.hits;
      if (fresh) ++node.counts.subjects;
      // Hits come query by query.
      if (node.last_query != hit.query) ++node.counts.queries;
      node.last_query = hit.query;
      if (node.counts.hits > 1 && hit.bits <= node.bits) continue;
      node.bits = hit.bits;
      node.counts.evalue = hit.evalue;
      node.counts.bitscore = hit.bitscore;
    }
    for (const std::size_t place : places.own) ++nodes_[place].counts.own_hits;
  }

  TaxonomyReport report(std::size_t most) {
    TaxonomyReport report;
    report.lineages = tree_ != nullptr;
    report.total = nodes_.size();
    report.hits = hits_;
    report.unassigned = unassigned_;
    const std::vector<bool> kept = largest(most);
    std::vector<std::vector<std::size_t>> children(nodes_.size());
    std::vector<std::size_t> roots;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (!kept[i]) continue;
      (nodes_[i].counts.parent == i ? roots : children[nodes_[i].counts.parent]).push_back(i);
    }
    const auto more = [this](std::size_t a, std::size_t b) {
      const TaxonCounts& x = nodes_[a].counts;
      const TaxonCounts& y = nodes_[b].counts;
      return x.hits != y.hits ? x.hits > y.hits : x.taxid < y.taxid;
    };
    // A stack, for lineages of a broken taxonomy may be long.
    std::vector<std::pair<std::size_t, std::size_t>> waiting;  // a node, and its parent's place in the report
    const auto push = [&](std::vector<std::size_t>& some, std::optional<std::size_t> parent) {
      std::ranges::sort(some, more);
      for (auto one = some.rbegin(); one != some.rend(); ++one)
        waiting.emplace_back(*one, parent.value_or(kNone));
    };
    push(roots, std::nullopt);
    while (!waiting.empty()) {
      const auto [at, parent] = waiting.back();
      waiting.pop_back();
      const std::size_t place = report.taxa.size();
      report.taxa.push_back(std::move(nodes_[at].counts));
      report.taxa.back().parent = parent == kNone ? place : parent;
      push(children[at], place);
    }
    return report;
  }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  struct Node {
    TaxonCounts counts;
    std::int64_t last_query = -1;
    double bits = 0;
  };
  /// Of a set of taxids.
  struct Places {
    std::vector<std::size_t> own;
    std::vector<std::size_t> all;  ///< with everything above, each once
  };

  const Places& places_of(const HitBrief& hit) {
    const auto known = sets_.find(std::string(hit.taxids));
    if (known != sets_.end()) return known->second;
    Places places;
    const std::vector<TaxId> ids = taxids_of(hit.taxids);
    for (const TaxId id : ids) {
      // With several taxids BLAST+ tells the names in an order of their own.
      std::size_t place = place_of(id, ids.size() == 1 ? hit.sciname : std::string_view());
      places.own.push_back(place);
      for (;; place = nodes_[place].counts.parent) {
        places.all.push_back(place);
        if (nodes_[place].counts.parent == place) break;
      }
    }
    for (std::vector<std::size_t>* some : {&places.own, &places.all}) {
      std::ranges::sort(*some);
      some->erase(std::unique(some->begin(), some->end()), some->end());
    }
    return sets_.emplace(hit.taxids, std::move(places)).first->second;
  }

  /// The node of a taxid; with a taxonomy its whole lineage is there then.
  std::size_t place_of(TaxId id, std::string_view sciname) {
    if (tree_ != nullptr) {
      if (const auto lineage = tree_->lineage(id); lineage) {
        std::size_t parent = kNone;
        int depth = 0;
        for (const taxonomy::Taxon& taxon : *lineage)
          parent = node(taxon.id, taxon.name, taxon.rank, parent, depth++);
        return parent;
      }
    }
    return node(id, sciname, "", kNone, 0);
  }

  std::size_t node(TaxId id, std::string_view name, std::string_view rank, std::size_t parent, int depth) {
    const auto [known, fresh] = by_taxid_.emplace(id, nodes_.size());
    const std::size_t place = known->second;
    if (fresh) {
      Node made;
      made.counts.taxid = id;
      made.counts.rank = rank;
      made.counts.depth = depth;
      made.counts.parent = parent == kNone ? place : parent;
      nodes_.push_back(std::move(made));
    }
    if (nodes_[place].counts.name.empty()) nodes_[place].counts.name = name;
    return place;
  }

  /// The nodes with the most hits. A parent has at least the hits of its child, and comes first.
  [[nodiscard]] std::vector<bool> largest(std::size_t most) const {
    std::vector<std::size_t> order(nodes_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, [this](std::size_t a, std::size_t b) {
      const TaxonCounts& x = nodes_[a].counts;
      const TaxonCounts& y = nodes_[b].counts;
      return std::tuple(y.hits, x.depth, a) < std::tuple(x.hits, y.depth, b);
    });
    std::vector<bool> kept(nodes_.size());
    for (std::size_t i = 0; i < std::min(most, order.size()); ++i) kept[order[i]] = true;
    return kept;
  }

  const taxonomy::Taxonomy* tree_;
  std::vector<Node> nodes_;
  std::unordered_map<TaxId, std::size_t> by_taxid_;
  std::unordered_map<std::string, Places> sets_;  // by the text of staxids
  std::vector<bool> seen_;                        // subjects
  std::int64_t hits_ = 0;
  std::int64_t unassigned_ = 0;
};

}  // namespace

Result<TaxonomyReport> report_taxonomy(results::HitIndex& index, const results::PageRequest& request,
                                       const taxonomy::Taxonomy* tree, std::size_t most, Deadline deadline) {
  Rollup rollup(tree);
  LOOM_CHECKED(index.each_hit(request, [&](const HitBrief& hit) { rollup.add(hit); }, deadline));
  return rollup.report(most);
}

}  // namespace loom::service
