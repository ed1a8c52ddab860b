#pragma once
#include <string>

#include "archive/stitch.hpp"
#include "archive/stream.hpp"
#include "base/result.hpp"

namespace loom::archive {

/// copy_part() for -outfmt 9: Seq-annots in BER, with indefinite lengths as NCBI's toolkit writes them.
Status copy_ber(Pull pull, const std::string& name, const PartNames& names, const Write& write);

}  // namespace loom::archive
