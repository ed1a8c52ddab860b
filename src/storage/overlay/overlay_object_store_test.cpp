#include "storage/overlay/overlay_object_store.hpp"

#include <gtest/gtest.h>

#include <string>

#include "testkit/mem_object_store.hpp"

namespace loom::storage {
namespace {

ObjectKey key(std::string_view text) {
  return ObjectKey::parse(text).value();
}

void put(ObjectStore& store, std::string_view name, std::string_view text) {
  ASSERT_TRUE(store.put(key(name), std::as_bytes(std::span(text)), Deadline::never()));
}

std::string text_of(ObjectStore& store, std::string_view name) {
  const auto bytes = store.get(key(name), 100, Deadline::never());
  if (!bytes) return std::string(loom::name(bytes.error().code));
  return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

struct Overlay : ::testing::Test {
  testkit::MemObjectStore under;
  testkit::MemObjectStore own;
  OverlayObjectStore both{under, own};
};

TEST_F(Overlay, ReadsWhatIsUnderItAndWritesOnTop) {
  put(under, "a", "old");
  EXPECT_EQ(text_of(both, "a"), "old");
  put(both, "a", "new");
  put(both, "b", "made");
  EXPECT_EQ(text_of(both, "a"), "new");
  EXPECT_EQ(text_of(under, "a"), "old");
  EXPECT_EQ(text_of(under, "b"), "not_found");
}

TEST_F(Overlay, RemovesOnlyWhatIsOnTop) {
  put(under, "a", "old");
  put(both, "a", "new");
  ASSERT_TRUE(both.remove(key("a"), Deadline::never()));
  ASSERT_TRUE(both.remove(key("a"), Deadline::never()));
  EXPECT_EQ(text_of(both, "a"), "old");
}

TEST_F(Overlay, ListsBothInOrderAndEachKeyOnceInPagesOfAnySize) {
  for (const char* name : {"j/a", "j/c", "j/d", "other"}) put(under, name, "1");
  for (const char* name : {"j/b", "j/c", "j/e"}) put(own, name, "22");
  for (std::size_t page = 1; page <= 6; ++page) {
    std::string found;
    std::string after;
    for (std::size_t came = page; came == page;) {
      const auto some = both.list("j/", after, page, Deadline::never()).value();
      came = some.size();
      for (const ObjectInfo& one : some) found += one.key.str() + (one.size_bytes == 2 ? "! " : " ");
      if (!some.empty()) after = some.back().key.str();
    }
    EXPECT_EQ(found, "j/a j/b! j/c! j/d j/e! ") << "in pages of " << page;
  }
}

}  // namespace
}  // namespace loom::storage
