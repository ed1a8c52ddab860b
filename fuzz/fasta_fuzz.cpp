// Any bytes, read in pieces of any size: the records put together are the input, none reaches into another,
// and a record read alone is the record it was. The first byte chooses alphabet and piece size.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "sequence/fasta_reader.hpp"
#include "sequence/fingerprint.hpp"
#include "sequence/memory_source.hpp"

namespace seq = loom::sequence;

namespace {

void check_alone(const std::string& raw, std::uint64_t letters, const std::string& id,
                 seq::Alphabet alphabet) {
  seq::MemorySource source(raw);
  seq::FastaReader reader(source, alphabet);
  const auto record = reader.next();
  if (!record) return;  // only a first record is refused, and now this one is the first
  LOOM_CHECK(record->has_value(), "a record alone is a record");
  LOOM_CHECK((*record)->raw == raw && (*record)->letters == letters && (*record)->id == id,
             "and the same one");
  const auto end = reader.next();
  LOOM_CHECK(end && !end->has_value(), "and the only one");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(data + 1, data + size);
  const auto alphabet = (data[0] & 1U) != 0 ? seq::Alphabet::nucleotide : seq::Alphabet::protein;
  seq::MemorySource source(text, 1 + data[0] / 2U);
  seq::FastaReader reader(source, alphabet);
  std::string all;
  std::uint64_t line = 1;
  for (std::uint64_t ordinal = 0;; ++ordinal) {
    const auto record = reader.next();
    if (!record) return 0;
    if (!*record) break;
    const seq::Record& found = **record;
    LOOM_CHECK(found.ordinal == ordinal && found.offset == all.size() && found.first_line == line,
               "in its place");
    const std::string raw(found.raw);
    for (const char byte : raw) line += byte == '\n' ? 1 : 0;
    all += raw;
    check_alone(raw, found.letters, std::string(found.id), alphabet);
    const auto once = seq::fingerprint(raw, alphabet, seq::LetterCase::kept);
    LOOM_CHECK(once == seq::fingerprint("; c\n" + raw + "\n", alphabet, seq::LetterCase::kept),
               "letters only");
  }
  LOOM_CHECK(all.empty() || all == text, "no byte is lost");
  return 0;
}
