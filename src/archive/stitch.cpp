#include "archive/stitch.hpp"

#include <fmt/format.h>

#include <utility>

#include "archive/asn_value.hpp"
#include "archive/copy_ber.hpp"
#include "archive/query_places.hpp"

namespace loom::archive {
namespace {

enum class Name : std::uint8_t { other, local, str, subject, database, pair, numbers };

Name name_of(std::string_view text) {
  switch (text.empty() ? '\0' : text[0]) {
    case 'd':
      return text == "database" ? Name::database : Name::other;
    case 'i':
      return text == "ids" ? Name::pair : Name::other;
    case 'l':
      if (text == "lens") return Name::numbers;
      if (text == "loc") return Name::pair;
      return text == "local" ? Name::local : Name::other;
    case 's':
      if (text == "str") return Name::str;
      if (text == "subject") return Name::subject;
      return text == "starts" || text == "strands" || text == "score" || text == "scores" ? Name::numbers
                                                                                          : Name::other;
    default:
      return Name::other;
  }
}

// `text` is a string token without breaks or escapes, as ids are. Another id that it must be, or nullopt.
std::optional<std::string> new_id(const Token& token, const PartNames& names) {
  if (!names.queries_numbered || names.first_query == 0 || token.more || token.text.size() < 2)
    return std::nullopt;
  return renumbered(token.text.substr(1, token.text.size() - 2), names.first_query);
}

// The two words before a value say what it is: `local str "Query_1"`, `subject database "p"`, `ids { … }`.
class TextCopy {
 public:
  TextCopy(Pull pull, const std::string& name, const PartNames& names, const Write& write)
      : scanner_(std::move(pull), name), names_(names), write_(write) {
    scanner_.copy_to(write);
  }

  Status run(std::string_view type) {
    archive_ = type == "Blast4-archive";
    // What the engine says of the search as a whole stands in its first archive only.
    said_before_ = archive_ && names_.first_query > 0;
    for (;; said_before_ = false) {
      if (scanner_.next() == TokenKind::end) return scanner_.stop_copy();
      if (scanner_.token().kind != TokenKind::word || scanner_.token().text != type)
        return scanner_.unexpected(type);
      LOOM_CHECKED(expect(scanner_, TokenKind::assign, "'::='"));
      LOOM_CHECKED(expect(scanner_, TokenKind::open, "'{'"));
      places_.open(false);
      while (scanner_.depth() > 0) {
        if (scanner_.next() == TokenKind::broken) return scanner_.error();
        LOOM_CHECKED(token());
      }
    }
  }

 private:
  Status token() {
    const Token& token = scanner_.token();
    switch (token.kind) {
      case TokenKind::word:
        before_ = std::exchange(last_, name_of(token.text));
        return ok();
      case TokenKind::open:
        if (last_ == Name::numbers) {
          if (scanner_.skip_block() == TokenKind::broken) return scanner_.error();
        } else {
          places_.open(last_ == Name::pair);
        }
        break;
      case TokenKind::close:
        places_.close();
        break;
      case TokenKind::comma:
        places_.comma();
        if (said_before_ && scanner_.depth() == 1) LOOM_CHECKED(drop_messages());
        break;
      case TokenKind::string:
        string(token);
        break;
      default:
        break;
    }
    before_ = last_ = Name::other;
    return ok();
  }

  /// Behind a comma between the members of an archive: leaves out the next one, comma and all, if it is the
  /// messages.
  Status drop_messages() {
    scanner_.replace("");
    LOOM_CHECKED(scanner_.stop_copy());
    if (scanner_.next() != TokenKind::word) return scanner_.unexpected("a member of the archive");
    if (scanner_.token().text != "messages") {
      LOOM_CHECKED(write_(fmt::format(",\n  {}", scanner_.token().text)));
    } else {
      LOOM_CHECKED(expect(scanner_, TokenKind::open, "'{'"));
      if (scanner_.skip_block() == TokenKind::broken) return scanner_.error();
    }
    scanner_.copy_to(write_);
    return ok();
  }

  void string(const Token& token) {
    if (archive_ && names_.database && before_ == Name::subject && last_ == Name::database && !token.more) {
      scanner_.replace(print_string(*names_.database, scanner_.column()));
    } else if (before_ == Name::local && last_ == Name::str && !places_.subject()) {
      if (const auto id = new_id(token, names_)) scanner_.replace(print_string(*id, scanner_.column()));
    }
  }

  Scanner scanner_;
  const PartNames& names_;
  const Write& write_;
  bool archive_ = false;  // not a Seq-annot, which names no database
  bool said_before_ = false;
  QueryPlaces places_;
  Name before_ = Name::other;  // of the two words before the token
  Name last_ = Name::other;
};

// The keys of the block and of the value say what it is: {"local": {"str": "Query_1"}}, "ids": [ … ].
class JsonCopy {
 public:
  JsonCopy(Pull pull, const std::string& name, const PartNames& names, const Write& write)
      : scanner_(std::move(pull), name, Dialect::json), names_(names) {
    scanner_.copy_to(write);
  }

  Status run() {
    for (;;) {
      if (scanner_.next() == TokenKind::end) return scanner_.stop_copy();
      if (scanner_.token().text != "{") return scanner_.unexpected("a Seq_annot");
      open();
      if (scanner_.next() != TokenKind::string || scanner_.token().text != "\"Seq_annot\"")
        return scanner_.unexpected("Seq_annot");
      while (scanner_.depth() > 0) {
        if (scanner_.next() == TokenKind::broken) return scanner_.error();
        LOOM_CHECKED(token());
      }
      blocks_.clear();
    }
  }

 private:
  Status token() {
    const Token& token = scanner_.token();
    switch (token.kind) {
      case TokenKind::string:
        string(token);
        return ok();
      case TokenKind::colon:
        colon_ = true;
        return ok();
      case TokenKind::open:
        if (colon_ && key_ == Name::numbers) {
          if (scanner_.skip_block() == TokenKind::broken) return scanner_.error();
        } else {
          open();
        }
        break;
      case TokenKind::close:
        places_.close();
        if (!blocks_.empty()) blocks_.pop_back();
        break;
      case TokenKind::comma:
        places_.comma();
        break;
      default:
        break;
    }
    key_ = Name::other;
    colon_ = false;
    return ok();
  }

  void open() {
    const Name name = colon_ ? key_ : Name::other;
    places_.open(name == Name::pair);
    blocks_.push_back(name);
    key_ = Name::other;
    colon_ = false;
  }

  void string(const Token& token) {
    if (!colon_) {
      const bool whole = !token.more && token.text.size() >= 2;
      key_ = whole ? name_of(token.text.substr(1, token.text.size() - 2)) : Name::other;
      return;
    }
    const bool local = key_ == Name::str && !blocks_.empty() && blocks_.back() == Name::local;
    if (!local || places_.subject()) return;
    if (const auto id = new_id(token, names_)) scanner_.replace('"' + *id + '"');
  }

  Scanner scanner_;
  const PartNames& names_;
  QueryPlaces places_;
  std::vector<Name> blocks_;  // the keys that the open blocks are the values of
  Name key_ = Name::other;
  bool colon_ = false;  // key_ has been read as a key
};

}  // namespace

Status copy_part(int outfmt, Pull pull, const std::string& name, const PartNames& names, const Write& write) {
  switch (outfmt) {
    case 8:
      return TextCopy(std::move(pull), name, names, write).run("Seq-annot");
    case 9:
      return copy_ber(std::move(pull), name, names, write);
    case 11:
      return TextCopy(std::move(pull), name, names, write).run("Blast4-archive");
    case 12:
      return JsonCopy(std::move(pull), name, names, write).run();
    default:
      return error(Code::invalid_argument, "format {} is none of 8, 9, 11, 12", outfmt);
  }
}

Status copy_part(int outfmt, const std::filesystem::path& file, const PartNames& names, const Write& write) {
  LOOM_TRY(Pull pull, pull_file(file));
  return copy_part(outfmt, std::move(pull), file.string(), names, write);
}

}  // namespace loom::archive
