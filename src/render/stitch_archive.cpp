// Formats 8, 9, 11 and 12: ASN.1, which room archive knows.
#include "archive/stitch.hpp"
#include "render/stitch_text.hpp"

namespace loom::render {
namespace {

class Asn final : public Stitcher {
 public:
  explicit Asn(StitchSpec spec) : spec_(std::move(spec)) {}

  Status add(const Part& part, Sink& out) override {
    return archive::copy_part(spec_.format.number, part.file,
                              {.first_query = part.first_query,
                               .queries_numbered = spec_.queries_numbered,
                               .database = spec_.database},
                              [&out](std::string_view bytes) { return out.write(bytes); });
  }
  Status finish(Sink&) override { return ok(); }

 private:
  StitchSpec spec_;
};

}  // namespace

std::unique_ptr<Stitcher> asn_stitcher(StitchSpec spec) {
  return std::make_unique<Asn>(std::move(spec));
}

}  // namespace loom::render
