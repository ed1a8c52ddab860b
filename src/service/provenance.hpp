#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json_writer.hpp"
#include "base/result.hpp"
#include "sched/job_spec.hpp"
#include "service/job_service.hpp"

namespace loom::service {

/// How a job's result came to be.
struct Provenance {
  store::Job job;
  sched::JobSpec spec;
  std::string executable;  ///< of the engine: "blastp"
  int shards = 1;
  std::optional<ResultFile> output;  ///< once it is completed
};

/// The member "sha256" of an open object: null, and "sha256_pending", while the sum is not known.
void write_sum(JsonWriter& json, const ResultFile& file);

enum class ProvenanceFormat : std::uint8_t { json, methods, bibtex, sh, nextflow, snakemake };
/// Errors: invalid_argument, which names those there are.
Result<ProvenanceFormat> parse_provenance_format(std::string_view text);

/// The same as JSON (doc/openapi.yaml), as a paragraph for a paper, as its references, or as a program that
/// makes the output's bytes again from query.fasta. `version` is blastloom's. Errors: conflict for a program
/// of an imported result.
Result<std::string> provenance_text(const Provenance& provenance, ProvenanceFormat format,
                                    std::string_view version);

}  // namespace loom::service
