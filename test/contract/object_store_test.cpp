// The contract of ObjectStore on files and on the fakes; on Azure in test/azure/contract_test.cpp.
#include <memory>

#include "base/temp_dir.hpp"
#include "object_store_contract.hpp"
#include "storage/files/files_object_store.hpp"
#include "storage/overlay/overlay_object_store.hpp"
#include "testkit/faulty_object_store.hpp"
#include "testkit/mem_object_store.hpp"

namespace loom::storage::contract {
namespace {

struct Files {
  Result<TempDir> dir = TempDir::create();
  std::unique_ptr<FilesObjectStore> files = FilesObjectStore::open(dir->path() / "store/below").value();
  ObjectStore& store() { return *files; }
};
struct Mem {
  testkit::MemObjectStore mem;
  ObjectStore& store() { return mem; }
};
struct FaultyWithoutFaults {
  testkit::MemObjectStore mem;
  testkit::FaultyObjectStore faulty{mem, -1};
  ObjectStore& store() { return faulty; }
};
struct OverNothing {
  testkit::MemObjectStore under;
  testkit::MemObjectStore own;
  OverlayObjectStore overlay{under, own};
  ObjectStore& store() { return overlay; }
};

using Kinds = ::testing::Types<Files, Mem, FaultyWithoutFaults, OverNothing>;
INSTANTIATE_TYPED_TEST_SUITE_P(All, ObjectStoreContract, Kinds);

}  // namespace
}  // namespace loom::storage::contract
