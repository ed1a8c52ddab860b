#include "render/stitcher.hpp"

#include "base/check.hpp"
#include "render/stitch_text.hpp"

namespace loom::render {

std::unique_ptr<Stitcher> make_stitcher(StitchSpec spec) {
  switch (spec.format.number) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
      return report_stitcher(spec);
    case 5:
      return xml_stitcher(spec);
    case 7:
      return commented_stitcher(spec);
    case 8:
    case 9:
    case 11:
    case 12:
      return asn_stitcher(std::move(spec));
    case 13:
    case 14:
      return file_set_stitcher(std::move(spec));
    case 15:
      return json_stitcher(spec);
    case 16:
      return xml2_stitcher(spec);
    case 17:
      return sam_stitcher(std::move(spec));
    case 6:
    case 10:
    case 18:
      return plain_stitcher();
    default:
      LOOM_CHECK(false, "parse_outfmt lets only formats 0-18 pass");
  }
}

}  // namespace loom::render
