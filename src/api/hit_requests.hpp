#pragma once
#include "api/refusal.hpp"
#include "http/message.hpp"
#include "results/hsp_export.hpp"
#include "service/subject_fasta.hpp"

namespace loom::api {

/// The query parameters that choose and order hits or HSPs: where, query, words, subject, taxid, clade,
/// evalue_max, bits_min, identity_min, identity_max, cover_min, length_min, length_max, sort, cursor, limit,
/// hsps and alignments. `also` names what else the route takes (with limit among them, that is left to it;
/// select is read); all others are refused.
Parsed<results::PageRequest> hit_request(const http::Request& request,
                                         std::initializer_list<std::string_view> also = {});
/// find, taxid, clade, query, sort, cursor, limit and with_hits, of queries and subjects. Which of them there
/// are is left to the caller.
Parsed<results::PageRequest> list_request(const http::Request& request);
/// As hit_request, and format (also fasta, which is left to fasta_request), columns, header, select, on,
/// region and flank.
Parsed<results::ExportRequest> export_request(const http::Request& request);
/// region and flank; nullopt unless format is fasta. Its `strands` is left to the caller.
Parsed<std::optional<service::FastaWish>> fasta_request(const http::Request& request);

/// The refusal of an index's error: what is wrong with `where`, `sort`, `query` or `cursor` names it.
Refusal refusal_of(const Error& error);

}  // namespace loom::api
