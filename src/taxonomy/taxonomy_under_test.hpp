#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "base/temp_dir.hpp"
#include "taxonomy/image.hpp"
#include "taxonomy/taxonomy.hpp"

// Only tests include this.
namespace loom::taxonomy {

/// testdata/excerpt: nodes, names, merged and deleted ids.
inline std::filesystem::path excerpt() {
  return std::filesystem::path(LOOM_TAXONOMY_TESTDATA) / "excerpt";
}

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void spit(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string node_row(TaxId id, TaxId parent, std::string_view rank = "no rank") {
  return fmt::format("{}\t|\t{}\t|\t{}\t|\t\t|\n", id, parent, rank);
}

inline std::string name_row(TaxId id, std::string_view name, std::string_view kind = "scientific name") {
  return fmt::format("{}\t|\t{}\t|\t\t|\t{}\t|\n", id, name, kind);
}

/// A folder for a dump and what is made of it.
class TaxonomyTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(folder_) << folder_.error().message; }
  [[nodiscard]] const std::filesystem::path& path() const { return folder_->path(); }
  [[nodiscard]] std::filesystem::path target() const { return path() / "taxonomy"; }

  /// Of the dump in `source`; null, with a failure, if it cannot be imported and opened.
  [[nodiscard]] std::shared_ptr<const Taxonomy> imported(const std::filesystem::path& source) const {
    const auto size = import_taxdump(source, target());
    EXPECT_TRUE(size) << size.error().message;
    auto taxonomy = Taxonomy::open(target());
    EXPECT_TRUE(taxonomy) << taxonomy.error().message;
    return taxonomy ? *taxonomy : nullptr;
  }
  /// Writes nodes.dmp and names.dmp into path().
  void write_dump(std::string_view nodes, std::string_view names) const {
    spit(path() / "nodes.dmp", nodes);
    spit(path() / "names.dmp", names);
  }

 private:
  Result<TempDir> folder_ = TempDir::create();
};

}  // namespace loom::taxonomy
