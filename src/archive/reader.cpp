#include "archive/reader.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "archive/asn_value.hpp"
#include "base/check.hpp"

namespace loom::archive {

Reader::Reader(Pull pull, std::string name, Options options)
    : scanner_(std::move(pull), std::move(name)), options_(std::move(options)) {
  if (options_.frame) scanner_.copy_to(options_.frame);
}

Result<Reader> Reader::open(const std::filesystem::path& path, Options options) {
  LOOM_TRY(Pull pull, pull_file(path));
  return Reader(std::move(pull), path.string(), std::move(options));
}

Result<const Head*> Reader::next_archive() {
  while (at_ == At::list) {
    LOOM_TRY(const Alignment* const rest, next_alignment());
    if (rest == nullptr) break;
  }
  if (at_ == At::tail) LOOM_CHECKED(finish_archive());
  if (scanner_.next() == TokenKind::end) {
    if (std::exchange(options_.frame, nullptr)) LOOM_CHECKED(scanner_.stop_copy());
    return nullptr;
  }
  if (scanner_.token().kind != TokenKind::word || scanner_.token().text != "Blast4-archive")
    return scanner_.unexpected("Blast4-archive (the output of -outfmt 11)");
  head_ = Head{};
  LOOM_CHECKED(expect(scanner_, TokenKind::assign, "'::='"));
  LOOM_CHECKED(expect(scanner_, TokenKind::open, "'{'"));
  LOOM_CHECKED(read_until_alignments());
  return &head_;
}

// The archive's members up to `results { alignments {`.
Status Reader::read_until_alignments() {
  for (;;) {
    LOOM_TRY(const auto member, read_word(scanner_));
    if (member == "results") break;
    if (member == "request") {
      LOOM_CHECKED(read_request());
    } else {
      LOOM_CHECKED(skip_value(scanner_));
    }
    LOOM_CHECKED(expect(scanner_, TokenKind::comma, "',' and the results"));
  }
  LOOM_CHECKED(expect(scanner_, TokenKind::open, "'{'"));
  LOOM_TRY(const auto member, read_word(scanner_));
  if (member != "alignments") return scanner_.unexpected("alignments");
  LOOM_CHECKED(expect(scanner_, TokenKind::open, "'{'"));
  if (options_.frame) LOOM_CHECKED(scanner_.stop_copy());
  at_ = At::list;
  first_in_list_ = true;
  return ok();
}

// From the end of the list of alignments to that of the archive.
Status Reader::finish_archive() {
  at_ = At::between;
  if (options_.frame) {
    LOOM_CHECKED(options_.frame("\n    }"));  // how the toolkit closes the list
    scanner_.copy_to(options_.frame);
  }
  for (int outside = 1; outside >= 0; --outside) {
    while (scanner_.next() == TokenKind::comma) {
      LOOM_CHECKED(read_word(scanner_));
      LOOM_CHECKED(skip_value(scanner_));
    }
    if (scanner_.token().kind != TokenKind::close) return scanner_.unexpected("',' or '}'");
  }
  return ok();
}

Status Reader::read_request() {
  return read_members(scanner_, [&](std::string_view member) -> Status {
    if (member != "body") return skip_value(scanner_);
    LOOM_TRY(const auto body, read_word(scanner_));
    if (body != "queue-search") return scanner_.unexpected("queue-search");
    return read_members(scanner_, [&](std::string_view name) { return read_search(name); });
  });
}

Status Reader::read_search(std::string_view member) {
  if (member == "program") {
    LOOM_CHECKED(expect(scanner_, TokenKind::string, "a string"));
    LOOM_TRY(head_.program, string_value(scanner_));
    return ok();
  }
  if (member == "queries") return read_queries();
  if (member != "subject") return skip_value(scanner_);
  LOOM_TRY(const auto kind, read_word(scanner_));
  if (kind != "database") return skip_value(scanner_);
  LOOM_CHECKED(expect(scanner_, TokenKind::string, "a string"));
  const std::size_t column = scanner_.column();
  if (options_.frame && options_.database && !scanner_.token().more)
    scanner_.replace(print_string(*options_.database, column));
  LOOM_TRY(head_.database, string_value(scanner_));
  return ok();
}

// A set of Bioseqs, or a PSSM, which has its query as one Bioseq somewhere inside.
// Queries whose ids are those of a database (-parse_deflines) come as places, without their titles.
Status Reader::read_queries() {
  LOOM_TRY(const auto choice, read_word(scanner_));
  if (choice == "seq-loc-list") return read_elements(scanner_, [&](std::size_t) { return read_place(); });
  LOOM_CHECKED(expect(scanner_, TokenKind::open, "'{'"));
  const int outside = scanner_.depth() - 1;
  while (scanner_.depth() > outside) {
    const TokenKind kind = scanner_.next();
    if (kind == TokenKind::broken) return scanner_.error();
    if (kind == TokenKind::word && scanner_.token().text == "seq") LOOM_CHECKED(read_query());
  }
  return ok();
}

// int { from 0, to 56, strand unknown, id … }
Status Reader::read_place() {
  Query query;
  const auto member = [&](std::string_view name) -> Status {
    if (name == "to") {
      LOOM_TRY(const auto last, read_integer(scanner_));
      query.letters = static_cast<std::uint64_t>(last) + 1;
      return ok();
    }
    if (name != "id") return skip_value(scanner_);
    LOOM_TRY(SeqId id, read_seq_id(scanner_));
    query.id = std::move(id.text);
    return ok();
  };
  LOOM_TRY(const auto kind, read_word(scanner_));
  if (kind != "int") return scanner_.unexpected("int");
  LOOM_CHECKED(read_members(scanner_, member));
  head_.queries.push_back(std::move(query));
  return ok();
}

Status Reader::read_query() {
  Query query;
  const Status read = read_members(scanner_, [&](std::string_view member) -> Status {
    if (member == "id")
      return read_elements(scanner_, [&](std::size_t index) -> Status {
        LOOM_TRY(SeqId id, read_seq_id(scanner_));
        if (index == 0) query.id = std::move(id.text);
        return ok();
      });
    if (member == "descr")
      return read_elements(scanner_, [&](std::size_t) -> Status {
        LOOM_TRY(const auto kind, read_word(scanner_));
        if (kind != "title") return skip_value(scanner_);
        LOOM_CHECKED(expect(scanner_, TokenKind::string, "a string"));
        LOOM_TRY(query.title, string_value(scanner_));
        return ok();
      });
    if (member != "inst") return skip_value(scanner_);
    return read_members(scanner_, [&](std::string_view name) -> Status {
      if (name != "length") return skip_value(scanner_);
      LOOM_TRY(const auto letters, read_integer(scanner_));
      query.letters = static_cast<std::uint64_t>(letters);
      return ok();
    });
  });
  LOOM_CHECKED(read);
  head_.queries.push_back(std::move(query));
  return ok();
}

Result<const Alignment*> Reader::next_alignment() {
  LOOM_CHECK(at_ != At::between, "an archive to read from");
  if (at_ == At::tail) return nullptr;
  const bool first = std::exchange(first_in_list_, false);
  TokenKind kind = scanner_.next();
  if (kind == TokenKind::close) {
    at_ = At::tail;
    return nullptr;
  }
  if (!first) {
    if (kind != TokenKind::comma) return scanner_.unexpected("',' or '}'");
    kind = scanner_.next();
  }
  if (kind != TokenKind::open) return scanner_.unexpected("an alignment");
  const std::size_t query = first ? 0 : alignment_.query;
  std::string text = std::move(alignment_.text);  // keeps its memory
  text.clear();
  alignment_ = Alignment{.query = query, .subject = {}, .text = std::move(text)};
  named_ = false;
  if (options_.keep_text) {
    alignment_.text = "{";
    scanner_.copy_to(append_to(alignment_.text));
  }
  scanner_.unget();
  LOOM_CHECKED(read_alignment());
  if (options_.keep_text) LOOM_CHECKED(scanner_.stop_copy());
  if (!named_ || !std::isfinite(alignment_.evalue))
    return scanner_.unexpected("two ids and an E-value in the alignment that ends");
  return &alignment_;
}

Status Reader::read_alignment() {
  return read_members(scanner_, [&](std::string_view member) -> Status {
    if (member == "score") return read_scores();
    if (member == "segs") return read_segments();
    return skip_value(scanner_);
  });
}

Status Reader::read_segments() {
  LOOM_TRY(const auto word, read_word(scanner_));
  const std::string kind(word);
  const auto segment = [&](std::string_view member) -> Status {
    if (member == "ids" && !named_) return read_pair();
    if (member == "scores") return read_scores();
    return skip_value(scanner_);
  };
  if (kind == "denseg") return read_members(scanner_, segment);
  if (kind == "std" || kind == "dendiag")
    return read_elements(scanner_, [&](std::size_t) { return read_members(scanner_, segment); });
  if (kind == "disc") return read_elements(scanner_, [&](std::size_t) { return read_alignment(); });
  return scanner_.unexpected("denseg, dendiag, std or disc");
}

Status Reader::read_pair() {
  LOOM_CHECKED(read_elements(scanner_, [&](std::size_t index) -> Status {
    LOOM_TRY(SeqId id, read_seq_id(scanner_));
    if (index == 0) {
      LOOM_TRY(alignment_.query, query_index(id.text));
    } else {
      alignment_.subject = std::move(id);
      named_ = true;
    }
    return ok();
  }));
  return ok();
}

// Alignments come in the order of the queries; so the search starts at the query of the one before.
Result<std::size_t> Reader::query_index(const std::string& id) const {
  for (std::size_t index = alignment_.query; index < head_.queries.size(); ++index)
    if (head_.queries[index].id == id) return index;
  return scanner_.unexpected(fmt::format("{} to be a query of this archive, in their order", id));
}

// SEQUENCE OF Score: { { id str "score", value int 61 }, { id str "e_value", value real { 9, 10, -16 } } }
Status Reader::read_scores() {
  const bool first = alignment_.hsps++ == 0;
  return read_elements(scanner_, [&](std::size_t) {
    Score score = Score::other;
    return read_members(scanner_, [&](std::string_view member) -> Status {
      if (member == "id") {
        LOOM_TRY(score, read_score_name());
        return ok();
      }
      if (member != "value" || score == Score::other) return skip_value(scanner_);
      return read_score(score, first);
    });
  });
}

Result<Reader::Score> Reader::read_score_name() {
  LOOM_CHECKED(read_word(scanner_));
  if (scanner_.next() != TokenKind::string) return Score::other;  // BLAST+ numbers none
  const std::string_view name = scanner_.token().text;
  if (name == "\"score\"") return Score::raw;
  if (name == "\"bit_score\"") return Score::bits;
  if (name == "\"e_value\"") return Score::evalue;
  if (name == "\"sum_e\"") return Score::sum;
  return Score::other;
}

Status Reader::read_score(Score which, bool first) {
  LOOM_TRY(const auto kind, read_word(scanner_));
  if (which == Score::raw) {
    if (kind != "int") return scanner_.unexpected("int");
    LOOM_TRY(const auto score, read_integer(scanner_));
    if (first) alignment_.score = score;
    return ok();
  }
  if (kind != "real") return scanner_.unexpected("real");
  LOOM_TRY(const double value, read_real(scanner_));
  if (which != Score::bits) {
    alignment_.evalue = std::min(alignment_.evalue, value);
    alignment_.summed |= which == Score::sum;
  } else if (first) {
    alignment_.bit_score = value;
  }
  return ok();
}

}  // namespace loom::archive
