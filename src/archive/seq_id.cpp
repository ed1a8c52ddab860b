#include "archive/seq_id.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "archive/asn_value.hpp"

namespace loom::archive {
namespace {

// What a FASTA id is made of, by the names of the Seq-id's members.
struct Parts {
  std::string name, accession, release, db, tag, mol, chain, country, number, seqid, id;
  std::int64_t version = 0;
  bool application = false;  // of a patent
};

constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kTextIds{
    {{"genbank", "gb"},
     {"embl", "emb"},
     {"ddbj", "dbj"},
     {"pir", "pir"},
     {"prf", "prf"},
     {"other", "ref"},
     {"tpg", "tpg"},
     {"tpe", "tpe"},
     {"tpd", "tpd"},
     {"gpipe", "gpp"},
     {"named-annot-track", "nat"},
     {"swissprot", "sp"},
     {"gibbsq", "bbs"},
     {"gibbmt", "bbm"}}};

std::string_view tag_of(std::string_view choice) {
  const auto* found = std::find_if(kTextIds.begin(), kTextIds.end(),
                                   [&](const auto& entry) { return entry.first == choice; });
  return found == kTextIds.end() ? std::string_view() : found->second;
}

// An Object-id, a number or a string: the next tokens.
Result<std::string> read_text(Scanner& scanner) {
  const TokenKind kind = scanner.next();
  if (kind == TokenKind::string) return string_value(scanner);
  if (kind == TokenKind::number) return std::string(scanner.token().text);
  if (kind == TokenKind::word) return read_text(scanner);  // `str "x"`, `id 7`
  return scanner.unexpected("a string or a number");
}

Status read_parts(Scanner& scanner, Parts& parts);

Status read_part(Scanner& scanner, std::string_view name, Parts& parts) {
  const std::array<std::pair<std::string_view, std::string*>, 11> fields{{{"name", &parts.name},
                                                                          {"accession", &parts.accession},
                                                                          {"release", &parts.release},
                                                                          {"db", &parts.db},
                                                                          {"tag", &parts.tag},
                                                                          {"mol", &parts.mol},
                                                                          {"chain-id", &parts.chain},
                                                                          {"country", &parts.country},
                                                                          {"seqid", &parts.seqid},
                                                                          {"id", &parts.id},
                                                                          {"number", &parts.number}}};
  if (name == "version") {
    LOOM_TRY(parts.version, read_integer(scanner));
    return ok();
  }
  if (name == "cit") return read_parts(scanner, parts);
  if (name == "id" && !parts.country.empty()) {  // `id number "RE33188"`, `id app-number "…"`
    LOOM_TRY(const auto which, read_word(scanner));
    parts.application = which == "app-number";
    LOOM_TRY(parts.number, read_text(scanner));
    return ok();
  }
  for (const auto& [field, into] : fields) {
    if (field != name) continue;
    LOOM_TRY(*into, read_text(scanner));
    return ok();
  }
  return skip_value(scanner);
}

Status read_parts(Scanner& scanner, Parts& parts) {
  return read_members(scanner,
                      [&](std::string_view name) { return read_part(scanner, std::string(name), parts); });
}

std::string accession(const Parts& parts) {
  if (parts.version <= 0 || parts.accession.empty()) return parts.accession;
  return fmt::format("{}.{}", parts.accession, parts.version);
}

Result<SeqId> read_structured(Scanner& scanner, const std::string& choice) {
  Parts parts;
  LOOM_CHECKED(read_parts(scanner, parts));
  if (choice == "general") {
    SeqId id{fmt::format("gnl|{}|{}", parts.db, parts.tag), std::nullopt};
    const bool leading_zero = parts.tag.size() > 1 && parts.tag[0] == '0';
    if (parts.db == "BL_ORD_ID" && !parts.tag.empty() && !leading_zero && parts.tag.size() < 19 &&
        parts.tag.find_first_not_of("0123456789") == std::string::npos)
      id.oid = std::stoull(parts.tag);
    return id;
  }
  if (choice == "pdb") return SeqId{fmt::format("pdb|{}|{}", parts.mol, parts.chain), std::nullopt};
  if (choice == "giim") return SeqId{fmt::format("gim|{}", parts.id), std::nullopt};
  if (choice == "patent")
    return SeqId{fmt::format("{}|{}|{}|{}", parts.application ? "pgp" : "pat", parts.country, parts.number,
                             parts.seqid),
                 std::nullopt};
  std::string_view tag = tag_of(choice);
  if (choice == "swissprot" && parts.release == "unreviewed") tag = "tr";
  if (tag.empty()) return error(Code::corrupt, "{}: no such kind of Seq-id: {}", scanner.name(), choice);
  return SeqId{fmt::format("{}|{}|{}", tag, accession(parts), parts.name), std::nullopt};
}

}  // namespace

Result<SeqId> read_seq_id(Scanner& scanner) {
  LOOM_TRY(const auto word, read_word(scanner));
  const std::string choice(word);
  if (scanner.next() == TokenKind::open) {
    scanner.unget();
    return read_structured(scanner, choice);
  }
  scanner.unget();
  LOOM_TRY(const std::string text, read_text(scanner));
  if (choice == "local") return SeqId{"lcl|" + text, std::nullopt};
  if (choice == "gi") return SeqId{"gi|" + text, std::nullopt};
  const std::string_view tag = tag_of(choice);
  if (tag.empty()) return scanner.unexpected("a Seq-id");
  return SeqId{fmt::format("{}|{}", tag, text), std::nullopt};
}

}  // namespace loom::archive
