#include "results/hsp_rows.hpp"

#include <algorithm>

namespace loom::results {

namespace {
constexpr std::size_t kRowsAtOnce = 1000;
}

Result<HspRows> HspRows::make(std::shared_ptr<HitIndex> index, RowsRequest request) {
  PageRequest& rows = request.rows;
  rows.limit = 1;
  rows.after.clear();
  for (const std::int64_t hit : request.hits) LOOM_CHECKED(index->hsps_of(hit, Deadline::never()));
  LOOM_CHECKED(index->hsps(rows, Deadline::never()));
  rows.limit = kRowsAtOnce;
  return HspRows(std::move(index), std::move(request));
}

void HspRows::rewind() {
  request_.rows.after.clear();
  next_hit_ = 0;
  given_ = 0;
  ended_ = false;
}

Result<std::vector<HspRow>> HspRows::next(Deadline deadline) {
  std::vector<HspRow> given;
  while (given.empty() && !ended_) {
    if (!request_.hits.empty() && request_.rows.after.empty()) {
      LOOM_TRY(request_.rows.hsps, index_->hsps_of(request_.hits[next_hit_++], deadline));
    }
    LOOM_TRY(Page<HspRow> page, index_->hsps(request_.rows, deadline));
    given = std::move(page.rows);
    if (request_.most && given.size() > *request_.most - given_)
      given.resize(static_cast<std::size_t>(*request_.most - given_));
    given_ += given.size();
    request_.rows.after = page.next;
    ended_ = (page.next.empty() && next_hit_ >= request_.hits.size()) || request_.most == given_;
  }
  return given;
}

}  // namespace loom::results
