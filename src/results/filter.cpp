#include "results/filter.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "base/check.hpp"
#include "blast/nearest.hpp"
#include "results/columns.hpp"
#include "results/page_sql.hpp"

namespace loom::results {

/// A field of the filter language.
struct FilterField {
  enum class Type : std::uint8_t { number, text };
  enum class Of : std::uint8_t { row, query, subject, taxids, clade };
  std::string_view name;
  Type type;
  Of of;
  std::string_view in_hits;  ///< its column; empty: hits have none
  std::string_view in_hsps;
  std::optional<Field> told_by{};  ///< the column it comes from; unset: every index has it
};

namespace {

using Type = FilterField::Type;
using Of = FilterField::Of;

constexpr std::array kTable{
    FilterField{"evalue", Type::number, Of::row, "evalue", "evalue"},
    FilterField{"bitscore", Type::number, Of::row, "bits", "bits"},
    FilterField{"pident", Type::number, Of::row, "pident", "pident", Field::pident},
    FilterField{"length", Type::number, Of::row, "length", "length", Field::length},
    FilterField{"coverage", Type::number, Of::row, "coverage", "coverage", Field::qlen},
    FilterField{"score", Type::number, Of::row, "score", "score", Field::score},
    FilterField{"total", Type::number, Of::row, "total", ""},
    FilterField{"max_pident", Type::number, Of::row, "max_pident", "", Field::pident},
    FilterField{"hsps", Type::number, Of::row, "hsps", ""},
    FilterField{"mismatch", Type::number, Of::row, "", "mismatch", Field::mismatch},
    FilterField{"gapopen", Type::number, Of::row, "", "gapopen", Field::gapopen},
    FilterField{"gaps", Type::number, Of::row, "", "gaps", Field::gaps},
    FilterField{"nident", Type::number, Of::row, "", "nident", Field::nident},
    FilterField{"positive", Type::number, Of::row, "", "positive", Field::positive},
    FilterField{"qstart", Type::number, Of::row, "", "qstart", Field::qstart},
    FilterField{"qend", Type::number, Of::row, "", "qend", Field::qend},
    FilterField{"sstart", Type::number, Of::row, "", "sstart", Field::sstart},
    FilterField{"send", Type::number, Of::row, "", "send", Field::send},
    FilterField{"qframe", Type::number, Of::row, "", "qframe", Field::qframe},
    FilterField{"sframe", Type::number, Of::row, "", "sframe", Field::sframe},
    FilterField{"query", Type::text, Of::query, "name", "name"},
    FilterField{"qtitle", Type::text, Of::query, "title", "title"},
    FilterField{"qlen", Type::number, Of::query, "length", "length", Field::qlen},
    FilterField{"subject", Type::text, Of::subject, "name", "name"},
    FilterField{"title", Type::text, Of::subject, "title", "title", Field::title},
    FilterField{"organism", Type::text, Of::subject, "sciname", "sciname", Field::sciname},
    FilterField{"slen", Type::number, Of::subject, "length", "length", Field::slen},
    FilterField{"taxid", Type::number, Of::taxids, "taxid", "taxid", Field::taxids},
    FilterField{"clade", Type::number, Of::clade, "taxid", "taxid", Field::taxids},
};
constexpr std::array<std::pair<Op, std::string_view>, 7> kOps{{{Op::less, "<"},
                                                               {Op::at_most, "<="},
                                                               {Op::greater, ">"},
                                                               {Op::at_least, ">="},
                                                               {Op::equal, "="},
                                                               {Op::unequal, "!="},
                                                               {Op::contains, "contains"}}};
constexpr std::size_t kLongest = 4096;
constexpr int kDeepest = 50;

std::string_view spelt(Op op) {
  return kOps[static_cast<std::size_t>(op)].second;
}

const FilterField* find_field(std::string_view name) {
  const auto* found = std::ranges::find(kTable, name, &FilterField::name);
  return found == kTable.end() ? nullptr : &*found;
}

std::string field_names() {
  std::string names;
  for (const FilterField& field : kTable) names += (names.empty() ? "" : ", ") + std::string(field.name);
  return names;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
std::string lowered(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), lower);
  return result;
}

/// What is too small for a double is 0 then, and what is too large infinite, as strtod has it.
std::optional<double> nearest_double(const std::string& text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ptr != end) return std::nullopt;
  if (read.ec == std::errc::result_out_of_range) return std::strtod(text.c_str(), nullptr);
  if (read.ec != std::errc{} || number != number) return std::nullopt;
  return number;
}

Error unknown_field(std::string_view name) {
  std::vector<std::string_view> names;
  for (const FilterField& field : kTable) names.push_back(field.name);
  const auto near = blast::nearest(name, names);
  return error(Code::invalid_argument, "'{}' is no field{} The fields are {}", name.substr(0, 40),
               near ? fmt::format(", did you mean '{}'?", *near) : ".", field_names());
}

/// Errors: invalid_argument when they do not go together.
Status fits(const FilterField& field, Op op, const Bound& value) {
  const bool number = std::holds_alternative<double>(value);
  if (field.type == Type::number && !number)
    return error(Code::invalid_argument, "{} is compared with a number, not with '{}'", field.name,
                 std::get<std::string>(value).substr(0, 40));
  const bool text_op = op == Op::equal || op == Op::unequal || op == Op::contains;
  if (field.type == Type::text && !text_op)
    return error(Code::invalid_argument, "{} is text; compare it with =, != or contains", field.name);
  if (field.type == Type::number && op == Op::contains)
    return error(Code::invalid_argument, "{} is a number; compare it with <, <=, >, >=, = or !=", field.name);
  const bool taxon = field.of == Of::taxids || field.of == Of::clade;
  if (taxon && op != Op::equal && op != Op::unequal)
    return error(Code::invalid_argument, "{} can only be compared with = and !=", field.name);
  return ok();
}

}  // namespace

/// Recursive descent over the text; the place of an error is that of the token it is about.
class FilterParser {
 public:
  explicit FilterParser(std::string_view text) : text_(text) {}

  Result<Filter::Node> whole() {
    LOOM_TRY(Filter::Node node, any(0));
    if (skip_space(); at_ < text_.size())
      return wrong(at_, "'and', 'or' or the end is due here, not '{}'", rest());
    return node;
  }

 private:
  using Node = Filter::Node;
  using Kind = Node::Kind;

  template <class... Args>
  static Error wrong(std::size_t place, fmt::format_string<Args...> text, Args&&... args) {
    return error(Code::invalid_argument, "where, column {}: {}", place + 1,
                 fmt::format(text, std::forward<Args>(args)...));
  }
  [[nodiscard]] std::string rest() const { return std::string(text_.substr(at_, 20)); }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
  }
  static bool in_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  }
  [[nodiscard]] std::string_view word_here() const {
    std::size_t end = at_;
    while (end < text_.size() && in_word(text_[end])) ++end;
    return text_.substr(at_, end - at_);
  }
  bool take_word(std::string_view wanted) {
    skip_space();
    if (lowered(word_here()) != wanted) return false;
    at_ += wanted.size();
    return true;
  }
  bool take(std::string_view mark) {
    skip_space();
    if (!text_.substr(at_).starts_with(mark)) return false;
    at_ += mark.size();
    return true;
  }

  // NOLINTNEXTLINE(misc-no-recursion): no deeper than kDeepest.
  Result<Node> any(int depth) { return list(Kind::any, depth); }

  // NOLINTNEXTLINE(misc-no-recursion): no deeper than kDeepest.
  Result<Node> list(Kind kind, int depth) {
    Node list{.kind = kind};
    do {
      LOOM_TRY(Node part, kind == Kind::any ? this->list(Kind::all, depth) : one(depth));
      // "(a and b) and c" is "a and b and c".
      if (part.kind == kind) {
        std::ranges::move(part.parts, std::back_inserter(list.parts));
      } else {
        list.parts.push_back(std::move(part));
      }
    } while (take_word(kind == Kind::any ? "or" : "and"));
    if (list.parts.size() > 1) return list;
    Node alone = std::move(list.parts.front());
    return alone;
  }

  // NOLINTNEXTLINE(misc-no-recursion): no deeper than kDeepest.
  Result<Node> one(int depth) {
    if (skip_space(); depth > kDeepest)
      return error(Code::too_large, "where, column {}: more than {} parentheses or nots inside each other",
                   at_ + 1, kDeepest);
    if (take_word("not")) {
      LOOM_TRY(Node part, one(depth + 1));
      Node negated{.kind = Kind::none_of};
      negated.parts.push_back(std::move(part));
      return negated;
    }
    const std::size_t opened = at_;
    if (!take("(")) return comparison();
    LOOM_TRY(Node inner, any(depth + 1));
    if (!take(")")) return wrong(at_, "the parenthesis of column {} is not closed", opened + 1);
    return inner;
  }

  Result<Node> comparison() {
    skip_space();
    const std::size_t place = at_;
    const std::string_view name = word_here();
    if (name.empty()) {
      if (at_ == text_.size()) return wrong(at_, "a comparison is due here, such as evalue<1e-10");
      return wrong(at_, "the name of a field is due here, not '{}'", rest());
    }
    Node node;
    node.field = find_field(lowered(name));
    if (node.field == nullptr) return wrong(place, "{}", unknown_field(name).message);
    at_ += name.size();
    LOOM_TRY(node.op, op(node.field->name));
    skip_space();
    const std::size_t value_place = at_;
    LOOM_TRY(node.value, value(node.field->type));
    const Status fit = fits(*node.field, node.op, node.value);
    if (!fit) return wrong(node.field->type == Type::text ? place : value_place, "{}", fit.error().message);
    return node;
  }

  Result<Op> op(std::string_view field) {
    if (take_word("contains")) return Op::contains;
    // The longer ones first.
    for (const auto& [mark, meant] :
         {std::pair{"<=", Op::at_most}, std::pair{">=", Op::at_least}, std::pair{"==", Op::equal},
          std::pair{"!=", Op::unequal}, std::pair{"<", Op::less}, std::pair{">", Op::greater},
          std::pair{"=", Op::equal}})
      if (take(mark)) return meant;
    return wrong(at_, "behind '{}' <, <=, >, >=, =, != or contains is due, not '{}'", field, rest());
  }

  Result<Bound> value(Type type) {
    if (at_ == text_.size()) return wrong(at_, "a value is due here");
    const std::size_t place = at_;
    std::string text;
    if (const char quote = text_[at_]; quote == '\'' || quote == '"') {
      // A quote inside is written twice.
      for (++at_;; ++at_) {
        if (at_ == text_.size())
          return wrong(place, "the text that begins here is not closed with {}", quote);
        if (text_[at_] == quote) {
          if (at_ + 1 == text_.size() || text_[at_ + 1] != quote) break;
          ++at_;
        }
        text += text_[at_];
      }
      ++at_;
    } else {
      const std::size_t end = std::min(text_.find_first_of(" \t\n()", at_), text_.size());
      text = text_.substr(at_, end - at_);
      at_ = end;
      if (text.empty()) return wrong(place, "a value is due here, not '{}'", rest());
    }
    if (type == Type::text) return Bound(std::move(text));
    const auto number = nearest_double(text);
    if (!number) return wrong(place, "a number is due here, not '{}'", text.substr(0, 40));
    return Bound(*number);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Result<Filter> Filter::parse(std::string_view text) {
  Filter filter;
  if (text.find_first_not_of(" \t\n") == std::string_view::npos) return filter;
  if (text.size() > kLongest)
    return error(Code::too_large, "where: {} bytes; at most {} are taken", text.size(), kLongest);
  LOOM_TRY(Node node, FilterParser(text).whole());
  if (node.kind == Node::Kind::all) {
    filter.parts_ = std::move(node.parts);
  } else {
    filter.parts_.push_back(std::move(node));
  }
  return filter;
}

Status Filter::also(std::string_view field, Op op, Bound value) {
  Node node{.field = find_field(field), .op = op, .value = std::move(value)};
  if (node.field == nullptr) return unknown_field(field);
  LOOM_CHECKED(fits(*node.field, op, node.value));
  parts_.push_back(std::move(node));
  return ok();
}

void Filter::also_word(std::string_view word) {
  Node any{.kind = Node::Kind::any};
  for (const char* field : {"subject", "title", "organism"})
    any.parts.push_back(
        {.field = find_field(field), .op = Op::contains, .value = std::string(word), .as_held = true});
  parts_.push_back(std::move(any));
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the filter.
void Filter::write(const Node& node, std::string& out) {
  if (node.kind == Node::Kind::compare) {
    const std::string_view gap = node.op == Op::contains ? " " : "";
    fmt::format_to(std::back_inserter(out), "{}{}{}{}", node.field->name, gap, spelt(node.op), gap);
    if (const double* number = std::get_if<double>(&node.value); number != nullptr) {
      fmt::format_to(std::back_inserter(out), "{}", *number);
      return;
    }
    out += '\'';
    for (const char c : std::get<std::string>(node.value)) out += c == '\'' ? "''" : std::string(1, c);
    out += '\'';
    return;
  }
  if (node.kind == Node::Kind::none_of) {
    out += "not ";
    return write_inside(node.parts.front(), Node::Kind::all, out);
  }
  for (const Node& part : node.parts) {
    if (&part != node.parts.data()) out += node.kind == Node::Kind::all ? " and " : " or ";
    if (node.kind == Node::Kind::all)
      write_inside(part, Node::Kind::any, out);
    else
      write(part, out);
  }
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the filter.
void Filter::write_inside(const Node& node, Node::Kind loosest, std::string& out) {
  // Only where it must be: the text is no deeper than what was parsed.
  const bool loose = node.kind == Node::Kind::any || (node.kind == loosest && loosest == Node::Kind::all);
  if (loose) out += '(';
  write(node, out);
  if (loose) out += ')';
}

std::string Filter::text() const {
  std::string out;
  for (const Node& part : parts_) {
    if (!out.empty()) out += " and ";
    parts_.size() > 1 ? write_inside(part, Node::Kind::any, out) : write(part, out);
  }
  return out;
}

Status Filter::check(const std::function<bool(Field)>& held) const {
  for (const Node& part : parts_) LOOM_CHECKED(check(part, held));
  return ok();
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the filter.
Status Filter::check(const Node& node, const std::function<bool(Field)>& held) {
  for (const Node& part : node.parts) LOOM_CHECKED(check(part, held));
  if (node.field == nullptr || node.as_held || !node.field->told_by || held(*node.field->told_by))
    return ok();
  return not_told(node.field->name, *node.field->told_by);
}

Status Filter::settle_clades(const std::function<Result<std::vector<std::int64_t>>(double clade)>& members) {
  for (Node& part : parts_) LOOM_CHECKED(settle_clades(part, members));
  return ok();
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the filter.
Status Filter::settle_clades(Node& node,
                             const std::function<Result<std::vector<std::int64_t>>(double)>& members) {
  for (Node& part : node.parts) LOOM_CHECKED(settle_clades(part, members));
  if (node.field == nullptr || node.field->of != Of::clade) return ok();
  LOOM_TRY(const std::vector<std::int64_t> taxids, members(std::get<double>(node.value)));
  node.members = fmt::format("[{}]", fmt::join(taxids, ","));
  return ok();
}

Error not_told(std::string_view what, Field field) {
  const std::string_view column = columns_of(field).front();
  return error(Code::invalid_argument,
               "{} is not known of this result, which has no column {}; search with it: -outfmt '6 std {}'",
               what, column, column);
}

Result<Sql> Filter::sql(Level level, const FindSubjects& find) const {
  Sql sql;
  for (const Node& part : parts_) {
    if (!sql.text.empty()) sql.text += " AND ";
    LOOM_CHECKED(write_sql(part, level, find, sql));
  }
  return sql;
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the filter.
Status Filter::write_sql(const Node& node, Level level, const FindSubjects& find, Sql& out) {
  if (node.kind == Node::Kind::compare) return write_comparison(node, level, find, out);
  out.text += node.kind == Node::Kind::none_of ? "NOT (" : "(";
  for (const Node& part : node.parts) {
    if (&part != node.parts.data()) out.text += node.kind == Node::Kind::all ? " AND " : " OR ";
    LOOM_CHECKED(write_sql(part, level, find, out));
  }
  out.text += ')';
  return ok();
}

/// `column op ?` with its value.
Sql Filter::condition(const Node& node, std::string_view column) {
  if (node.op == Op::contains)
    return {fmt::format("{} LIKE ? ESCAPE '\\'", column), {like_text(std::get<std::string>(node.value))}};
  // "!=" of what a query or subject has is "not one of those that have it".
  const bool negated = node.op == Op::unequal && node.field->of != Of::row;
  return {fmt::format("{} {} ?", column, negated ? "=" : spelt(node.op)), {node.value}};
}

/// The subjects that have what the comparison names.
Sql Filter::select_subjects(const Node& node) {
  const FilterField& field = *node.field;
  if (field.of == Of::clade) {
    LOOM_CHECK(!node.members.empty(), "clades are settled before they become SQL");
    return {"SELECT subject FROM subject_taxid WHERE taxid IN (SELECT value FROM json_each(?))",
            {node.members}};
  }
  Sql sql = condition(node, field.in_hits);
  sql.text = field.of == Of::taxids ? "SELECT subject FROM subject_taxid WHERE " + sql.text
                                    : "SELECT id FROM subject WHERE " + sql.text;
  return sql;
}

Status Filter::write_comparison(const Node& node, Level level, const FindSubjects& find, Sql& out) {
  const FilterField& field = *node.field;
  const std::string_view column = level == Level::hits ? field.in_hits : field.in_hsps;
  if (column.empty())
    return error(Code::invalid_argument, "{} is known of {} only; ask for those", field.name,
                 level == Level::hits ? "HSPs" : "hits");
  const bool negated = node.op == Op::unequal;
  Sql sql;
  if (field.of == Of::row) {
    sql = condition(node, column);
    sql.text = "t." + sql.text;
  } else if (field.of == Of::query) {
    // The subqueries do not depend on the row, so SQLite runs each once.
    sql = condition(node, column);
    sql.text = fmt::format("t.query {} (SELECT id FROM query WHERE {})", negated ? "NOT IN" : "IN", sql.text);
  } else if (find) {
    LOOM_TRY(auto subjects, find(select_subjects(node)));
    sql = {negated ? "NOT chosen(t.subject, ?)" : "chosen(t.subject, ?)", {std::move(subjects)}};
  } else {
    sql = select_subjects(node);
    sql.text = fmt::format("t.subject {} ({})", negated ? "NOT IN" : "IN", sql.text);
  }
  out.text += sql.text;
  std::ranges::move(sql.values, std::back_inserter(out.values));
  return ok();
}

Result<ColumnSieve> Filter::column_sieve(const FindSubjects& find) const {
  ColumnSieve sieve;
  for (const Node& node : parts_) {
    LOOM_TRY(auto part, column_test(node, find));
    if (!part) {
      sieve.exact = false;
      continue;
    }
    sieve.test.parts.push_back(*std::move(part));
  }
  return sieve;
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the filter.
Result<std::optional<ColumnTest>> Filter::column_test(const Node& node, const FindSubjects& find) {
  using Kind = ColumnTest::Kind;
  if (node.kind == Node::Kind::compare) {
    if (node.field->of == Of::query) return std::optional<ColumnTest>();
    if (node.field->of == Of::row) {
      const auto* column = std::ranges::find(kZoned, node.field->in_hsps);
      if (column == kZoned.end()) return std::optional<ColumnTest>();
      return std::optional(ColumnTest{.kind = Kind::number,
                                      .column = static_cast<std::size_t>(column - kZoned.begin()),
                                      .op = node.op,
                                      .value = std::get<double>(node.value)});
    }
    ColumnTest subject{.kind = Kind::subject};
    LOOM_TRY(subject.subjects, find(select_subjects(node)));
    if (node.op != Op::unequal) return std::optional(std::move(subject));
    return std::optional(ColumnTest{.kind = Kind::none_of, .parts = {std::move(subject)}});
  }
  ColumnTest test{.kind = node.kind == Node::Kind::all   ? Kind::all
                          : node.kind == Node::Kind::any ? Kind::any
                                                         : Kind::none_of};
  for (const Node& inner : node.parts) {
    LOOM_TRY(auto part, column_test(inner, find));
    if (!part) return std::optional<ColumnTest>();
    test.parts.push_back(*std::move(part));
  }
  return std::optional(std::move(test));
}

Result<std::vector<Filter::Part>> Filter::indexed_parts(Level level, const FindSubjects& find) const {
  std::vector<Part> parts;
  for (const Node& node : parts_) {
    if (node.kind != Node::Kind::compare || node.op == Op::unequal || node.field->of == Of::query) continue;
    const bool of_row = node.field->of == Of::row;
    if (of_row && std::ranges::find(kZoned, node.field->in_hsps) == kZoned.end()) continue;
    Part part{of_row ? node.field->in_hsps : "subject", {}};
    LOOM_CHECKED(write_comparison(node, level, {}, part.sql));
    if (!of_row) {
      LOOM_TRY(const auto subjects, find(select_subjects(node)));
      part.rows = subjects->rows(level);
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace loom::results
