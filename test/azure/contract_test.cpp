// The contract of ObjectStore on a real Azurite.
#include "azurite.hpp"
#include "object_store_contract.hpp"

namespace loom::storage::contract {
namespace {

struct Azure {
  std::unique_ptr<azure::AzureObjectStore> azure =
      azure_test::open_store(azure_test::settings_at(azure_test::azurite().port()));
  ObjectStore& store() { return *azure; }
};

INSTANTIATE_TYPED_TEST_SUITE_P(Azure, ObjectStoreContract, Azure);

}  // namespace
}  // namespace loom::storage::contract
