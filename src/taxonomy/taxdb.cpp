#include "taxonomy/taxdb.hpp"

#include <array>
#include <utility>

namespace loom::taxonomy {
namespace {

constexpr std::uint32_t kMagic = 0x8739;
constexpr std::size_t kHeadNumbers = 6;

std::uint32_t number_at(std::span<const std::byte> bytes, std::size_t place) {
  std::uint32_t value = 0;
  for (const std::byte byte : bytes.subspan(4 * place, 4))
    value = value << 8U | std::to_integer<std::uint32_t>(byte);
  return value;
}

}  // namespace

Result<TaxDb> TaxDb::open(const std::filesystem::path& index) {
  LOOM_TRY(MappedFile numbers, MappedFile::open(index));
  LOOM_TRY(MappedFile names, MappedFile::open(std::filesystem::path(index).replace_extension(".btd")));
  auto db = over(numbers.bytes(), names.bytes());
  if (!db) return std::move(db.error()).at(index.string());
  db->files_.push_back(std::move(numbers));
  db->files_.push_back(std::move(names));
  return db;
}

Result<TaxDb> TaxDb::over(std::span<const std::byte> index, std::span<const std::byte> data) {
  // BLAST+ takes an index without any taxid for missing.
  if (index.size() < 4 * (kHeadNumbers + 2) || number_at(index, 0) != kMagic)
    return error(Code::corrupt, "this is no taxdb.bti; fetch NCBI's taxdb.tar.gz again");
  const std::size_t count = number_at(index, 1);
  if ((index.size() - 4 * kHeadNumbers) / 8 != count) {
    return error(Code::corrupt, "has {} bytes, but {} taxids; fetch NCBI's taxdb.tar.gz again", index.size(),
                 count);
  }
  TaxDb db;
  db.index_ = index;
  db.data_ = data;
  db.count_ = count;
  return db;
}

std::uint32_t TaxDb::number(std::size_t place) const {
  return number_at(index_, kHeadNumbers + place);
}

std::optional<TaxDbNames> TaxDb::find(TaxId id) const {
  std::size_t low = 0;
  for (std::size_t high = count_; low < high;) {
    const std::size_t middle = low + (high - low) / 2;
    if (number(2 * middle) < id) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == count_ || number(2 * low) != id) return std::nullopt;
  const std::size_t begin = number(2 * low + 1);
  const std::size_t end = low + 1 < count_ ? number(2 * low + 3) : data_.size();
  if (begin > end || end > data_.size()) return std::nullopt;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are text.
  std::string_view rest(reinterpret_cast<const char*>(data_.data()) + begin, end - begin);
  std::array<std::string_view, 3> fields;
  for (std::string_view& field : fields) {
    const std::size_t tab = rest.find('\t');
    if (tab == std::string_view::npos) return std::nullopt;
    field = rest.substr(0, tab);
    rest.remove_prefix(tab + 1);
  }
  if (rest.empty()) return std::nullopt;
  return TaxDbNames{.scientific = fields[0], .common = fields[1], .blast = fields[2], .kingdom = rest};
}

}  // namespace loom::taxonomy
