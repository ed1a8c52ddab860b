#include "results/histograms.hpp"

#include <algorithm>
#include <bit>

#include "base/json_writer.hpp"

namespace loom::results {
namespace {

template <class From>
void write_bin(JsonWriter& json, From from, From to, bool last, std::uint64_t count) {
  json.open_object();
  json.member("from", from);
  if (!last) json.member("to", to);
  json.member("hsps", count);
  json.close_object();
}

}  // namespace

void Histograms::add(double evalue, double pident, std::int64_t length) {
  const auto above = std::upper_bound(kEvalues.begin(), kEvalues.end(), evalue);
  ++evalues_[static_cast<std::size_t>(std::max<std::ptrdiff_t>(above - kEvalues.begin() - 1, 0))];
  const auto step = std::clamp<std::int64_t>(static_cast<std::int64_t>(pident) / kIdentityStep, 0,
                                             std::ssize(identities_) - 1);
  ++identities_[static_cast<std::size_t>(step)];
  const auto bits = std::bit_width(static_cast<std::uint64_t>(std::max<std::int64_t>(length, 1))) - 1;
  ++lengths_[std::min<std::size_t>(bits, lengths_.size() - 1)];
}

std::string Histograms::json() const {
  std::string text;
  JsonWriter json(text);
  json.open_object();
  json.key("evalue");
  json.open_array();
  for (std::size_t i = 0; i < kEvalues.size(); ++i) {
    const bool last = i + 1 == kEvalues.size();
    write_bin(json, kEvalues[i], last ? 0 : kEvalues[i + 1], last, evalues_[i]);
  }
  json.close_array();
  json.key("pident");
  json.open_array();
  for (std::size_t i = 0; i < identities_.size(); ++i) {
    const std::int64_t from = static_cast<std::int64_t>(i) * kIdentityStep;
    write_bin(json, from, from + kIdentityStep, i + 1 == identities_.size(), identities_[i]);
  }
  json.close_array();
  json.key("length");
  json.open_array();
  std::size_t used = lengths_.size();
  while (used > 0 && lengths_[used - 1] == 0) --used;
  for (std::size_t i = 0; i < used; ++i) {
    const std::int64_t from = std::int64_t{1} << i;
    write_bin(json, from, from * 2, i + 1 == used, lengths_[i]);
  }
  json.close_array();
  json.close_object();
  return text;
}

}  // namespace loom::results
