#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "results/tabular.hpp"

namespace loom::results {

struct FilterField;

/// What a page lists: pairs of query and subject, or their HSPs.
enum class Level : std::uint8_t { hits, hsps };

/// Some of the subjects of an index. It never changes.
class SubjectSet {
 public:
  /// `key` tells it from all others of the index.
  explicit SubjectSet(std::string key) : key_(std::move(key)) {}
  /// Ids are those of the file. `hits` and `hsps`: how many it has.
  void add(std::size_t subject, std::uint64_t hits, std::uint64_t hsps) {
    if (subject >= has_.size()) has_.resize(subject + 1);
    has_[subject] = true;
    hits_ += hits;
    hsps_ += hsps;
  }
  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] bool has(std::size_t subject) const { return subject < has_.size() && has_[subject]; }
  [[nodiscard]] std::uint64_t rows(Level level) const { return level == Level::hits ? hits_ : hsps_; }

 private:
  std::string key_;
  std::vector<bool> has_;
  std::uint64_t hits_ = 0;
  std::uint64_t hsps_ = 0;
};

/// A value bound to a parameter of SQL; sets of subjects are the second argument of `chosen(subject, ?)`.
using Bound = std::variant<double, std::string, std::shared_ptr<const SubjectSet>>;

/// A condition in SQL over a row `t` of table hit or hsp; every value is a parameter "?".
struct Sql {
  std::string text;
  std::vector<Bound> values;
};

/// The subjects that `select` gives.
using FindSubjects = std::function<Result<std::shared_ptr<const SubjectSet>>(const Sql& select)>;

enum class Op : std::uint8_t { less, at_most, greater, at_least, equal, unequal, contains };

/// A filter that columns can answer (results/columns.hpp).
struct ColumnTest {
  enum class Kind : std::uint8_t { all, any, none_of, number, subject };
  Kind kind = Kind::all;
  std::vector<ColumnTest> parts{};  ///< of none_of: one
  std::size_t column = 0;           ///< of numbers: which of kZoned
  Op op = Op::equal;
  double value = 0;
  std::shared_ptr<const SubjectSet> subjects{};
};

/// What columns can tell of a filter.
struct ColumnSieve {
  ColumnTest test{};  ///< all that is wanted passes it
  bool exact = true;  ///< all that passes is wanted
};

/// That a result cannot be filtered or sorted by `what`, for it has no column that tells `field`.
Error not_told(std::string_view what, Field field);

/// Which hits or HSPs are wanted:
///     where      = any
///     any        = all *("or" all)
///     all        = one *("and" one)
///     one        = "not" one | "(" any ")" | FIELD OP VALUE
///     OP         = "<" | "<=" | ">" | ">=" | "=" | "==" | "!=" | "contains"
///     VALUE      = number | word | 'text' | "text"
/// Words are taken in any case. Text is compared byte by byte; `contains` passes over the case of ASCII
/// letters. An empty text is everything. At the level of hits, evalue, bitscore and so on are those of the
/// hit: its best HSP's. `taxid` is exactly that; `clade` is a taxid and all below it.
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
  /// Errors: invalid_argument for the first field whose column is not held.
  [[nodiscard]] Status check(const std::function<bool(Field)>& held) const;
  /// Gives each comparison with a clade the taxids that `members` finds for it; before sql() of a filter that
  /// has one. Errors: those of `members`.
  Status settle_clades(const std::function<Result<std::vector<std::int64_t>>(double clade)>& members);
  /// Empty text for an empty filter. Subjects are told by the sets of `find`, or without it by subqueries.
  /// Errors: invalid_argument for a field that `level` lacks; those of `find`.
  [[nodiscard]] Result<Sql> sql(Level level, const FindSubjects& find = {}) const;
  /// Of the conditions that every row must keep, those that columns can answer. Errors: those of `find`.
  [[nodiscard]] Result<ColumnSieve> column_sieve(const FindSubjects& find) const;
  /// Conditions that every row must keep, one by one, where an index of `level` can answer them.
  struct Part {
    std::string_view column;  ///< evalue, bits, pident, length, coverage or subject
    Sql sql;
    std::optional<std::uint64_t> rows{};  ///< how many it allows, where that is known
  };
  /// Errors: those of `find`.
  [[nodiscard]] Result<std::vector<Part>> indexed_parts(Level level, const FindSubjects& find) const;

 private:
  friend class FilterParser;
  struct Node {
    enum class Kind : std::uint8_t { all, any, none_of, compare };
    Kind kind = Kind::compare;
    std::vector<Node> parts{};  ///< of all and any: two or more; of none_of: one
    const FilterField* field = nullptr;
    Op op = Op::equal;
    Bound value{};
    bool as_held = false;   ///< of words: they are looked for where they may stand
    std::string members{};  ///< of a clade: the taxids, as JSON
  };
  static Status check(const Node& node, const std::function<bool(Field)>& held);
  static Status settle_clades(Node& node,
                              const std::function<Result<std::vector<std::int64_t>>(double)>& members);
  static void write(const Node& node, std::string& out);
  static void write_inside(const Node& node, Node::Kind loosest, std::string& out);
  static Status write_sql(const Node& node, Level level, const FindSubjects& find, Sql& out);
  static Status write_comparison(const Node& node, Level level, const FindSubjects& find, Sql& out);
  static Sql condition(const Node& node, std::string_view column);
  static Sql select_subjects(const Node& node);
  static Result<std::optional<ColumnTest>> column_test(const Node& node, const FindSubjects& find);

  std::vector<Node> parts_;  // all must hold
};

}  // namespace loom::results
