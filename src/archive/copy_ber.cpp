#include "archive/copy_ber.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "archive/query_places.hpp"

namespace loom::archive {
namespace {

// What a value is, as far as the way from a Seq-annot to a query's ids goes (NCBI-Sequence, NCBI-Seqalign).
enum class Role : std::uint8_t {
  top,
  annot,
  data,
  align_choice,
  aligns,
  align,
  segs,
  diag_choice,
  diags,
  diag,
  dense_choice,
  dense,
  std_choice,
  stds,
  std_seg,
  disc_choice,
  list,
  pair,
  query,
  other
};

struct Step {
  Role from;
  std::uint8_t tag;
  Role to;
};

// Tags: 0x30 SEQUENCE (OF), 0x31 SET (OF), 0xA0 + n the n-th member or choice.
constexpr std::array kSteps{
    Step{Role::top, 0x30, Role::annot},         Step{Role::annot, 0xA4, Role::data},
    Step{Role::data, 0xA1, Role::align_choice}, Step{Role::align_choice, 0x31, Role::aligns},
    Step{Role::aligns, 0x30, Role::align},      Step{Role::align, 0xA3, Role::segs},
    Step{Role::segs, 0xA0, Role::diag_choice},  Step{Role::diag_choice, 0x30, Role::diags},
    Step{Role::diags, 0x30, Role::diag},        Step{Role::diag, 0xA1, Role::list},
    Step{Role::segs, 0xA1, Role::dense_choice}, Step{Role::dense_choice, 0x30, Role::dense},
    Step{Role::dense, 0xA2, Role::list},        Step{Role::segs, 0xA2, Role::std_choice},
    Step{Role::std_choice, 0x30, Role::stds},   Step{Role::stds, 0x30, Role::std_seg},
    Step{Role::std_seg, 0xA1, Role::list},  // ids
    Step{Role::std_seg, 0xA2, Role::list},  // loc
    Step{Role::segs, 0xA5, Role::disc_choice},  Step{Role::disc_choice, 0x31, Role::aligns},
    Step{Role::list, 0x30, Role::pair},         Step{Role::list, 0x31, Role::pair},
};

struct Block {
  Role role = Role::top;
  std::uint8_t tag = 0;
  std::size_t children = 0;
};

class BerCopy {
 public:
  BerCopy(Pull pull, const std::string& name, const PartNames& names, const Write& write)
      : pull_(std::move(pull)), name_(name), names_(names), write_(write), in_(kBufferBytes) {}

  Status run() {
    blocks_.push_back({});
    for (;;) {
      if (blocks_.size() == 1) {
        LOOM_TRY(const std::size_t ahead, available());
        if (ahead == 0) return flush();
      }
      LOOM_CHECKED(value());
    }
  }

 private:
  static constexpr std::size_t kBufferBytes = std::size_t{64} << 10;
  static constexpr std::size_t kMaxDepth = 100;

  Status value() {
    LOOM_TRY(const std::uint8_t tag, take());
    LOOM_TRY(const std::uint8_t length, take());
    if (tag == 0 && length == 0) return close();
    if ((tag & 0x1FU) == 0x1F || tag == 0) return corrupt("a tag that no Seq-annot has");
    Block& parent = blocks_.back();
    const std::size_t index = parent.children++;
    if (parent.role == Role::top && tag != 0x30) return corrupt("not a Seq-annot (the output of -outfmt 9)");
    if ((tag & 0x20U) == 0) return primitive(tag, length);
    if (length != 0x80) return corrupt("a block with a definite length, which BLAST+ does not write");
    if (blocks_.size() > kMaxDepth) return corrupt("too many blocks one in the other");
    put(tag);
    put(length);
    blocks_.push_back({role(parent.role, tag, index), tag, 0});
    return flush_if_full();
  }

  static Role role(Role from, std::uint8_t tag, std::size_t index) {
    if (from == Role::query) return Role::query;
    if (from == Role::pair) return index == 0 ? Role::query : Role::other;
    const auto* step = std::find_if(kSteps.begin(), kSteps.end(),
                                    [&](const Step& s) { return s.from == from && s.tag == tag; });
    return step == kSteps.end() ? Role::other : step->to;
  }

  Status close() {
    if (blocks_.size() == 1) return corrupt("an end without a start");
    blocks_.pop_back();
    put(0);
    put(0);
    return flush_if_full();
  }

  Status primitive(std::uint8_t tag, std::uint8_t first_length) {
    std::uint64_t size = first_length;
    std::string head{static_cast<char>(tag), static_cast<char>(first_length)};
    if (first_length >= 0x80) {
      const unsigned count = first_length & 0x7FU;
      if (count == 0 || count > 7) return corrupt("a length that BLAST+ does not write");
      size = 0;
      for (unsigned i = 0; i < count; ++i) {
        LOOM_TRY(const std::uint8_t byte, take());
        size = size << 8U | byte;
        head += static_cast<char>(byte);
      }
    }
    if (tag == 0x1A && size < 100 && in_query_id()) return query_id(static_cast<std::size_t>(size), head);
    out_ += head;
    return copy(size);
  }

  // Seq-id local [0], Object-id str [1].
  [[nodiscard]] bool in_query_id() const {
    const std::size_t n = blocks_.size();
    return n > 2 && blocks_[n - 1].role == Role::query && blocks_[n - 1].tag == 0xA1 &&
           blocks_[n - 2].role == Role::query && blocks_[n - 2].tag == 0xA0;
  }

  Status query_id(std::size_t size, const std::string& head) {
    std::string id;
    while (id.size() < size) {
      LOOM_TRY(const std::uint8_t byte, take());
      id += static_cast<char>(byte);
    }
    const auto fresh = names_.queries_numbered ? renumbered(id, names_.first_query) : std::nullopt;
    if (fresh && *fresh != id) {
      put(0x1A);
      put(static_cast<std::uint8_t>(fresh->size()));  // at most 26
      out_ += *fresh;
    } else {
      out_ += head;
      out_ += id;
    }
    return flush_if_full();
  }

  Status copy(std::uint64_t size) {
    while (size > 0) {
      LOOM_TRY(const std::size_t ahead, available());
      if (ahead == 0) return corrupt("cut short");
      const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(size, ahead));
      out_.append(&in_[pos_], piece);
      pos_ += piece;
      size -= piece;
      LOOM_CHECKED(flush_if_full());
    }
    return ok();
  }

  // How many bytes can be taken from in_ at pos_; 0 at the end of the input.
  Result<std::size_t> available() {
    if (pos_ == end_) {
      before_ += end_;
      LOOM_TRY(end_, pull_(in_));
      pos_ = 0;
    }
    return end_ - pos_;
  }

  Result<std::uint8_t> take() {
    LOOM_TRY(const std::size_t ahead, available());
    if (ahead == 0) return corrupt("cut short");
    return static_cast<std::uint8_t>(in_[pos_++]);
  }

  void put(std::uint8_t byte) { out_ += static_cast<char>(byte); }
  Status flush_if_full() { return out_.size() < kBufferBytes ? ok() : flush(); }
  Status flush() {
    if (out_.empty()) return ok();
    Status written = write_(out_);
    out_.clear();
    return written;
  }

  [[nodiscard]] Error corrupt(std::string_view what) const {
    return error(Code::corrupt, "{}: byte {}: {}", name_, before_ + pos_, what);
  }

  Pull pull_;
  const std::string& name_;
  const PartNames& names_;
  const Write& write_;
  std::vector<char> in_;
  std::size_t pos_ = 0;
  std::size_t end_ = 0;
  std::uint64_t before_ = 0;
  std::string out_;
  std::vector<Block> blocks_;
};

}  // namespace

Status copy_ber(Pull pull, const std::string& name, const PartNames& names, const Write& write) {
  return BerCopy(std::move(pull), name, names, write).run();
}

}  // namespace loom::archive
