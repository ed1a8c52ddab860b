#pragma once
#include "render/stitcher.hpp"

namespace loom::render {

std::unique_ptr<Stitcher> plain_stitcher();                            ///< 6, 10, 18: one after the other
std::unique_ptr<Stitcher> commented_stitcher(const StitchSpec& spec);  ///< 7
std::unique_ptr<Stitcher> report_stitcher(const StitchSpec& spec);     ///< 0-4
std::unique_ptr<Stitcher> sam_stitcher(StitchSpec spec);               ///< 17
std::unique_ptr<Stitcher> xml_stitcher(const StitchSpec& spec);        ///< 5
std::unique_ptr<Stitcher> xml2_stitcher(const StitchSpec& spec);       ///< 16
std::unique_ptr<Stitcher> json_stitcher(const StitchSpec& spec);       ///< 15
std::unique_ptr<Stitcher> file_set_stitcher(StitchSpec spec);          ///< 13, 14
std::unique_ptr<Stitcher> asn_stitcher(StitchSpec spec);               ///< 8, 9, 11, 12

}  // namespace loom::render
