#include "service/subject_fasta.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace loom::service {

namespace {

constexpr std::size_t kPartsAtOnce = 5000;

/// Both ends with their flanks, as far as the sequence goes; without its length the last one may be past it.
std::pair<std::int64_t, std::int64_t> clipped(std::pair<std::int64_t, std::int64_t> place, std::int64_t flank,
                                              std::optional<std::int64_t> letters) {
  const std::int64_t last = place.second + flank;
  // A place past the end is an error of the fetch, which shall name it.
  return {std::max<std::int64_t>(place.first - flank, 1),
          letters && place.second <= *letters ? std::min(last, *letters) : last};
}

}  // namespace

std::optional<SequencePart> SubjectFasta::part_of(const results::HspRow& row) {
  const std::int64_t subject = row.hsp.subject;
  if (!wish_.aligned) {
    const auto at = static_cast<std::size_t>(subject);
    if (at >= told_.size()) told_.resize(std::max(at + 1, told_.size() * 2));
    if (told_[at]) return std::nullopt;
    told_[at] = true;
    return SequencePart{.id = row.subject.name};
  }
  if (!row.hsp.sstart || !row.hsp.send) return std::nullopt;
  const auto [from, to] = std::minmax(*row.hsp.sstart, *row.hsp.send);
  const bool minus = wish_.strands && *row.hsp.sstart > *row.hsp.send;
  const auto [first, last] = clipped({from, to}, wish_.flank, row.subject.length);
  if (!places_.emplace(subject, first, last, minus).second) return std::nullopt;
  return SequencePart{.id = row.subject.name,
                      .from = static_cast<std::uint32_t>(from),
                      .to = static_cast<std::uint32_t>(to),
                      .minus = minus};
}

Result<std::vector<SequencePart>> SubjectFasta::more_parts(Deadline deadline) {
  std::vector<SequencePart> parts;
  while (parts.size() < kPartsAtOnce) {
    LOOM_TRY(const auto rows, rows_.next(deadline));
    if (rows.empty()) break;
    for (const results::HspRow& row : rows)
      if (auto part = part_of(row); part) parts.push_back(*std::move(part));
  }
  return parts;
}

Result<std::string> SubjectFasta::next(Deadline deadline) {
  for (;;) {
    if (!fetched_) {
      LOOM_TRY(std::vector<SequencePart> parts, more_parts(deadline));
      if (parts.empty()) return std::string();
      const SequenceRequest request{.parts = std::move(parts), .flank = wish_.aligned ? wish_.flank : 0};
      LOOM_TRY(fetched_, fetch_(request));
    }
    std::string piece(storage::kBlock, '\0');
    const ssize_t got = ::read(fetched_->text.get(), piece.data(), piece.size());
    if (got < 0 && errno != EINTR) return system_error(errno, "read the sequences");
    if (got > 0) {
      piece.resize(static_cast<std::size_t>(got));
      return piece;
    }
    if (got == 0) fetched_.reset();
  }
}

}  // namespace loom::service
