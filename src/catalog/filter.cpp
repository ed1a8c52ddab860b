#include "catalog/filter.hpp"

#include <algorithm>
#include <system_error>

#include "base/atomic_file.hpp"
#include "base/lines.hpp"
#include "base/number.hpp"
#include "catalog/alias_file.hpp"

namespace loom::catalog {
namespace {

namespace fs = std::filesystem;

// Random letters: what counts is that the lengths differ enough for different length adjustments.
constexpr std::string_view kProteins =
    ">p1\n"
    "LCMRNWDKYRTERNFFNGNWFRYDGYRYYMRGRWCIFCWD\n"
    ">p2\n"
    "YIWQDYYEKDWNYRVESWFLPYPKIGQGNYITSLPIVNDTFQLCSFRNWYLLKVSYPNNHSNRIYPIMKAPKQVDSREIC\n"
    ">p3\n"
    "GMMSNQPMWHCFWHFKMGCNQCGGASYQHIACFWKVYLCTVRPWMMMMDSMRENEPQDLVRDAYCWDKVANEVMCHKVKS\n"
    "DDSPSSINCDLHSQTAETKCWATINHTKQKGWWTLGVEGMGETSKAAHSHEVKPKKNGDGSELESVVASKNDMESQFLNM\n"
    ">p4\n"
    "PMNQQCACYPCVVSKCWWCAADTCFEEAHEITGYLHWFCRKPYTFTCWCTTAPQVACQCSVDWRLTTWSDWRGEHRDTPW\n"
    "ANPLVTVTEHPTWSTGTHWEPCFDMPLNGFNEIDCKCHCPGDMSQGQFTMLFEKLNKALWPPAMLTVITNDGDNHHRQHC\n"
    "FHMCWTYSLNHRQFNHANHNVGNHDPALWFHVCRTGDQHRQEIITEIPTQHKAHRAATWETSGPDFSWMTIEGLECMKRC\n"
    "ANHFQRNMTIVGIRPQQHPAHKLWLGRIEKQALMNSHTEGTANHNCMYRMAIIGNYTCVMLSCIVCRTFTCTTYAYGNAR\n"
    ">p5\n"
    "CKDMPWRAWGSHAPNTWNTNSHNHGEGPSMNSIRVENVCLHIVYCASRSHDESITIPPPDWEINSAIPNTPHMEENYNCT\n"
    "HKCVTHDKGSSMAQASPMICFKMLDLALLMDEAIHKNMMYNKFHRHDRICGHFTLEKFAMWWENRFPVCISRWCQSFLII\n"
    "HHMGISWMDQQNETSWGPLPFCWEGNQLWNLGKHYEAFMFTEMHLRSHYKCTTENHGMMPFIACRFSYSANMTPPGDGCC\n"
    "TDPNWRACGYRICHTFDDNITYEMHGVAAWIPHLGSTGWGAFIRAESFNHGFKGSRLFKMEAITNESEIEGPGHIDVSVQ\n"
    "GSFRVCMREAVCFRRQMPLDNQLEQTPRIMKLPQDANHNKFDWEMKIFNRSEKWPELKSAFGMRMRPNRHENVLKHLVRH\n"
    "LHIAVNAGDSPMHFSCSQAICVGLLPKVNTEMQGFNRSWWLQFDNHVNEDFSPQGCFPVGWDIIHYHKHHEPGQGGCIYE\n"
    "LNMHGTTGDPRDASGPKRIGDREVYENKTQPVHADVVKERKLCREHRVEALFKQVINERSWSNFDMWCWNQMHFIIFRIY\n"
    "KFFAKEMMEAFQFDNMYKPQCARWCMNYVKTQCKIQTQNDMSEICRSLRVMNVQGVMVESQYERMTQMKDCGERWRLDMV\n";
constexpr std::string_view kNucleotides =
    ">p1\n"
    "TGTGCTTGTTCAATTCTTCTTAACGTGATAACAGAATCAAACCTGCCAGGCGGTCGTCGC\n"
    ">p2\n"
    "GGACCTCGGTCGAAGTAGTGGTGCGGATCCAGGGGAACCGTTGACTCAAAAGGAGCTGCCGTCCACCTAACGTGAAGTTC\n"
    "CAAAATCCCAAACCTCTCGAGATATTTATCCAGCAAGGAG\n"
    ">p3\n"
    "TGGCAACGCCCGCTGCTTTAATCGCTACCAAAACGCAAACAAAAGCATACCCAAAAGTACACGGGTGAGGGAGGTGATAT\n"
    "AGTACAGCTACGAAGTATCTGGCGCCTCAATAGGATTATAGCGGTCTCTCAGGCTGCTTGCCGTCCGGCCCGGCCGCGAC\n"
    "ACTCCGGTGCAAGCTTAATTCGTACGTACTTCCCATTGGATCTCGTTTATCGATTAAGCCCGATCTAGGTTCCTAGAGGT\n"
    "TAAATTGGACGTCTTCCCACTCCGTTGCTGCGTGTCTAGGCGGTTTAGCGTAAGCGAACA\n"
    ">p4\n"
    "GGACCCTGCCTCAGCTCATAAGTCCTTATTCTCTCACGTTGTGTTACGAAAGATTCACTCGAGGTCGTGTGAGGGTTGGG\n"
    "CTAGCGGCAATTATGAAACTATCACATCACATAAGCGGGCTAGATATAATTTAATCTTAATCCATAAAACACTAGCTCAG\n"
    "CAGTTGAAAAAATGGCTAGGTTCCAGCTTTTGGGGAGACGTCTTTCTGAGGGTCAGCCGTGATTCCGATTCGATTAGACT\n"
    "GGTCCCCACGGGTCCATGAGTACGAGGAAACTCGGTATCGAGCCTAAAAGTTATAAGGCATCTCGCCCAGGAAAGTAACG\n"
    "ACGTATGGGTAGTTCTCCATCACCAGCTATAATGGCTAGCGCACTCTCGTTCCAGGGCGTAGTTACACTGAGCGTGCCAT\n"
    "GTCAGCATGCTAGCGTATCGCCCCCCAATGCCCCGCAATAGGGTAATTCGCCGACGAGTAAGCGTAGATTACACACCCAG\n"
    "GAAACGATCTAGACAGATTGAAATCCCCTTCATTATAGGTCGTGTAGCGCTAGACAGTCACCTTTAAAGGAAGAATCAGA\n"
    "GGCAAGATCTACGTGGCAGTCTCGTGTTGACGCCTTAGCC\n"
    ">p5\n"
    "GGTGGCGAACAGTATTGACCTGGCCGATGCTAATATTCTGATTTGGGGTTGATTTGCGCTTCAGGCGCTAAAGTGGTTTT\n"
    "GAGTAACATGTCCTTTTGACGGGAGCAGGTCGCCTCAAGATAAGAGTAAACCTGCCTACCAAAACTTTAAGCCGGCAGAA\n"
    "GCTTAACTATACCCACCGATGTGTACTCTGTTACACCGTCAGTGAGTGTAATGCTCTGGCTAGAGCCCACGCTTCCGGCT\n"
    "TCGTCCTCGTGCTCCAAGTACGATACCGCAAGGCAGACGCTGGTTCGCAGGTATCTGACGAGCATACTCGCTAGCCTGTG\n"
    "AAGAACAAGCGATTCGAGTTGTACTCTCAGCCCGCACGGTACGCCTTCCATCGGCCCGATCCTTCAGAGTCAAGGCAGTA\n"
    "CGTTGGCAAATTAGGATTTCGAGAGGCACAATCGGCCAGGTCGGCGCGGCAAATACTTTCGACCCCTTAATTCCGAATCG\n"
    "AATGATACCTGATGCTAGTTCTAAGGTGTCGGACCTACGTGCTTGACCCACGACGTCTCAATATCAATTCCTACGATCAG\n"
    "AACTGACTACAGCGGAGACGGTAGAGGAACGGCTATAATAAGCCGTCGGTAAGCTTAAACTTCTTCAGGCGCACCGTGTT\n"
    "GGAGTGCACTACCGTGAGGCAACTAGGCCAGGGCGTGAGGTGCCGCCCATTTTGCACGGGGACACGGTGTATGCGGACGC\n"
    "ACATTCGACCACAAAGCACGAGACGGATTGCATAAGTTGTAAGGATGCAACCCAGGTGCGCGTAGTGGGCGATAGCCTAA\n"
    "CAACCGGCCCAGCTTCGTTCGAAAATGACTTTCAGAGTCCGCGTGGTCCTGCGGAGATCCGTCACGATCTCGAACACGCG\n"
    "ACTTATGTGACCAACCTAAAGAAATCTACCCAGTAGCCAGCAGGAACATGGAGATGGTGTTGTTCTTTCACGTCCAAAAT\n"
    "GTGTATTGTCTGATGGACGGTGTCCAGCCGCCCTCAGTGTATCGTAGGGTAGTGTATTCCACGTCGGTGACAGACGGGGC\n"
    "GTATACCTGGATTGAGTTGGCTCCGACGAATTTTTAATTTTTCATTTCACCTAGGTTAACAAATACTACGTATCTACGGC\n"
    "ACGGAGTGGTTAGGCTTGGCCACGTTCGGCTAGAATGAGCTGCCTTTCCACTAACATCACTCGCCCCATACAATCGTTCA\n"
    "CACTGCGCGGGCCCTAGTCGCACTCCTGTAAGACAGTGATACTGGACCTGCGAAAGCCGACGGTTCGGCAGATAACTTAA\n"
    "AATCTGAGCGCAGATGCGAACACTGAGTCCAGGCGTCCCCAAAATCCACCGATTAGAACCCACAGAACCGGATCAGTTAA\n"
    "CCCCGCCCCGAATATGAACAGTAGCTTCGGATCTTGAAGCCCTCTATTGTTACGTGAGTAATTTGTCGCAGTTAGGAGCT\n"
    "TCACATCTGGCGCCGTGTGCCTAACACTGGATCGTAGTGGGGTATTGAAATTGCTAGTCA\n";

std::string_view key(IdList kind) {
  switch (kind) {
    case IdList::seqids:
      return "SEQIDLIST";
    case IdList::gis:
      return "GILIST";
    case IdList::taxids:
      return "TAXIDLIST";
  }
  return {};
}

std::string_view type_name(Molecule molecule) {
  return molecule == Molecule::protein ? "prot" : "nucl";
}

/// The numbers in <tag>…</tag>, in order.
Result<std::vector<std::int64_t>> numbers_in(std::string_view xml, std::string_view tag) {
  std::vector<std::int64_t> numbers;
  const std::string open = fmt::format("<{}>", tag);
  for (auto at = xml.find(open); at != std::string_view::npos; at = xml.find(open, at + 1)) {
    const auto start = at + open.size();
    const auto text = xml.substr(start, std::min(xml.find('<', start), xml.size()) - start);
    const auto number = number_of<std::int64_t>(text);
    if (!number) return error(Code::corrupt, "the probe's {} is no whole number: '{}'", tag, text);
    numbers.push_back(*number);
  }
  return numbers;
}

/// One equation: letters - adjustment * sequences = space.
struct Equation {
  std::int64_t adjustment;
  std::int64_t space;
};

Result<std::vector<Equation>> equations(std::string_view xml) {
  LOOM_TRY(const auto lengths, numbers_in(xml, "Iteration_query-len"));
  LOOM_TRY(const auto adjustments, numbers_in(xml, "Statistics_hsp-len"));
  LOOM_TRY(const auto spaces, numbers_in(xml, "Statistics_eff-space"));
  if (lengths.size() < 2 || lengths.size() != adjustments.size() || lengths.size() != spaces.size()) {
    return error(Code::corrupt, "the probe's output does not hold the statistics of each query");
  }
  std::vector<Equation> found;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const std::int64_t letters = lengths[i] - adjustments[i];
    if (letters <= 0 || spaces[i] % letters != 0) {
      return error(Code::corrupt, "the search space {} of the probe's query {} is not what its length makes",
                   spaces[i], i + 1);
    }
    found.push_back({.adjustment = adjustments[i], .space = spaces[i] / letters});
  }
  return found;
}

}  // namespace

Result<fs::path> write_filter_alias(const fs::path& folder, std::string_view name, const Database& database,
                                    IdList kind, const fs::path& list) {
  if (!database.unshardable.empty()) {
    return error(Code::invalid_argument, "{}: {}", database.names, database.unshardable);
  }
  // The key takes no path with a blank, so a link of a plain name stands for it.
  const std::string link = fmt::format("{}.list", name);
  std::error_code failed;
  fs::create_symlink(fs::absolute(list), folder / link, failed);
  if (failed) return system_error(failed.value(), (folder / link).string());
  std::string text = fmt::format("TITLE {}\nDBLIST", name);
  for (const auto& volume : database.volumes) text += ' ' + quoted_name(volume.base.string());
  text += fmt::format("\n{} {}\n", key(kind), link);
  fs::path base = fs::absolute(folder / name);
  LOOM_TRY(auto file, AtomicFile::create(base.string() + extension(database.molecule, "al")));
  LOOM_CHECKED(file.write(text));
  LOOM_CHECKED(file.commit());
  return base;
}

std::vector<std::string> listing_args(std::string_view names, Molecule molecule) {
  return {"-db", std::string(names), "-dbtype", std::string(type_name(molecule)), "-entry",
          "all", "-outfmt",          "%o"};
}

Result<std::vector<std::uint32_t>> parse_listing(std::string_view output, const Database& database) {
  std::vector<std::uint32_t> oids;
  while (!output.empty()) {
    const auto line = take_line(output);
    const auto oid = number_of<std::uint32_t>(line);
    if (!oid || *oid >= database.sequences) {
      return error(Code::corrupt, "blastdbcmd listed '{}' where an OID below {} was expected", line,
                   database.sequences);
    }
    oids.push_back(*oid);
  }
  std::ranges::sort(oids);
  const auto repeats = std::ranges::unique(oids);
  oids.erase(repeats.begin(), repeats.end());
  return oids;
}

std::vector<std::uint32_t> others(const Database& database, const std::vector<std::uint32_t>& oids) {
  std::vector<std::uint32_t> rest;
  auto next = oids.begin();
  for (std::uint32_t oid = 0; oid < database.sequences; ++oid) {
    if (next != oids.end() && *next == oid) {
      ++next;
    } else {
      rest.push_back(oid);
    }
  }
  return rest;
}

std::string_view probe_queries(Molecule molecule) {
  return molecule == Molecule::protein ? kProteins : kNucleotides;
}

std::vector<std::string> probe_args(std::string_view names, Molecule molecule, const fs::path& queries) {
  std::vector<std::string> args{"-db", std::string(names), "-query", queries.string(),   "-outfmt",
                                "5",   "-evalue",          "1e-30",  "-max_target_seqs", "1"};
  if (molecule == Molecule::nucleotide) args.insert(args.end(), {"-task", "megablast"});
  return args;
}

Result<Counts> parse_probe(std::string_view xml) {
  LOOM_TRY(const auto found, equations(xml));
  const auto [low, high] = std::ranges::minmax_element(found, {}, &Equation::adjustment);
  const std::int64_t step = high->adjustment - low->adjustment;
  const std::int64_t difference = low->space - high->space;
  if (step == 0 || difference % step != 0) {
    return error(Code::corrupt,
                 "the probe's queries have one length adjustment, {}: too few letters pass the filter",
                 low->adjustment);
  }
  const std::int64_t sequences = difference / step;
  const std::int64_t letters = low->space + low->adjustment * sequences;
  for (const auto& one : found) {
    if (letters - one.adjustment * sequences != one.space) {
      return error(Code::corrupt, "the probe's queries disagree on the size of the filtered database");
    }
  }
  if (sequences <= 0 || letters <= 0) return error(Code::corrupt, "nothing passes the filter");
  return Counts{.sequences = static_cast<std::uint64_t>(sequences),
                .letters = static_cast<std::uint64_t>(letters)};
}

}  // namespace loom::catalog
