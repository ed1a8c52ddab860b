#pragma once
#include "api/refusal.hpp"
#include "http/message.hpp"
#include "results/hsp_export.hpp"

namespace loom::api {

/// The query parameters that choose and order hits or HSPs: where, query, words, subject, taxid, evalue_max,
/// bits_min, identity_min, identity_max, cover_min, length_min, length_max, sort, cursor, limit, hsps and
/// alignments. `also` names what else the route takes (then limit is left to it); all others are refused.
Parsed<results::PageRequest> hit_request(const http::Request& request,
                                         std::initializer_list<std::string_view> also = {});
/// find, taxid, query, sort, cursor and limit, of queries and subjects.
Parsed<results::PageRequest> list_request(const http::Request& request);
/// As hit_request, and format, columns, header and select.
Parsed<results::ExportRequest> export_request(const http::Request& request);

/// The refusal of an index's error: what is wrong with `where`, `sort`, `query` or `cursor` names it.
Refusal refusal_of(const Error& error);

}  // namespace loom::api
