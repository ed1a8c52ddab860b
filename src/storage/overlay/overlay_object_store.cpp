#include "storage/overlay/overlay_object_store.hpp"

#include <algorithm>
#include <iterator>

namespace loom::storage {
namespace {

/// What `ask` finds in `own`, and where that has no such object in `under`.
template <class Ask>
auto first_of(ObjectStore& own, ObjectStore& under, const Ask& ask) {
  auto found = ask(own);
  if (found || found.error().code != Code::not_found) return found;
  return ask(under);
}

}  // namespace

Status OverlayObjectStore::put(const ObjectKey& key, std::span<const std::byte> body, Deadline deadline) {
  return own_.put(key, body, deadline);
}

Result<std::vector<std::byte>> OverlayObjectStore::get(const ObjectKey& key, std::uint64_t max_bytes,
                                                       Deadline deadline) {
  return first_of(own_, under_, [&](ObjectStore& store) { return store.get(key, max_bytes, deadline); });
}

Result<std::unique_ptr<ObjectReader>> OverlayObjectStore::open_reader(const ObjectKey& key,
                                                                      Deadline deadline) {
  return first_of(own_, under_, [&](ObjectStore& store) { return store.open_reader(key, deadline); });
}

Result<std::unique_ptr<ObjectWriter>> OverlayObjectStore::open_writer(const ObjectKey& key,
                                                                      Deadline deadline) {
  return own_.open_writer(key, deadline);
}

Result<ObjectInfo> OverlayObjectStore::stat(const ObjectKey& key, Deadline deadline) {
  return first_of(own_, under_, [&](ObjectStore& store) { return store.stat(key, deadline); });
}

Result<std::vector<ObjectInfo>> OverlayObjectStore::list(std::string_view prefix, std::string_view after,
                                                         std::size_t max_count, Deadline deadline) {
  // The first of both are among the first of each.
  LOOM_TRY(const std::vector<ObjectInfo> own, own_.list(prefix, after, max_count, deadline));
  LOOM_TRY(const std::vector<ObjectInfo> under, under_.list(prefix, after, max_count, deadline));
  std::vector<ObjectInfo> all;
  std::ranges::set_union(own, under, std::back_inserter(all), {}, &ObjectInfo::key, &ObjectInfo::key);
  if (all.size() > max_count) all.erase(all.begin() + static_cast<std::ptrdiff_t>(max_count), all.end());
  return all;
}

Status OverlayObjectStore::remove(const ObjectKey& key, Deadline deadline) {
  return own_.remove(key, deadline);
}

}  // namespace loom::storage
