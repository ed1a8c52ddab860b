#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "http/message.hpp"
#include "service/job_service.hpp"
#include "storage/object_store.hpp"

namespace loom::api {

/// `count` bytes of an object from `first` on. Objects are read from their start, so what lies before is read
/// and thrown away.
std::unique_ptr<http::BodySource> object_body(std::unique_ptr<storage::ObjectReader> reader,
                                              std::uint64_t first, std::uint64_t count);

/// Opens a file; called from read().
using OpenFile =
    std::function<Result<std::unique_ptr<storage::ObjectReader>>(const service::ResultFile& file)>;

/// A ZIP of the files in that order under `folder`, deflated, and MANIFEST.json with their sizes and
/// checksums: those that were not known are found on the way. It is made while it is read, in constant
/// memory, so its size is not known.
std::unique_ptr<http::BodySource> zip_body(std::string folder, std::vector<service::ResultFile> files,
                                           OpenFile open);

/// {"files":[{"name":…,"size_bytes":…,"sha256":…}…]}
std::string manifest_of(const std::vector<service::ResultFile>& files);

}  // namespace loom::api
