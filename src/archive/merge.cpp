#include "archive/merge.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace loom::archive {
namespace {

// How the toolkit indents the list of alignments.
constexpr std::string_view kFirst = "\n      ";
constexpr std::string_view kNext = ",\n      ";

// E-values below it are all the same to BLAST.
constexpr double kZeroEvalue = 1e-180;

struct Hit {
  SeqId subject;
  double evalue = 0;
  bool summed = false;
  std::int64_t score = 0;
  std::optional<std::uint64_t> oid;
  std::size_t shard = 0;
  std::string text;            // its alignments, with kNext between them
  std::size_t first_size = 0;  // of the first alignment's text
};

bool before(const Hit& a, const Hit& b) {
  const double x = a.evalue < kZeroEvalue ? 0 : a.evalue;
  const double y = b.evalue < kZeroEvalue ? 0 : b.evalue;
  if (x != y) return x < y;
  if (a.score != b.score) return a.score > b.score;
  if (a.oid && b.oid) return *a.oid > *b.oid;
  return a.shard > b.shard;
}

// One shard, read a query at a time. Must not move once reading has begun.
class Source {
 public:
  Source(Reader reader, std::size_t shard) : reader_(std::move(reader)), shard_(shard) {}

  Result<const Head*> next_archive() {
    LOOM_TRY(head_, reader_.next_archive());
    if (head_ != nullptr) LOOM_CHECKED(advance());
    return head_;
  }

  // Appends the subjects that query `query` has here.
  Status take(std::size_t query, const MergeSpec& spec, std::vector<Hit>& into) {
    const std::size_t first = into.size();
    while (next_ != nullptr && next_->query == query) {
      if (into.size() == first || into.back().subject.text != next_->subject.text) {
        Hit hit{.subject = next_->subject,
                .evalue = next_->evalue,
                .summed = next_->summed,
                .score = next_->score,
                .oid = next_->subject.oid,
                .shard = shard_,
                .text = next_->text,
                .first_size = next_->text.size()};
        if (!hit.oid && spec.oid_of) {
          LOOM_TRY(hit.oid, spec.oid_of(hit.subject));
        }
        into.push_back(std::move(hit));
      } else {
        LOOM_CHECKED(extend(into.back()));
      }
      LOOM_CHECKED(advance());
    }
    return ok();
  }

  [[nodiscard]] const std::string& name() const { return reader_.name(); }
  [[nodiscard]] const Head* head() const { return head_; }

 private:
  Status advance() {
    LOOM_TRY(next_, reader_.next_alignment());
    return ok();
  }

  Status extend(Hit& hit) const {
    // No subject has one HSP twice: the engine found the whole subject twice, and the two lie side by side.
    if (std::string_view(hit.text).substr(0, hit.first_size) == next_->text)
      return error(Code::conflict, "{}: subject {} comes twice for query {}; search it with one thread",
                   name(), hit.subject.text, head_->queries[next_->query].id);
    hit.evalue = std::min(hit.evalue, next_->evalue);
    hit.summed |= next_->summed;
    hit.text += kNext;
    hit.text += next_->text;
    return ok();
  }

  Reader reader_;
  std::size_t shard_;
  const Head* head_ = nullptr;
  const Alignment* next_ = nullptr;  // the first that has not been taken
};

class Merger {
 public:
  Merger(std::vector<Shard> shards, const MergeSpec& spec, const Write& write) : spec_(spec), write_(write) {
    sources_.reserve(shards.size());
    for (std::size_t shard = 0; shard < shards.size(); ++shard) {
      Reader::Options options{.keep_text = true, .frame = nullptr, .database = spec.database};
      if (shard == 0) options.frame = write;
      auto& [pull, name] = shards[shard];
      sources_.emplace_back(Reader(std::move(pull), std::move(name), std::move(options)), shard);
    }
  }

  Result<std::vector<MergedQuery>> run() {
    for (;;) {
      for (Source& source : sources_) LOOM_CHECKED(source.next_archive());
      for (const Source& source : sources_) LOOM_CHECKED(check_queries(source));
      if (sources_.front().head() == nullptr) return std::move(merged_);
      LOOM_CHECKED(check_names());
      first_ = true;
      for (std::size_t query = 0; query < sources_.front().head()->queries.size(); ++query)
        LOOM_CHECKED(merge_query(query));
    }
  }

 private:
  [[nodiscard]] Status check_queries(const Source& source) const {
    const Source& first = sources_.front();
    const auto same = [](const Query& a, const Query& b) { return a.id == b.id && a.letters == b.letters; };
    if (first.head() == nullptr && source.head() == nullptr) return ok();
    if (first.head() != nullptr && source.head() != nullptr &&
        std::equal(first.head()->queries.begin(), first.head()->queries.end(), source.head()->queries.begin(),
                   source.head()->queries.end(), same))
      return ok();
    return error(Code::corrupt,
                 "{} has other queries, or batches of queries, than {}: search every shard with the same "
                 "queries and the same BATCH_SIZE",
                 source.name(), first.name());
  }

  // Two queries of one name (-parse_deflines) cannot be told apart where one of them has no hits.
  [[nodiscard]] Status check_names() const {
    std::unordered_set<std::string_view> names;
    for (const Query& query : sources_.front().head()->queries)
      if (!names.insert(query.id).second)
        return error(Code::conflict, "two queries are called {}: rename one, or leave -parse_deflines out",
                     query.id);
    return ok();
  }

  Status merge_query(std::size_t query) {
    hits_.clear();
    starts_.clear();
    for (Source& source : sources_) {
      starts_.push_back(hits_.size());
      LOOM_CHECKED(source.take(query, spec_, hits_));
    }
    LOOM_CHECKED(check_subjects(query));
    // Ids with and without an OID side by side (several databases) have one order only: that of the shards.
    if (std::any_of(hits_.begin(), hits_.end(), [](const Hit& hit) { return !hit.oid; }))
      for (Hit& hit : hits_) hit.oid.reset();
    const std::vector<const Hit*> order = in_order();
    const std::size_t kept = std::min(order.size(), spec_.max_subjects);
    merged_.push_back({order.size(), kept, uncertain(order, kept)});
    for (std::size_t at = 0; at < kept; ++at) {
      LOOM_CHECKED(write_(std::exchange(first_, false) ? kFirst : kNext));
      LOOM_CHECKED(write_(order[at]->text));
    }
    return ok();
  }

  // Each shard's hits stay in the order that the engine gave them: it knew more digits than it printed.
  [[nodiscard]] std::vector<const Hit*> in_order() const {
    std::vector<std::size_t> next = starts_;
    const auto end = [&](std::size_t s) { return s + 1 < starts_.size() ? starts_[s + 1] : hits_.size(); };
    std::vector<const Hit*> order;
    order.reserve(hits_.size());
    while (order.size() < hits_.size()) {
      std::size_t best = next.size();
      for (std::size_t shard = 0; shard < next.size(); ++shard) {
        if (next[shard] == end(shard)) continue;
        if (best == next.size() || before(hits_[next[shard]], hits_[next[best]])) best = shard;
      }
      order.push_back(&hits_[next[best]++]);
    }
    return order;
  }

  // Whether a kept hit's E-value is another shard's too, in all digits printed, though they were computed
  // from different scores, or may have been: the engine may have told the two apart.
  static bool uncertain(const std::vector<const Hit*>& order, std::size_t kept) {
    for (std::size_t first = 0, last = 0; first < kept; first = last) {
      bool shards = false;
      bool scores = false;
      const Hit& one = *order[first];
      for (last = first; last < order.size() && order[last]->evalue == one.evalue; ++last) {
        shards |= order[last]->shard != one.shard;
        scores |= order[last]->score != one.score || order[last]->summed;
      }
      if (shards && scores && one.evalue >= kZeroEvalue) return true;
      last = std::max(last, first + 1);
    }
    return false;
  }

  [[nodiscard]] Status check_subjects(std::size_t query) const {
    std::unordered_map<std::string_view, std::size_t> shards;
    shards.reserve(hits_.size());
    for (const Hit& hit : hits_) {
      const auto [seen, fresh] = shards.emplace(hit.subject.text, hit.shard);
      if (!fresh)
        return error(
            Code::conflict,
            "subject {} of query {} is in {} and again in {}: where two databases hold the same sequence, "
            "leave out --on-saturation complete",
            hit.subject.text, sources_.front().head()->queries[query].id, sources_[seen->second].name(),
            sources_[hit.shard].name());
    }
    return ok();
  }

  const MergeSpec& spec_;
  const Write& write_;
  std::vector<Source> sources_;
  std::vector<Hit> hits_;            // of the query at hand, shard after shard
  std::vector<std::size_t> starts_;  // where each shard's begin
  std::vector<MergedQuery> merged_;
  bool first_ = true;  // no alignment of this archive has been written
};

}  // namespace

Result<std::vector<MergedQuery>> merge_shards(std::vector<Shard> shards, const MergeSpec& spec,
                                              const Write& write) {
  if (shards.empty()) return error(Code::invalid_argument, "no shards to merge");
  return Merger(std::move(shards), spec, write).run();
}

}  // namespace loom::archive
