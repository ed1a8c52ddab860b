#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace loom::results {

/// What a page lists: pairs of query and subject, or their HSPs.
enum class Level : std::uint8_t { hits, hsps };

/// A value bound to a parameter of SQL.
using Bound = std::variant<double, std::string>;

/// A condition in SQL over a row `t` of table hit or hsp; every value is a parameter "?".
struct Sql {
  std::string text;
  std::vector<Bound> values;
};

enum class Op : std::uint8_t { less, at_most, greater, at_least, equal, unequal, contains };

/// A field of the filter language.
struct FilterField {
  enum class Type : std::uint8_t { number, text };
  enum class Of : std::uint8_t { row, query, subject, taxids };
  std::string_view name;
  Type type;
  Of of;
  std::string_view in_hits;  ///< its column; empty: hits have none
  std::string_view in_hsps;
};
std::span<const FilterField> filter_fields();

/// Which hits or HSPs are wanted:
///     where      = any
///     any        = all *("or" all)
///     all        = one *("and" one)
///     one        = "not" one | "(" any ")" | FIELD OP VALUE
///     OP         = "<" | "<=" | ">" | ">=" | "=" | "==" | "!=" | "contains"
///     VALUE      = number | word | 'text' | "text"
/// Words are taken in any case. Text is compared byte by byte; `contains` passes over the case of ASCII
/// letters. An empty text is everything. At the level of hits, evalue, bitscore and so on are those of the
/// hit: its best HSP's.
class Filter {
 public:
  Filter() = default;
  /// Errors: invalid_argument, with the column (from 1, in bytes) and what is due there; too_large for a
  /// text over 4,096 bytes or more than 50 parentheses and nots inside each other.
  static Result<Filter> parse(std::string_view text);

  /// Adds a comparison that must hold too. Errors: invalid_argument for a field that is none.
  Status also(std::string_view field, Op op, Bound value);
  /// All of `other` must hold too.
  void also(const Filter& other) { parts_.insert(parts_.end(), other.parts_.begin(), other.parts_.end()); }

  /// `word` must stand in the subject's name, title or organism.
  void also_word(std::string_view word);

  [[nodiscard]] bool empty() const { return parts_.empty(); }
  /// The same filter in the language, in one spelling: parse(text()) gives text() again.
  [[nodiscard]] std::string text() const;
  /// Empty text for an empty filter. Errors: invalid_argument for a field that `level` lacks.
  [[nodiscard]] Result<Sql> sql(Level level) const;
  /// Conditions that every row must keep, one by one, where an index of `level` can answer them.
  struct Part {
    std::string_view column;  ///< evalue, bits, pident, length, coverage or subject
    Sql sql;
  };
  [[nodiscard]] std::vector<Part> indexed_parts(Level level) const;

 private:
  friend class FilterParser;
  struct Node {
    enum class Kind : std::uint8_t { all, any, none_of, compare };
    Kind kind = Kind::compare;
    std::vector<Node> parts{};  ///< of all and any: two or more; of none_of: one
    const FilterField* field = nullptr;
    Op op = Op::equal;
    Bound value{};
  };
  static void write(const Node& node, std::string& out);
  static void write_inside(const Node& node, Node::Kind loosest, std::string& out);
  static Status write_sql(const Node& node, Level level, Sql& out);
  static Status write_comparison(const Node& node, Level level, Sql& out);

  std::vector<Node> parts_;  // all must hold
};

}  // namespace loom::results
