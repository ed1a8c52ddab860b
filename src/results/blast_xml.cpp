#include "results/blast_xml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <utility>

#include "base/number.hpp"

namespace loom::results {
namespace {

constexpr std::size_t kLongestText = std::size_t{64} << 20U;
constexpr std::size_t kLongestTag = std::size_t{1} << 16U;

/// The letter of "&lt;" without its & and ;, as UTF-8; empty for what is none.
std::string decoded(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kNamed{
      {{"lt", "<"}, {"gt", ">"}, {"amp", "&"}, {"quot", "\""}, {"apos", "'"}}};
  for (const auto& [known, letter] : kNamed)
    if (name == known) return std::string(letter);
  if (!name.starts_with('#')) return {};
  const bool hex = name.size() > 1 && name[1] == 'x';
  const std::string_view digits = name.substr(hex ? 2 : 1);
  std::uint32_t code = 0;
  const auto [end, failed] =
      std::from_chars(digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
  if (failed != std::errc() || end != digits.data() + digits.size() || code == 0 || code > 0x10FFFF)
    return {};
  std::string out;
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0U | (code >> 6U));
    put(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    put(0xE0U | (code >> 12U));
    put(0x80U | ((code >> 6U) & 0x3FU));
    put(0x80U | (code & 0x3FU));
  } else {
    put(0xF0U | (code >> 18U));
    put(0x80U | ((code >> 12U) & 0x3FU));
    put(0x80U | ((code >> 6U) & 0x3FU));
    put(0x80U | (code & 0x3FU));
  }
  return out;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// The name by which tabular output calls the subject of this id: "gnl|BL_ORD_ID|7" is one that BLAST+ made
/// up, and "ref|NP_1.1|" or "gi|7|ref|NP_1.1|" has its name behind the database.
std::string name_of_id(std::string_view id, std::string_view definition) {
  if (id.empty() || id.starts_with("gnl|BL_ORD_ID|")) {
    const std::string_view first = definition.substr(0, definition.find_first_of(" \t"));
    return std::string(first.empty() ? id : first);
  }
  if (id.starts_with("gnl|") || id.find('|') == std::string_view::npos) return std::string(id);
  std::string_view rest = id;
  if (rest.starts_with("gi|")) {
    const std::size_t behind = rest.find('|', 3);
    if (behind == std::string_view::npos || behind + 1 == rest.size()) return std::string(id);
    rest.remove_prefix(behind + 1);
  }
  const std::size_t bar = rest.find('|');
  if (bar == std::string_view::npos) return std::string(rest);
  std::string_view name = rest.substr(bar + 1);
  name = name.substr(0, name.find('|'));
  return std::string(name.empty() ? id : name);
}

/// How often a run of gaps begins.
std::int64_t runs_of_gaps(std::string_view aligned) {
  std::int64_t runs = 0;
  for (std::size_t i = 0; i < aligned.size(); ++i)
    if (aligned[i] == '-' && (i == 0 || aligned[i - 1] != '-')) ++runs;
  return runs;
}

}  // namespace

Error BlastXml::wrong(std::string_view what) const {
  return error(Code::corrupt, "byte {}: {}", read_, what);
}

Status BlastXml::push(std::string_view bytes, std::string& out) {
  held_ += bytes;
  std::string_view rest = held_;
  const auto used = [&](std::size_t count) {
    rest.remove_prefix(count);
    read_ += count;
  };
  while (!rest.empty()) {
    if (rest.front() != '<') {
      std::size_t end = std::min(rest.find('<'), rest.size());
      // A reference may go on in the next piece.
      if (const std::size_t mark = rest.rfind('&', end - 1); end == rest.size() &&
                                                             mark != std::string_view::npos &&
                                                             rest.find(';', mark) == std::string_view::npos) {
        if (rest.size() - mark > kLongestTag) return wrong("a reference (&…;) without its end");
        if (mark == 0) break;
        end = mark;
      }
      LOOM_CHECKED(add_text(rest.substr(0, end)));
      used(end);
      continue;
    }
    const bool comment = rest.starts_with("<!--");
    if (!comment && rest.size() < 4 && std::string_view("<!--").starts_with(rest)) break;
    const std::size_t end = comment ? rest.find("-->", 4) : rest.find('>');
    if (end == std::string_view::npos) {
      if (rest.size() > kLongestTag) return wrong("a tag without its end");
      break;
    }
    if (!comment) LOOM_CHECKED(markup(rest.substr(1, end - 1), out));
    used(end + (comment ? 3 : 1));
  }
  held_.erase(0, held_.size() - rest.size());
  return ok();
}

Status BlastXml::finish() {
  if (any_ && depth_ == 0 && std::ranges::all_of(held_, is_blank)) return ok();
  return wrong(any_ ? "the XML ends in the middle; it is not whole" : "there is no XML in it");
}

Status BlastXml::add_text(std::string_view raw) {
  if (depth_ == 0) {
    if (std::ranges::all_of(raw, is_blank)) return ok();
    return wrong("text outside of the XML");
  }
  if (text_.size() + raw.size() > kLongestText)
    return error(Code::too_large, "byte {}: a text over {} bytes", read_, kLongestText);
  while (!raw.empty()) {
    const std::size_t mark = std::min(raw.find('&'), raw.size());
    text_ += raw.substr(0, mark);
    raw.remove_prefix(mark);
    if (raw.empty()) break;
    const std::size_t end = raw.find(';');
    const std::string letter = end == std::string_view::npos ? "" : decoded(raw.substr(1, end - 1));
    if (letter.empty()) return wrong("a reference (&…;) that XML does not have");
    text_ += letter;
    raw.remove_prefix(end + 1);
  }
  return ok();
}

Status BlastXml::markup(std::string_view tag, std::string& out) {
  if (tag.starts_with('?')) return ok();
  if (tag.starts_with('!')) {
    // The XML of BLAST+ has neither; a document type with rules of its own could name texts without end.
    if (tag.find('[') != std::string_view::npos) return wrong("a document type with rules, or CDATA");
    return ok();
  }
  if (tag.starts_with('/')) {
    tag.remove_prefix(1);
    const auto name = tag.substr(0, tag.find_first_of(" \t\r\n"));
    if (--depth_ < 0) return wrong("an element ends that did not begin");
    const Status done = closed(name, out);
    text_.clear();
    return done;
  }
  const bool empty = tag.ends_with('/');
  if (empty) tag.remove_suffix(1);
  const auto name = tag.substr(0, tag.find_first_of(" \t\r\n"));
  if (depth_ == 0) {
    if (any_) return wrong("a second XML behind the first; import them one by one");
    if (name != "BlastOutput")
      return error(Code::invalid_argument,
                   "the XML is no BLAST result of -outfmt 5: its first element is '{}'", name.substr(0, 40));
  }
  any_ = true;
  LOOM_CHECKED(opened(name));
  text_.clear();
  if (empty) return closed(name, out);
  ++depth_;
  return ok();
}

Status BlastXml::opened(std::string_view name) {
  const auto forget = [this](std::string_view prefix) {
    std::erase_if(fields_, [prefix](const auto& one) { return one.first.starts_with(prefix); });
  };
  if (name == "Iteration") {
    fields_.clear();
    query_told_ = false;
  } else if (name == "Hit") {
    forget("Hit_");
    forget("Hsp_");
  } else if (name == "Hsp") {
    forget("Hsp_");
  }
  return ok();
}

Status BlastXml::closed(std::string_view name, std::string& out) {
  if (name == "BlastOutput_program") program_ = text_;
  if (name == "BlastOutput_db") database_ = text_;
  if (name == "Hsp") return write_hsp(out);
  if (name == "Iteration") {
    write_query(out);
  } else if (name.starts_with("Iteration_") || name.starts_with("Hit_") || name.starts_with("Hsp_")) {
    // What only holds other elements has no text of its own.
    if (name != "Iteration_hits" && name != "Iteration_stat" && name != "Hit_hsps" && name != "Hsp_midline")
      fields_[std::string(name)] = std::move(text_);
  }
  return ok();
}

std::string BlastXml::cell(std::string_view name) const {
  const auto found = fields_.find(name);
  std::string text = found == fields_.end() ? std::string() : found->second;
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return text;
}

Result<std::int64_t> BlastXml::number(std::string_view name, std::int64_t otherwise) const {
  const std::string text = cell(name);
  if (text.empty()) return otherwise;
  if (const auto value = number_of<std::int64_t>(text); value) return *value;
  return wrong(fmt::format("{}: not a number: '{}'", name, text.substr(0, 40)));
}

void BlastXml::write_query(std::string& out) {
  if (std::exchange(query_told_, true)) return;
  // Of other programs it counts the queries.
  if (program_ == "psiblast") out += "# Iteration: " + cell("Iteration_iter-num") + '\n';
  std::string title = cell("Iteration_query-def");
  if (title.empty() || title == "No definition line") title = cell("Iteration_query-ID");
  fields_["name"] = title.substr(0, title.find(' '));
  out += "# Query: " + title + '\n';
}

Status BlastXml::write_hsp(std::string& out) {
  write_query(out);
  const auto at = [this](std::string_view name) { return number(name, 0); };
  LOOM_TRY(const std::int64_t length, at("Hsp_align-len"));
  LOOM_TRY(const std::int64_t identity, at("Hsp_identity"));
  LOOM_TRY(const std::int64_t gaps, at("Hsp_gaps"));
  LOOM_TRY(std::int64_t qstart, at("Hsp_query-from"));
  LOOM_TRY(std::int64_t qend, at("Hsp_query-to"));
  LOOM_TRY(std::int64_t sstart, at("Hsp_hit-from"));
  LOOM_TRY(std::int64_t send, at("Hsp_hit-to"));
  LOOM_TRY(const std::int64_t qframe, at("Hsp_query-frame"));
  LOOM_TRY(const std::int64_t sframe, at("Hsp_hit-frame"));
  if (qframe < 0 && qstart < qend) std::swap(qstart, qend);
  if (sframe < 0 && sstart < send) std::swap(sstart, send);
  const std::string qseq = cell("Hsp_qseq");
  const std::string sseq = cell("Hsp_hseq");
  const std::string evalue = cell("Hsp_evalue");
  const std::string bits = cell("Hsp_bit-score");
  if (evalue.empty() || bits.empty() || length <= 0)
    return wrong("an HSP without Hsp_evalue, Hsp_bit-score or Hsp_align-len");
  if (qseq.size() != sseq.size() || (!qseq.empty() && qseq.size() != static_cast<std::size_t>(length)))
    return wrong(fmt::format("an HSP whose Hsp_qseq has {} letters, Hsp_hseq {} and Hsp_align-len {}",
                             qseq.size(), sseq.size(), length));
  const std::string definition = cell("Hit_def");
  out += fmt::format("{}\t{}\t{:.3f}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}", cell("name"),
                     name_of_id(cell("Hit_id"), definition),
                     100.0 * static_cast<double>(identity) / static_cast<double>(length), length,
                     length - identity - gaps, runs_of_gaps(qseq) + runs_of_gaps(sseq), qstart, qend, sstart,
                     send, evalue, bits);
  const auto told = [this](std::string_view name) {
    std::string text = cell(name);
    return text.empty() ? "N/A" : text;
  };
  out += fmt::format("\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", told("Iteration_query-len"),
                     told("Hit_len"), told("Hsp_score"), identity, told("Hsp_positive"), gaps, qframe, sframe,
                     qseq, sseq, definition);
  return ok();
}

ReadBytes tabular_of_xml(ReadBytes from) {
  struct Held {
    BlastXml reader;
    std::string ready;
    std::size_t at = 0;
    bool ended = false;
  };
  return
      [from = std::move(from), held = std::make_shared<Held>()](std::span<char> into) -> Result<std::size_t> {
        while (held->at == held->ready.size() && !held->ended) {
          held->ready.clear();
          held->at = 0;
          LOOM_TRY(const std::size_t got, from(into));
          held->ended = got == 0;
          LOOM_CHECKED(got == 0 ? held->reader.finish() : held->reader.push({into.data(), got}, held->ready));
        }
        const std::size_t count = std::min(into.size(), held->ready.size() - held->at);
        std::copy_n(held->ready.data() + held->at, count, into.data());
        held->at += count;
        return count;
      };
}

}  // namespace loom::results
