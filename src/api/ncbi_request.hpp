#pragma once
#include <string>

#include "api/refusal.hpp"
#include "blast/options.hpp"
#include "http/message.hpp"
#include "service/job_service.hpp"

namespace loom::api {

/// A search as NCBI's URL API asks for it.
struct NcbiSearch {
  service::SubmitRequest request;
  std::string query;  ///< FASTA text, or bare letters
};

/// CMD=Put. Names are NCBI's (https://blast.ncbi.nlm.nih.gov/doc/blast-help/urlapi.html), in any case. What
/// only changes NCBI's own page is taken and does nothing; what would change the answer and has no option of
/// BLAST+ is refused by name. The job's own format is what FORMAT_TYPE asks for, XML if nothing does.
Parsed<NcbiSearch> parse_ncbi_put(const http::Pairs& parameters);

/// The -outfmt of FORMAT_TYPE and ALIGNMENT_VIEW; empty for FORMAT_TYPE=HTML, which is a page of links.
/// `otherwise`: when neither is given.
Parsed<std::string> ncbi_outfmt(const http::Pairs& parameters, std::string otherwise);

/// CMD=Get of a job that was `searched` so: the same, empty if neither is given. Refuses what would change
/// the answer and was not asked for with CMD=Put: other parameters, and other DESCRIPTIONS and ALIGNMENTS of
/// text.
Parsed<std::string> ncbi_get_outfmt(const http::Pairs& parameters, const blast::Options& searched);

/// The first value of that name in any case, without white space around it; empty if there is none.
std::string ncbi_value(const http::Pairs& parameters, std::string_view name);

}  // namespace loom::api
