// Any bytes as BLAST's report: the same HSPs whatever the pieces it comes in, and each text stands in the
// report.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "results/report_reader.hpp"

namespace results = loom::results;

namespace {

std::vector<results::ReportHsp> read(std::string_view report, std::size_t piece) {
  std::vector<results::ReportHsp> all;
  results::ReportReader reader([&all](results::ReportHsp& hsp) {
    all.push_back(hsp);
    return loom::ok();
  });
  for (std::size_t at = 0; at < report.size(); at += piece)
    LOOM_CHECK(reader.push(report.substr(at, piece)), "small reports are read");
  LOOM_CHECK(reader.finish(), "small reports are read");
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string report(reinterpret_cast<const char*>(data), size);
  const auto whole = read(report, std::max<std::size_t>(size, 1));
  const auto pieces = read(report, 5);
  LOOM_CHECK(whole.size() == pieces.size(), "pieces make no difference");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    LOOM_CHECK(whole[i].text.text == pieces[i].text.text && whole[i].qend == pieces[i].qend, "nor in an HSP");
    LOOM_CHECK((report + "\n").find(whole[i].text.text) != std::string::npos, "its text is the report's");
  }
  return 0;
}
