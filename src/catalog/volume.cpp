#include "catalog/volume.hpp"

#include <algorithm>
#include <limits>

#include "base/check.hpp"

namespace loom::catalog {
namespace {

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  Result<std::uint32_t> number() {
    LOOM_TRY(const auto part, take(4));
    std::uint32_t value = 0;
    for (const std::byte byte : part) value = value << 8U | std::to_integer<std::uint32_t>(byte);
    return value;
  }

  Result<std::uint64_t> little_endian_number() {
    LOOM_TRY(const auto part, take(8));
    std::uint64_t value = 0;
    for (std::size_t i = part.size(); i-- > 0;) value = value << 8U | std::to_integer<std::uint64_t>(part[i]);
    return value;
  }

  Result<std::string> text() {
    LOOM_TRY(const std::uint32_t size, number());
    LOOM_TRY(const auto part, take(size));
    std::string value(part.size(), '\0');
    std::ranges::transform(part, value.begin(), [](std::byte b) { return static_cast<char>(b); });
    return value.substr(0, value.find('\0'));  // version 5 pads the date with zero bytes
  }

  [[nodiscard]] std::size_t position() const { return position_; }

 private:
  Result<std::span<const std::byte>> take(std::size_t size) {
    if (size > bytes_.size() - position_) {
      return error(Code::corrupt, "the index ends after {} bytes, in the middle of its head", bytes_.size());
    }
    position_ += size;
    return bytes_.subspan(position_ - size, size);
  }

  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
};

Status check_tables(const IndexHead& head, std::size_t head_bytes, std::size_t file_bytes) {
  const std::uint64_t tables = head.molecule == Molecule::protein ? 2 : 3;
  const std::uint64_t need = head_bytes + tables * 4 * (std::uint64_t{head.sequences} + 1);
  if (file_bytes >= need) return ok();
  return error(Code::corrupt, "the index has {} bytes, but {} sequences need {}: it is cut off", file_bytes,
               head.sequences, need);
}

}  // namespace

std::string extension(Molecule molecule, std::string_view kind) {
  return fmt::format(".{}{}", molecule == Molecule::protein ? 'p' : 'n', kind);
}

Result<IndexHead> parse_index(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  IndexHead head;
  LOOM_TRY(head.version, reader.number());
  if (head.version != 4 && head.version != 5) {
    return error(Code::invalid_argument, "the index has format {}; formats 4 and 5 can be read",
                 head.version);
  }
  LOOM_TRY(const std::uint32_t type, reader.number());
  if (type > 1) return error(Code::corrupt, "the index holds molecule type {}; 0 or 1 was expected", type);
  head.molecule = type == 1 ? Molecule::protein : Molecule::nucleotide;
  if (head.version == 5) LOOM_CHECKED(reader.number());  // the volume's number
  LOOM_TRY(head.title, reader.text());
  if (head.version == 5) {
    LOOM_TRY(head.id_database, reader.text());
  }
  LOOM_TRY(head.date, reader.text());
  LOOM_TRY(head.sequences, reader.number());
  if (head.sequences > std::uint32_t{std::numeric_limits<std::int32_t>::max()}) {
    return error(Code::corrupt, "the index counts {} sequences; BLAST+ cannot hold so many", head.sequences);
  }
  LOOM_TRY(head.letters, reader.little_endian_number());
  LOOM_TRY(head.longest, reader.number());
  head.sequence_table = reader.position() + head.table_bytes();
  LOOM_CHECKED(check_tables(head, reader.position(), bytes.size()));
  return head;
}

Result<std::shared_ptr<const VolumeIndex>> VolumeIndex::open(const std::filesystem::path& base,
                                                             Molecule molecule) {
  const std::string path = base.string() + extension(molecule, "in");
  LOOM_TRY(MappedFile file, MappedFile::open(path));
  std::shared_ptr<VolumeIndex> index(new VolumeIndex(std::move(file)));
  auto head = parse_index(index->file_.bytes());
  if (!head) return std::move(head.error()).at(path);
  if (head->molecule != molecule) {
    return error(Code::corrupt, "{}: holds {} sequences, against its name", path, name(head->molecule));
  }
  index->head_ = *std::move(head);
  return index;
}

std::uint64_t VolumeIndex::number_at(std::size_t position) const {
  std::uint64_t value = 0;
  for (const std::byte byte : file_.bytes().subspan(position, 4))
    value = value << 8U | std::to_integer<std::uint64_t>(byte);
  return value;
}

std::uint64_t VolumeIndex::offset(std::uint64_t entry) const {
  return number_at(head_.sequence_table + 4 * entry);
}

ByteRange VolumeIndex::sequence_range(std::uint32_t oid) const {
  LOOM_CHECK(oid < head_.sequences, "an OID of this volume");
  return {.begin = offset(oid), .end = offset(std::uint64_t{oid} + 1)};
}

ByteRange VolumeIndex::header_range(std::uint32_t oid) const {
  LOOM_CHECK(oid < head_.sequences, "an OID of this volume");
  const std::size_t at = head_.header_table() + 4 * std::size_t{oid};
  return {.begin = number_at(at), .end = number_at(at + 4)};
}

std::uint64_t VolumeIndex::ambiguities_begin(std::uint32_t oid) const {
  LOOM_CHECK(oid < head_.sequences, "an OID of this volume");
  // The ambiguities of nucleotides stand behind the letters.
  return head_.molecule == Molecule::protein ? offset(std::uint64_t{oid} + 1)
                                             : number_at(head_.ambiguity_table() + 4 * std::size_t{oid});
}

std::uint64_t VolumeIndex::letters_before(std::uint32_t oid) const {
  LOOM_CHECK(oid <= head_.sequences, "an OID of this volume, or one past the last");
  if (oid == head_.sequences) return head_.letters;
  const std::uint64_t first = offset(0);
  const std::uint64_t here = std::max(offset(oid), first);
  // A zero byte stands behind each protein.
  if (head_.molecule == Molecule::protein)
    return std::min(here - first - std::min<std::uint64_t>(oid, here - first), head_.letters);
  const std::uint64_t all = std::max(offset(head_.sequences), first) - first;
  if (all == 0) return 0;
  const double share = std::min(1.0, static_cast<double>(here - first) / static_cast<double>(all));
  return static_cast<std::uint64_t>(share * static_cast<double>(head_.letters));
}

std::uint32_t VolumeIndex::scanned_letters(std::uint32_t oid) const {
  LOOM_CHECK(oid < head_.sequences, "an OID of this volume");
  const std::uint64_t begin = offset(oid);
  const std::uint64_t end = ambiguities_begin(oid);
  if (end <= begin) return 0;
  const std::uint64_t bytes = end - begin - 1;
  const bool protein = head_.molecule == Molecule::protein;
  return static_cast<std::uint32_t>(protein ? bytes : bytes * 4 + (oid & 3U));
}

}  // namespace loom::catalog
