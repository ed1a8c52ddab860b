#pragma once
#include <cstdint>
#include <string_view>

namespace loom::sequence {

/// What the letters of a query stand for. It decides which bytes of a sequence line BLAST+ keeps.
enum class Alphabet {
  protein,     ///< blastp, tblastn, psiblast, deltablast, rpsblast: A-Z and '*'
  nucleotide,  ///< blastn, blastx, tblastx, rpstblastn: ABCDGHKMNRSTUVWY
};

// How BLAST+ 2.12 reads one line (CFastaReader::ReadOneSeq, ParseDataLine, CheckDataLine; every rule checked
// against the programs). A line is given without its line feed, with or without a CR before that.

/// Whether a record starts here. ">?" is an assembly gap, ">?_" a defline again.
bool is_defline(std::string_view line);

/// The part of a line that BLAST+ takes residues from: trimmed of white space, empty when the line is a
/// comment ('!', '#' or ';' in front), and without an inner comment (from ';' on).
std::string_view data_part(std::string_view line);

/// Whether BLAST+ keeps `byte` of a data part as a letter. Case does not matter. Anything else it drops:
/// white space silently, '-' and all others with a warning.
bool is_letter(char byte, Alphabet alphabet);

/// How many letters BLAST+ keeps of a line.
struct LineLetters {
  std::uint64_t count = 0;
  bool has_lone_cr = false;  ///< a CR elsewhere than at the end
  bool has_gap = false;      ///< an assembly gap line (">?"): BLAST+ adds letters that are not in the text
};
LineLetters count_letters(std::string_view line, Alphabet alphabet);

/// Whether BLAST+ takes `line` for sequence data while its record has no letter yet. If not, it ends the
/// run: "Near line N, there's a line that doesn't look like plausible data". A comment or blank line passes.
bool is_plausible(std::string_view line);

}  // namespace loom::sequence
