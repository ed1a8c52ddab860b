#include "api/entrez_query.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <optional>
#include <string>

#include "base/number.hpp"
#include "base/text.hpp"

namespace loom::api {
namespace {

using boost::beast::iequals;

constexpr std::string_view kKnown =
    "organisms are known, such as 'txid9606[ORGN] OR txid10090[ORGN]', 'txid40674[ORGN] NOT txid9606[ORGN]' "
    "and 'all[filter] NOT txid9606[ORGN]'";

/// Gives parentheses, AND, OR, NOT, and terms whole, from left to right.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : rest_(trimmed(text)) {}
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] bool next_is(std::string_view wanted) const { return iequals(next(), wanted); }
  bool take(std::string_view wanted) {
    if (!next_is(wanted)) return false;
    static_cast<void>(take());
    return true;
  }
  std::string_view take() {
    const std::string_view token = next();
    rest_ = trimmed(rest_.substr(token.size()));
    return token;
  }

 private:
  static bool is_operator(std::string_view word) {
    return iequals(word, "AND") || iequals(word, "OR") || iequals(word, "NOT");
  }
  [[nodiscard]] std::string_view next() const {
    if (rest_.starts_with('(') || rest_.starts_with(')')) return rest_.substr(0, 1);
    const std::string_view first = rest_.substr(0, rest_.find_first_of(" \t\r\n()["));
    if (is_operator(first)) return first;
    if (const std::size_t end = rest_.find(']'); end < rest_.find_first_of("()"))
      return rest_.substr(0, end + 1);
    return rest_.substr(0, std::max<std::size_t>(1, rest_.find_first_of(" \t\r\n()")));
  }
  std::string_view rest_;
};

Error not_known(std::string_view term, std::string_view why = {}) {
  return error(Code::invalid_argument, "ENTREZ_QUERY: '{}' needs NCBI's Entrez{}; only {}",
               term.substr(0, 80), why, kKnown);
}

bool is_everything(std::string_view term) {
  return iequals(term, "all[filter]") || iequals(term, "all [filter]");
}

Result<std::uint32_t> organism_of(std::string_view term) {
  const std::size_t field = term.find('[');
  if (field == std::string_view::npos || !term.ends_with(']')) return not_known(term);
  const std::string_view name = trimmed(term.substr(0, field));
  const std::string_view in = trimmed(term.substr(field + 1, term.size() - field - 2));
  if (iequals(in, "ORGN:noexp") || iequals(in, "Organism:noexp"))
    return not_known(term, ", for an organism here is one with all below it");
  const bool organism = iequals(in, "ORGN") || iequals(in, "Organism") || iequals(in, "ORGN:exp") ||
                        iequals(in, "Organism:exp");
  constexpr std::string_view kTxid = "txid";
  if (!organism || name.size() <= kTxid.size() || !iequals(name.substr(0, kTxid.size()), kTxid))
    return not_known(term, organism ? ", for names are not looked up here: give the taxid" : "");
  const auto id = number_of<std::uint32_t>(name.substr(kTxid.size()));
  if (!id || *id == 0) return not_known(term);
  return *id;
}

Status read_group(Tokens& tokens, std::vector<std::uint32_t>& into) {
  const bool several = tokens.take("(");
  do {
    if (tokens.empty()) return not_known("", ", for a term is missing at the end");
    LOOM_TRY(const std::uint32_t id, organism_of(tokens.take()));
    into.push_back(id);
  } while (several && tokens.take("OR"));
  if (!several || tokens.take(")")) return ok();
  return not_known(tokens.empty() ? "(" : tokens.take(), ", for inside parentheses only OR is read");
}

}  // namespace

Result<EntrezOrganisms> parse_entrez_organisms(std::string_view text) {
  Tokens tokens(text);
  EntrezOrganisms found;
  if (Tokens rest = tokens; is_everything(rest.take())) {
    tokens = rest;
    if (!tokens.empty() && !tokens.next_is("NOT"))
      return not_known(tokens.take(), ", for behind all[filter] only NOT is read");
  } else if (!tokens.next_is("NOT")) {
    LOOM_CHECKED(read_group(tokens, found.wanted));
  }
  while (!tokens.empty()) {
    const std::string_view op = tokens.take();
    if (iequals(op, "NOT")) {
      LOOM_CHECKED(read_group(tokens, found.unwanted));
    } else if (iequals(op, "OR") && found.unwanted.empty()) {
      LOOM_CHECKED(read_group(tokens, found.wanted));
    } else if (iequals(op, "OR")) {
      return not_known(tokens.empty() ? op : tokens.take(),
                       " where it stands; name what is wanted in front of the first NOT");
    } else {
      return not_known(iequals(op, "AND") && !tokens.empty() ? tokens.take() : op,
                       ", for AND is not read here");
    }
  }
  return found;
}

}  // namespace loom::api
