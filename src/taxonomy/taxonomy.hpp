#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/mapped_file.hpp"
#include "base/result.hpp"
#include "taxonomy/dump.hpp"
#include "taxonomy/layout.hpp"

namespace loom::taxonomy {

/// One taxon. The texts live as long as the Taxonomy they come from.
struct Taxon {
  TaxId id = 0;           ///< the current one, whatever merged id was asked for
  TaxId parent = 0;       ///< the root's is itself
  std::string_view name;  ///< scientific
  std::string_view rank;  ///< "species", "no rank", …
  std::uint32_t descendants = 0;
};

struct TaxonName {
  std::string_view text;
  NameKind kind = NameKind::scientific;
};

/// A taxon that was found by one of its names.
struct NameMatch {
  TaxonName matched;
  Taxon taxon;
};

/// The answer to select().
struct Selection {
  std::vector<TaxId> taxids;   ///< ascending
  std::vector<TaxId> unknown;  ///< of those asked for, as given: never there, or deleted
};

/// NCBI's taxonomy, looked up in a file that import_taxdump made; about 250 MB for all of it, mapped, shared
/// by all who have it open. Offline. All lookups take microseconds: they search sorted arrays, and a taxon's
/// descendants are one run of them. Names are compared without regard to the case of ASCII letters.
/// Thread-safe. Blocking: page faults on first touch.
class Taxonomy {
 public:
  /// Reads the file once to check it (0.1 s for all of NCBI's if it is in the page cache). Errors: not_found;
  /// corrupt, with the path; invalid_argument for a file of another version.
  static Result<std::shared_ptr<const Taxonomy>> open(const std::filesystem::path& path);

  /// Over bytes in memory, borrowed, at an address that 8 divides. Errors: as open.
  static Result<Taxonomy> over(std::span<const std::byte> bytes);

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }  ///< in taxa

  /// Follows merged ids. Errors: not_found, which tells a deleted id from one that never was.
  [[nodiscard]] Result<Taxon> find(TaxId id) const;

  /// From the root to the taxon itself. Errors: as find.
  [[nodiscard]] Result<std::vector<Taxon>> lineage(TaxId id) const;

  /// Whether `id` is `clade` or below it; merged ids stand for those they were merged into. No id that is
  /// unknown is below another.
  [[nodiscard]] bool is_within(TaxId id, TaxId clade) const;

  /// The taxa of exactly this name, larger ones first: names are not unique. At most `most`.
  [[nodiscard]] std::vector<NameMatch> named(std::string_view name, std::size_t most = 100) const;

  /// Taxa with a name that begins with `prefix`, each once: those of exactly this name, then those with more
  /// descendants, then by the name. At most `most`. For completion while a name is typed.
  [[nodiscard]] std::vector<NameMatch> complete(std::string_view prefix, std::size_t most) const;

  /// The taxa of `include` with all their descendants, less those of `exclude` with all of theirs. A taxon
  /// below both is out. Merged ids stand for those they were merged into.
  [[nodiscard]] Selection select(std::span<const TaxId> include, std::span<const TaxId> exclude) const;

 private:
  Taxonomy() = default;
  [[nodiscard]] std::optional<std::uint32_t> node_of(TaxId id) const;
  [[nodiscard]] Result<std::uint32_t> known_node(TaxId id) const;
  [[nodiscard]] Taxon taxon(std::uint32_t node) const;
  [[nodiscard]] std::string_view text(const layout::Name& name) const;
  [[nodiscard]] NameMatch match(std::uint32_t name) const;
  [[nodiscard]] std::size_t first_name_not_below(std::string_view folded) const;
  [[nodiscard]] std::size_t first_name_without(std::string_view folded_prefix, std::size_t begin) const;
  [[nodiscard]] std::span<const layout::NodeName> node_names(std::uint32_t node) const;
  [[nodiscard]] Status check() const;

  std::optional<MappedFile> file_;
  std::span<const layout::Node> nodes_;
  std::span<const layout::Entry> entries_;
  std::span<const layout::NodeName> node_names_;
  std::span<const layout::Name> names_;
  std::span<const layout::BlockSize> blocks_;
  std::span<const layout::Merged> merged_;
  std::span<const layout::Deleted> deleted_;
  std::span<const layout::Rank> ranks_;
  std::string_view text_;
};

}  // namespace loom::taxonomy
