#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "results/index_builder.hpp"

namespace loom::results {

/// Reads BLAST's XML (-outfmt 5, NCBI_BlastOutput.dtd) as it comes and writes what it says as tabular output
/// of xml_layout(), in the memory of its longest HSP. Numbers keep the digits of the XML; pident, mismatch
/// and gapopen are counted. Positions of a minus frame are turned round, as tabular output has them. One
/// thread at a time.
class BlastXml {
 public:
  /// Appends what `bytes` complete to `out`. Errors: corrupt, with the byte, for what is no XML or lacks what
  /// every HSP has; too_large for a text over 64 MiB.
  Status push(std::string_view bytes, std::string& out);
  /// The XML ends here. Errors: corrupt unless its first element is closed.
  Status finish();

  /// What it says of the whole search, as far as it was read: "blastp", "nr"; empty before.
  [[nodiscard]] const std::string& program() const { return program_; }
  [[nodiscard]] const std::string& database() const { return database_; }

 private:
  Status markup(std::string_view tag, std::string& out);
  Status opened(std::string_view name);
  Status closed(std::string_view name, std::string& out);
  void write_query(std::string& out);
  Status write_hsp(std::string& out);
  Status add_text(std::string_view raw);
  Result<std::int64_t> number(std::string_view name, std::int64_t otherwise) const;
  [[nodiscard]] std::string cell(std::string_view name) const;
  Error wrong(std::string_view what) const;

  std::string held_;        // of a tag, comment or reference that is not whole yet
  std::uint64_t read_ = 0;  // bytes before it
  std::string text_;        // of the element that is open, decoded
  std::map<std::string, std::string, std::less<>> fields_;  // of the iteration, hit and HSP
  std::string program_;
  std::string database_;
  int depth_ = 0;
  bool any_ = false;
  bool query_told_ = false;
};

/// The columns of what BlastXml writes, as -outfmt has them.
inline constexpr std::string_view kXmlOutfmt =
    "7 std qlen slen score nident positive gaps qframe sframe qseq sseq stitle";

/// What `from` gives as XML, as tabular output. Errors: those of `from` and of BlastXml.
ReadBytes tabular_of_xml(ReadBytes from);

}  // namespace loom::results
