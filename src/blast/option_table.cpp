#include <array>

#include "blast/option_spec.hpp"

// The options of BLAST+ 2.12.0. option_table_test.cpp compares every row with the installed programs' -help.
namespace loom::blast {
namespace {
using enum Program;
using Name = std::string_view;

constexpr Programs kRps = rpsblast | rpstblastn;
constexpr Programs kPsi = psiblast | deltablast;
constexpr Programs kAll = Programs(blastn) | blastp | blastx | tblastn | tblastx | kPsi | kRps;
constexpr Programs kNotRps = kAll - kRps;  // the programs that search sequences
constexpr Programs kProteinScored = kAll - blastn;
constexpr Programs kWordThreshold = kNotRps - blastn;
constexpr Programs kGapped = kAll - tblastx;
constexpr Programs kCoreFive = kNotRps - kPsi;
constexpr Programs kTranslatedQuery = Programs(blastx) | tblastx | rpstblastn;
constexpr Programs kHitFilters = kAll - rpstblastn;

constexpr Range at_least(double min) {
  return {.min = min, .max = {}};
}
constexpr Range between(double min, double max) {
  return {.min = min, .max = max};
}
constexpr Range inside(double min, double max) {
  return {.min = min, .max = max, .exclusive = true};
}

constexpr Name kStrands[] = {"both", "minus", "plus"};
constexpr Name kBlastnTasks[] = {"blastn", "blastn-short", "dc-megablast", "megablast", "rmblastn"};
constexpr Name kBlastpTasks[] = {"blastp", "blastp-fast", "blastp-short"};
constexpr Name kBlastxTasks[] = {"blastx", "blastx-fast"};
constexpr Name kTblastnTasks[] = {"tblastn", "tblastn-fast"};
constexpr Name kTemplateTypes[] = {"coding", "coding_and_optimal", "optimal"};
constexpr Name kTemplateLengths[] = {"16", "18", "21"};
constexpr Name kGeneticCodes[] = {"1",  "2",  "3",  "4",  "5",  "6",  "9",  "10", "11",
                                  "12", "13", "14", "15", "16", "21", "22", "23", "24",
                                  "25", "26", "27", "28", "29", "30", "31", "33"};

constexpr Name kOtherInputs[] = {"in_msa", "msa_master_idx", "ignore_msa_master", "in_pssm"};
constexpr Name kNotWithMsa[] = {"in_pssm", "query", "query_loc", "phi_pattern"};
constexpr Name kNotWithMaster[] = {"in_pssm",           "query",         "query_loc", "phi_pattern",
                                   "ignore_msa_master", "msa_master_idx"};
constexpr Name kNotWithPssm[] = {"in_msa", "msa_master_idx", "ignore_msa_master",
                                 "query",  "query_loc",      "phi_pattern"};
constexpr Name kNotWithTblastnPssm[] = {"query", "query_loc", "remote"};
constexpr Name kSubject[] = {"subject", "subject_loc"};
constexpr Name kNotWithMask[] = {"db_soft_mask", "db_hard_mask", "subject", "subject_loc"};
constexpr Name kNotWithList[] = {"gilist", "seqidlist", "negative_gilist", "negative_seqidlist",
                                 "taxids", "taxidlist", "negative_taxids", "negative_taxidlist",
                                 "remote", "subject",   "subject_loc"};
constexpr Name kNotWithSubject[] = {"db",
                                    "gilist",
                                    "seqidlist",
                                    "negative_gilist",
                                    "negative_seqidlist",
                                    "taxids",
                                    "taxidlist",
                                    "negative_taxids",
                                    "negative_taxidlist",
                                    "ipglist",
                                    "negative_ipglist",
                                    "db_soft_mask",
                                    "db_hard_mask",
                                    "show_domain_hits"};
constexpr Name kNotWithSubjectLoc[] = {"db",
                                       "gilist",
                                       "seqidlist",
                                       "negative_gilist",
                                       "negative_seqidlist",
                                       "taxids",
                                       "taxidlist",
                                       "negative_taxids",
                                       "negative_taxidlist",
                                       "ipglist",
                                       "negative_ipglist",
                                       "db_soft_mask",
                                       "db_hard_mask",
                                       "remote"};
constexpr Name kNotWithRemotePsi[] = {"gilist",          "seqidlist",          "taxids",
                                      "taxidlist",       "negative_gilist",    "negative_seqidlist",
                                      "negative_taxids", "negative_taxidlist", "subject_loc",
                                      "num_threads",     "num_iterations"};
constexpr Name kNotWithRemote[] = {"gilist",          "seqidlist",          "taxids",
                                   "taxidlist",       "negative_gilist",    "negative_seqidlist",
                                   "negative_taxids", "negative_taxidlist", "subject_loc",
                                   "num_threads",     "num_iterations",     "show_domain_hits",
                                   "in_pssm"};
constexpr Name kDomainHitsExclude[] = {"remote", "subject"};
constexpr Name kRemote[] = {"remote"};
constexpr Name kMaxTargets[] = {"max_target_seqs"};
constexpr Name kNotWithMaxTargets[] = {"num_descriptions", "num_alignments"};
constexpr Name kCulling[] = {"culling_limit"};
constexpr Name kBestHit[] = {"best_hit_overhang", "best_hit_score_edge"};
constexpr Name kImport[] = {"import_search_strategy"};
constexpr Name kExport[] = {"export_search_strategy"};
constexpr Name kTemplateLength[] = {"template_length"};
constexpr Name kTemplateType[] = {"template_type"};
constexpr Name kThreads[] = {"num_threads"};
constexpr Name kMsa[] = {"in_msa"};

constexpr std::string_view kWhyGroups =
    "its database statistics are those of the filtered set, which no shard knows";
constexpr std::string_view kWhyAcross = "it compares hits across subjects";
constexpr std::string_view kWhySubject =
    "there is no database to cut, and the report names a file that no archive holds";
constexpr std::string_view kWhyIndex = "the index covers the whole database";
constexpr std::string_view kWhyStrategy =
    "the file carries one whole search: its query, database and options";
constexpr std::string_view kWhyRemote = "the search runs at NCBI";
constexpr std::string_view kWhyRounds = "each round builds its matrix from the hits in the whole database";
constexpr std::string_view kWhyPssmOut = "one run writes the file, from the hits in the whole database";
constexpr std::string_view kWhyPssmIn =
    "the file is the query, and searches from a matrix in parts are not proven equal";
constexpr std::string_view kWhyPhi = "pattern searches in parts are not proven equal";
constexpr std::string_view kWhyLog = "every engine process would write the same file";
constexpr std::string_view kWhyDryRun = "nothing is searched";

#define LOOM_FORMATS_TO_16                                                                              \
  "alignment view options: 0 = Pairwise, 1 = Query-anchored showing identities, 2 = Query-anchored no " \
  "identities, 3 = Flat query-anchored showing identities, 4 = Flat query-anchored no identities, "     \
  "5 = BLAST XML, 6 = Tabular, 7 = Tabular with comment lines, 8 = Seqalign (Text ASN.1), "             \
  "9 = Seqalign (Binary ASN.1), 10 = Comma-separated values, 11 = BLAST archive (ASN.1), "              \
  "12 = Seqalign (JSON), 13 = Multiple-file BLAST JSON, 14 = Multiple-file BLAST XML2, "                \
  "15 = Single-file BLAST JSON, 16 = Single-file BLAST XML2, "

// clang-format off: one option a paragraph, what BLAST+ says before what Blastloom adds.
constexpr OptionSpec kTable[] = {
  {.name = "h", .programs = kAll, .group = Group::program,
   .description = "Print USAGE and DESCRIPTION; ignore all other parameters"},
  {.name = "help", .programs = kAll, .group = Group::program,
   .description = "Print USAGE, DESCRIPTION and ARGUMENTS; ignore all other parameters"},
  {.name = "version", .programs = kAll, .group = Group::program,
   .description = "Print version number; ignore other arguments"},
  {.name = "logfile", .programs = kAll, .type = Type::output_file, .group = Group::program,
   .description = "File to which the program log should be redirected",
   .forbids = Forbids::both, .why = kWhyLog, .hidden = true},
  {.name = "conffile", .programs = kAll, .type = Type::input_file, .group = Group::program,
   .description = "Program's configuration (registry) data file", .hidden = true},
  {.name = "dryrun", .programs = kAll, .group = Group::program,
   .description = "Dry run the application: do nothing, only test all preconditions",
   .forbids = Forbids::both, .why = kWhyDryRun, .hidden = true},

  {.name = "query", .programs = kAll, .type = Type::input_file, .group = Group::input,
   .description = "Input file name", .default_value = "-", .excludes = kOtherInputs},
  {.name = "query_gencode", .programs = kTranslatedQuery, .type = Type::integer, .group = Group::input,
   .description = "Genetic code to use to translate query (see "
                  "https://www.ncbi.nlm.nih.gov/Taxonomy/taxonomyhome.html/index.cgi?chapter=cgencodes for details)",
   .default_value = "1", .choices = kGeneticCodes},
  {.name = "query_loc", .programs = kAll, .type = Type::text, .group = Group::input,
   .description = "Location on the query sequence in 1-based offsets (Format: start-stop)",
   .excludes = kOtherInputs},
  {.name = "strand", .programs = kTranslatedQuery | blastn, .type = Type::text, .group = Group::input,
   .description = "Query strand(s) to search against database/subject", .default_value = "both",
   .choices = kStrands},

  {.name = "task", .programs = blastn, .type = Type::text, .group = Group::general,
   .description = "Task to execute", .default_value = "megablast", .choices = kBlastnTasks},
  {.name = "task", .programs = blastp, .type = Type::text, .group = Group::general,
   .description = "Task to execute", .default_value = "blastp", .choices = kBlastpTasks},
  {.name = "task", .programs = blastx, .type = Type::text, .group = Group::general,
   .description = "Task to execute", .default_value = "blastx", .choices = kBlastxTasks},
  {.name = "task", .programs = tblastn, .type = Type::text, .group = Group::general,
   .description = "Task to execute", .default_value = "tblastn", .choices = kTblastnTasks},
  {.name = "db", .programs = kAll, .type = Type::text, .group = Group::general,
   .description = "BLAST database name", .excludes = kSubject, .refers = Refers::database},
  {.name = "out", .programs = kAll, .type = Type::output_file, .group = Group::general,
   .description = "Output file name", .default_value = "-"},
  {.name = "evalue", .programs = kAll, .type = Type::real, .group = Group::general,
   .description = "Expectation value (E) threshold for saving hits", .default_value = "10"},
  {.name = "word_size", .programs = blastn, .type = Type::integer, .group = Group::general,
   .description = "Word size for wordfinder algorithm (length of best perfect match)", .range = at_least(4)},
  {.name = "word_size", .programs = kWordThreshold, .type = Type::integer, .group = Group::general,
   .description = "Word size for wordfinder algorithm", .range = at_least(2)},
  {.name = "gapopen", .programs = kNotRps - tblastx, .type = Type::integer, .group = Group::general,
   .description = "Cost to open a gap"},
  {.name = "gapextend", .programs = kNotRps - tblastx, .type = Type::integer, .group = Group::general,
   .description = "Cost to extend a gap"},
  {.name = "penalty", .programs = blastn, .type = Type::integer, .group = Group::general,
   .description = "Penalty for a nucleotide mismatch", .range = {.min = {}, .max = 0}},
  {.name = "reward", .programs = blastn, .type = Type::integer, .group = Group::general,
   .description = "Reward for a nucleotide match", .range = at_least(0)},
  {.name = "use_index", .programs = blastn, .type = Type::boolean, .group = Group::general,
   .description = "Use MegaBLAST database index", .default_value = "false",
   .forbids = Forbids::shards, .why = kWhyIndex, .harmless = 0},
  {.name = "index_name", .programs = blastn, .type = Type::text, .group = Group::general,
   .description = "MegaBLAST database index name (deprecated; use only for old style indices)",
   .refers = Refers::file, .forbids = Forbids::shards, .why = kWhyIndex},
  {.name = "max_intron_length", .programs = Programs(blastx) | tblastn | tblastx, .type = Type::integer,
   .group = Group::general,
   .description = "Length of the largest intron allowed in a translated nucleotide sequence when linking multiple "
                  "distinct alignments",
   .default_value = "0", .range = at_least(0)},
  {.name = "matrix", .programs = kWordThreshold, .type = Type::text, .group = Group::general,
   .description = "Scoring matrix name (normally BLOSUM62)"},
  {.name = "threshold", .programs = kWordThreshold, .type = Type::real, .group = Group::general,
   .description = "Minimum word score such that the word is added to the BLAST lookup table",
   .range = at_least(0)},
  {.name = "comp_based_stats", .programs = Programs(blastp) | blastx | tblastn | psiblast, .type = Type::text,
   .group = Group::general,
   .description = "Use composition-based statistics: D or d: default (equivalent to 2 ) 0 or F or f: No "
                  "composition-based statistics 1: Composition-based statistics as in NAR 29:2994-3005, 2001 2 or T "
                  "or t : Composition-based score adjustment as in Bioinformatics 21:902-911, 2005, conditioned on "
                  "sequence properties 3: Composition-based score adjustment as in Bioinformatics 21:902-911, 2005, "
                  "unconditionally",
   .default_value = "2"},
  {.name = "comp_based_stats", .programs = deltablast | rpstblastn, .type = Type::text, .group = Group::general,
   .description = "Use composition-based statistics: D or d: default (equivalent to 1 ) 0 or F or f: No "
                  "composition-based statistics 1 or T or t: Composition-based statistics as in NAR 29:2994-3005, "
                  "2001",
   .default_value = "1"},
  {.name = "comp_based_stats", .programs = rpsblast, .type = Type::text, .group = Group::general,
   .description = "Use composition-based statistics: D or d: default (equivalent to 1 ) 0 or F or f: Simplified "
                  "Composition-based statistics as in Bioinformatics 15:1000-1011, 1999 1 or T or t: "
                  "Composition-based statistics as in NAR 29:2994-3005, 2001",
   .default_value = "1"},
  {.name = "db_gencode", .programs = tblastn | tblastx, .type = Type::integer, .group = Group::general,
   .description = "Genetic code to use to translate database/subjects (see user manual for details)",
   .default_value = "1", .choices = kGeneticCodes},

  {.name = "subject", .programs = kNotRps, .type = Type::input_file, .group = Group::subject,
   .description = "Subject sequence(s) to search", .excludes = kNotWithSubject,
   .forbids = Forbids::both, .why = kWhySubject},
  {.name = "subject_loc", .programs = kNotRps, .type = Type::text, .group = Group::subject,
   .description = "Location on the subject sequence in 1-based offsets (Format: start-stop)",
   .excludes = kNotWithSubjectLoc, .forbids = Forbids::both, .why = kWhySubject},

  {.name = "outfmt", .programs = blastn, .type = Type::text, .group = Group::format,
   .description = LOOM_FORMATS_TO_16 "17 = Sequence Alignment/Map (SAM), 18 = Organism Report",
   .default_value = "0"},
  {.name = "outfmt", .programs = kProteinScored, .type = Type::text, .group = Group::format,
   .description = LOOM_FORMATS_TO_16 "18 = Organism Report", .default_value = "0"},
  {.name = "show_gis", .programs = kAll, .group = Group::format, .description = "Show NCBI GIs in deflines?"},
  {.name = "num_descriptions", .programs = kAll, .type = Type::integer, .group = Group::format,
   .description = "Number of database sequences to show one-line descriptions for Not applicable for outfmt > 4",
   .default_value = "500", .range = at_least(0), .excludes = kMaxTargets},
  {.name = "num_alignments", .programs = kAll, .type = Type::integer, .group = Group::format,
   .description = "Number of database sequences to show alignments for", .default_value = "250",
   .range = at_least(0), .excludes = kMaxTargets},
  {.name = "line_length", .programs = kAll, .type = Type::integer, .group = Group::format,
   .description = "Line length for formatting alignments Not applicable for outfmt > 4", .default_value = "60",
   .range = at_least(1)},
  {.name = "html", .programs = kAll, .group = Group::format, .description = "Produce HTML output?"},
  {.name = "sorthits", .programs = kAll, .type = Type::integer, .group = Group::format,
   .description = "Sorting option for hits: alignment view options: 0 = Sort by evalue, 1 = Sort by bit score, 2 = "
                  "Sort by total score, 3 = Sort by percent identity, 4 = Sort by query coverage Not applicable for "
                  "outfmt > 4",
   .range = between(0, 4)},
  {.name = "sorthsps", .programs = kAll, .type = Type::integer, .group = Group::format,
   .description = "Sorting option for hps: 0 = Sort by hsp evalue, 1 = Sort by hsp score, 2 = Sort by hsp query "
                  "start, 3 = Sort by hsp percent identity, 4 = Sort by hsp subject start Not applicable for outfmt "
                  "!= 0",
   .range = between(0, 4)},

  {.name = "dust", .programs = blastn, .type = Type::text, .group = Group::filter,
   .description = "Filter query sequence with DUST (Format: 'yes', 'level window linker', or 'no' to disable)",
   .default_value = "20 64 1"},
  {.name = "filtering_db", .programs = blastn, .type = Type::text, .group = Group::filter,
   .description = "BLAST database containing filtering elements (i.e.: repeats)", .refers = Refers::database},
  {.name = "window_masker_taxid", .programs = blastn, .type = Type::integer, .group = Group::filter,
   .description = "Enable WindowMasker filtering using a Taxonomic ID"},
  {.name = "window_masker_db", .programs = blastn, .type = Type::text, .group = Group::filter,
   .description = "Enable WindowMasker filtering using this repeats database.", .refers = Refers::file},
  {.name = "seg", .programs = Programs(blastp) | kPsi | kRps, .type = Type::text, .group = Group::filter,
   .description = "Filter query sequence with SEG (Format: 'yes', 'window locut hicut', or 'no' to disable)",
   .default_value = "no"},
  {.name = "seg", .programs = Programs(blastx) | tblastn | tblastx, .type = Type::text, .group = Group::filter,
   .description = "Filter query sequence with SEG (Format: 'yes', 'window locut hicut', or 'no' to disable)",
   .default_value = "12 2.2 2.5"},
  {.name = "soft_masking", .programs = blastn, .type = Type::boolean, .group = Group::filter,
   .description = "Apply filtering locations as soft masks", .default_value = "true"},
  {.name = "soft_masking", .programs = kProteinScored, .type = Type::boolean, .group = Group::filter,
   .description = "Apply filtering locations as soft masks", .default_value = "false"},
  {.name = "lcase_masking", .programs = kAll, .group = Group::filter,
   .description = "Use lower case filtering in query and subject sequence(s)?"},

  {.name = "gilist", .programs = kNotRps, .type = Type::text, .group = Group::restriction,
   .description = "Restrict search of database to list of GIs", .excludes = kNotWithList,
   .refers = Refers::file},
  {.name = "seqidlist", .programs = kNotRps, .type = Type::text, .group = Group::restriction,
   .description = "Restrict search of database to list of SeqIDs", .excludes = kNotWithList,
   .refers = Refers::file},
  {.name = "negative_gilist", .programs = kNotRps, .type = Type::text, .group = Group::restriction,
   .description = "Restrict search of database to everything except the specified GIs", .excludes = kNotWithList,
   .refers = Refers::file},
  {.name = "negative_seqidlist", .programs = kNotRps, .type = Type::text, .group = Group::restriction,
   .description = "Restrict search of database to everything except the specified SeqIDs", .excludes = kNotWithList,
   .refers = Refers::file},
  {.name = "taxids", .programs = kNotRps, .type = Type::text, .group = Group::restriction,
   .description = "Restrict search of database to include only the specified taxonomy IDs (multiple IDs delimited by "
                  "',')",
   .excludes = kNotWithList},
  {.name = "negative_taxids", .programs = kNotRps, .type = Type::text, .group = Group::restriction,
   .description = "Restrict search of database to everything except the specified taxonomy IDs (multiple IDs "
                  "delimited by ',')",
   .excludes = kNotWithList},
  {.name = "taxidlist", .programs = kNotRps, .type = Type::text, .group = Group::restriction,
   .description = "Restrict search of database to include only the specified taxonomy IDs", .excludes = kNotWithList,
   .refers = Refers::file},
  {.name = "negative_taxidlist", .programs = kNotRps, .type = Type::text, .group = Group::restriction,
   .description = "Restrict search of database to everything except the specified taxonomy IDs",
   .excludes = kNotWithList, .refers = Refers::file},
  {.name = "ipglist", .programs = Programs(blastp) | blastx | psiblast, .type = Type::text,
   .group = Group::restriction, .description = "Restrict search of database to list of IPGs", .excludes = kSubject,
   .refers = Refers::file, .forbids = Forbids::shards, .why = kWhyGroups},
  {.name = "negative_ipglist", .programs = Programs(blastp) | blastx | psiblast, .type = Type::text,
   .group = Group::restriction,
   .description = "Restrict search of database to everything except the specified IPGs", .excludes = kSubject,
   .refers = Refers::file, .forbids = Forbids::shards, .why = kWhyGroups},
  {.name = "entrez_query", .programs = kAll, .type = Type::text, .group = Group::restriction,
   .description = "Restrict search with the given Entrez query", .needs = kRemote,
   .forbids = Forbids::both, .why = kWhyRemote},
  {.name = "db_soft_mask", .programs = kCoreFive, .type = Type::text, .group = Group::restriction,
   .description = "Filtering algorithm ID to apply to the BLAST database as soft masking", .excludes = kNotWithMask},
  {.name = "db_hard_mask", .programs = kCoreFive, .type = Type::text, .group = Group::restriction,
   .description = "Filtering algorithm ID to apply to the BLAST database as hard masking", .excludes = kNotWithMask},
  {.name = "perc_identity", .programs = blastn, .type = Type::real, .group = Group::restriction,
   .description = "Percent identity", .range = between(0, 100)},
  {.name = "qcov_hsp_perc", .programs = kAll, .type = Type::real, .group = Group::restriction,
   .description = "Percent query coverage per hsp", .range = between(0, 100)},
  {.name = "max_hsps", .programs = kAll, .type = Type::integer, .group = Group::restriction,
   .description = "Set maximum number of HSPs per subject sequence to save for each query", .range = at_least(1)},
  {.name = "culling_limit", .programs = kHitFilters, .type = Type::integer, .group = Group::restriction,
   .description = "If the query range of a hit is enveloped by that of at least this many higher-scoring hits, "
                  "delete the hit",
   .range = at_least(0), .excludes = kBestHit,
   .forbids = Forbids::shards, .why = kWhyAcross, .harmless = 0, .one_thread = true},
  {.name = "best_hit_overhang", .programs = kHitFilters, .type = Type::real, .group = Group::restriction,
   .description = "Best Hit algorithm overhang value (recommended value: 0.1)", .range = inside(0, 0.5),
   .excludes = kCulling, .forbids = Forbids::shards, .why = kWhyAcross},
  {.name = "best_hit_score_edge", .programs = kHitFilters, .type = Type::real, .group = Group::restriction,
   .description = "Best Hit algorithm score edge value (recommended value: 0.1)", .range = inside(0, 0.5),
   .excludes = kCulling, .forbids = Forbids::shards, .why = kWhyAcross},
  {.name = "subject_besthit", .programs = kHitFilters, .group = Group::restriction,
   .description = "Turn on best hit per subject sequence"},
  {.name = "max_target_seqs", .programs = kAll, .type = Type::integer, .group = Group::restriction,
   .description = "Maximum number of aligned sequences to keep (value of 5 or more is recommended)",
   .default_value = "500", .range = at_least(1), .excludes = kNotWithMaxTargets},

  {.name = "template_type", .programs = blastn, .type = Type::text, .group = Group::discontiguous,
   .description = "Discontiguous MegaBLAST template type", .choices = kTemplateTypes, .needs = kTemplateLength},
  {.name = "template_length", .programs = blastn, .type = Type::integer, .group = Group::discontiguous,
   .description = "Discontiguous MegaBLAST template length", .choices = kTemplateLengths, .needs = kTemplateType},

  {.name = "dbsize", .programs = kAll, .type = Type::integer64, .group = Group::statistics,
   .description = "Effective length of the database"},
  {.name = "searchsp", .programs = kAll, .type = Type::integer64, .group = Group::statistics,
   .description = "Effective length of the search space", .range = at_least(0)},
  {.name = "sum_stats", .programs = kAll - blastp, .type = Type::boolean, .group = Group::statistics,
   .description = "Use sum statistics"},

  {.name = "import_search_strategy", .programs = kAll, .type = Type::input_file, .group = Group::strategy,
   .description = "Search strategy to use", .excludes = kExport,
   .forbids = Forbids::both, .why = kWhyStrategy},
  {.name = "export_search_strategy", .programs = kAll, .type = Type::output_file, .group = Group::strategy,
   .description = "File name to record the search strategy used", .excludes = kImport,
   .forbids = Forbids::both, .why = kWhyStrategy},

  {.name = "xdrop_ungap", .programs = kAll, .type = Type::real, .group = Group::extension,
   .description = "X-dropoff value (in bits) for ungapped extensions"},
  {.name = "xdrop_gap", .programs = kGapped, .type = Type::real, .group = Group::extension,
   .description = "X-dropoff value (in bits) for preliminary gapped extensions"},
  {.name = "xdrop_gap_final", .programs = kGapped, .type = Type::real, .group = Group::extension,
   .description = "X-dropoff value (in bits) for final gapped alignment"},
  {.name = "no_greedy", .programs = blastn, .group = Group::extension,
   .description = "Use non-greedy dynamic programming extension"},
  {.name = "min_raw_gapped_score", .programs = blastn, .type = Type::integer, .group = Group::extension,
   .description = "Minimum raw gapped score to keep an alignment in the preliminary gapped and traceback stages"},
  {.name = "ungapped", .programs = Programs(blastn) | blastp | blastx | tblastn | rpstblastn,
   .group = Group::extension, .description = "Perform ungapped alignment only?"},
  {.name = "window_size", .programs = kAll, .type = Type::integer, .group = Group::extension,
   .description = "Multiple hits window size, use 0 to specify 1-hit algorithm", .range = at_least(0)},
  {.name = "off_diagonal_range", .programs = blastn, .type = Type::integer, .group = Group::extension,
   .description = "Number of off-diagonals to search for the 2nd hit, use 0 to turn off", .default_value = "0",
   .range = at_least(0)},
  {.name = "gap_trigger", .programs = kPsi, .type = Type::real, .group = Group::extension,
   .description = "Number of bits to trigger gapping", .default_value = "22"},

  {.name = "parse_deflines", .programs = kAll, .group = Group::misc,
   .description = "Should the query and subject defline(s) be parsed?"},
  {.name = "num_threads", .programs = kNotRps, .type = Type::integer, .group = Group::misc,
   .description = "Number of threads (CPUs) to use in the BLAST search", .default_value = "1",
   .range = at_least(1), .excludes = kRemote},
  {.name = "num_threads", .programs = kRps, .type = Type::integer, .group = Group::misc,
   .description = "Number of threads to use in RPS BLAST search: 0 (auto = num of databases) 1 (disable) max number "
                  "of threads = num of databases",
   .default_value = "1", .range = at_least(0)},
  {.name = "mt_mode", .programs = kCoreFive - tblastx, .type = Type::integer, .group = Group::misc,
   .description = "Multi-thread mode to use in BLAST search: 0 (auto) split by database 1 split by queries",
   .default_value = "0", .range = between(0, 1), .needs = kThreads},
  {.name = "mt_mode", .programs = kRps, .type = Type::integer, .group = Group::misc,
   .description = "Multi-thread mode to use in RPS BLAST search: 0 (auto) split by database vols 1 split by queries",
   .default_value = "0", .range = between(0, 1)},
  {.name = "remote", .programs = kCoreFive | deltablast, .group = Group::misc,
   .description = "Execute search remotely?", .excludes = kNotWithRemote,
   .forbids = Forbids::both, .why = kWhyRemote},
  {.name = "remote", .programs = psiblast, .group = Group::misc,
   .description = "Execute search remotely?", .excludes = kNotWithRemotePsi,
   .forbids = Forbids::both, .why = kWhyRemote},
  {.name = "remote", .programs = kRps, .group = Group::misc,
   .description = "Execute search remotely?", .forbids = Forbids::both, .why = kWhyRemote},
  {.name = "use_sw_tback", .programs = kProteinScored - tblastx, .group = Group::misc,
   .description = "Compute locally optimal Smith-Waterman alignments?", .one_thread = true},

  {.name = "in_pssm", .programs = tblastn, .type = Type::input_file, .group = Group::psi_tblastn,
   .description = "PSI-TBLASTN checkpoint file", .excludes = kNotWithTblastnPssm,
   .forbids = Forbids::both, .why = kWhyPssmIn},

  {.name = "num_iterations", .programs = kPsi, .type = Type::integer, .group = Group::psi,
   .description = "Number of iterations to perform (0 means run until convergence)", .default_value = "1",
   .range = at_least(0), .excludes = kRemote,
   .forbids = Forbids::shards, .why = kWhyRounds, .harmless = 1},
  {.name = "out_pssm", .programs = kPsi, .type = Type::output_file, .group = Group::psi,
   .description = "File name to store checkpoint file", .forbids = Forbids::both, .why = kWhyPssmOut},
  {.name = "out_ascii_pssm", .programs = kPsi, .type = Type::output_file, .group = Group::psi,
   .description = "File name to store ASCII version of PSSM", .forbids = Forbids::both, .why = kWhyPssmOut},
  {.name = "save_pssm_after_last_round", .programs = kPsi, .group = Group::psi,
   .description = "Save PSSM after the last database search", .forbids = Forbids::both, .why = kWhyPssmOut},
  {.name = "save_each_pssm", .programs = kPsi, .group = Group::psi,
   .description = "Save PSSM after each iteration (file name is given in -save_pssm or -save_ascii_pssm options)",
   .forbids = Forbids::both, .why = kWhyPssmOut},

  {.name = "in_msa", .programs = psiblast, .type = Type::input_file, .group = Group::pssm,
   .description = "File name of multiple sequence alignment to restart PSI-BLAST", .excludes = kNotWithMsa,
   .forbids = Forbids::both, .why = kWhyPssmIn},
  {.name = "msa_master_idx", .programs = psiblast, .type = Type::integer, .group = Group::pssm,
   .description = "Ordinal number (1-based index) of the sequence to use as a master in the multiple sequence "
                  "alignment. If not provided, the first sequence in the multiple sequence alignment will be used",
   .range = at_least(1), .needs = kMsa, .excludes = kNotWithMaster},
  {.name = "ignore_msa_master", .programs = psiblast, .group = Group::pssm,
   .description = "Ignore the master sequence when creating PSSM", .needs = kMsa, .excludes = kNotWithMaster},
  {.name = "in_pssm", .programs = psiblast, .type = Type::input_file, .group = Group::pssm,
   .description = "PSI-BLAST checkpoint file", .excludes = kNotWithPssm,
   .forbids = Forbids::both, .why = kWhyPssmIn},
  {.name = "pseudocount", .programs = kPsi, .type = Type::integer, .group = Group::pssm,
   .description = "Pseudo-count value used when constructing PSSM", .default_value = "0"},
  {.name = "domain_inclusion_ethresh", .programs = deltablast, .type = Type::real, .group = Group::pssm,
   .description = "E-value inclusion threshold for alignments with conserved domains", .default_value = "0.05"},
  {.name = "inclusion_ethresh", .programs = kPsi, .type = Type::real, .group = Group::pssm,
   .description = "E-value inclusion threshold for pairwise alignments", .default_value = "0.002"},

  {.name = "rpsdb", .programs = deltablast, .type = Type::text, .group = Group::delta,
   .description = "BLAST domain database name", .default_value = "cdd_delta", .refers = Refers::database},
  {.name = "show_domain_hits", .programs = deltablast, .group = Group::delta, .description = "Show domain hits",
   .excludes = kDomainHitsExclude, .forbids = Forbids::batches,
   .why = "a report has the domains of each internal batch before its hits"},

  {.name = "phi_pattern", .programs = psiblast, .type = Type::input_file, .group = Group::phi,
   .description = "File name containing pattern to search", .excludes = kOtherInputs,
   .forbids = Forbids::both, .why = kWhyPhi},
};
// clang-format on
#undef LOOM_FORMATS_TO_16

constexpr bool rows_are_disjoint() {
  for (std::size_t i = 0; i < std::size(kTable); ++i)
    for (std::size_t j = i + 1; j < std::size(kTable); ++j)
      if (kTable[i].name == kTable[j].name && kTable[i].programs.overlaps(kTable[j].programs)) return false;
  return true;
}
static_assert(rows_are_disjoint(), "one row per program and option");

constexpr bool every_ban_has_a_reason() {
  for (const OptionSpec& spec : kTable)
    if ((spec.forbids == Forbids::nothing) != spec.why.empty()) return false;
  return true;
}
static_assert(every_ban_has_a_reason(), "what an option forbids is explained, in one line");
}  // namespace

std::span<const OptionSpec> option_table() {
  return kTable;
}

}  // namespace loom::blast
