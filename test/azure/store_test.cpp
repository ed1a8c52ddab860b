// What the Azure store does beyond the contract of ObjectStore, on a real Azurite.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <random>
#include <thread>

#include "azurite.hpp"
#include "base/base64.hpp"
#include "base/temp_dir.hpp"
#include "base/time_text.hpp"
#include "lying_proxy.hpp"
#include "storage/azure/encoding.hpp"
#include "testkit/never.hpp"

namespace loom::azure_test {
namespace {

using storage::ObjectKey;
using storage::azure::AzureObjectStore;
using storage::azure::Settings;

TEST(AzureStore, KeepsLargeObjectsInBlocksThatAreUploadedAtOnce) {
  const auto store = open_store(settings_at(azurite().port()));
  std::string large(13 * (64U << 10U) + 17, '\0');
  std::minstd_rand random(7);
  for (char& c : large) c = static_cast<char>(random());
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{64U << 10U},
                                 (64U << 10U) + std::size_t{1}, large.size()}) {
    const std::string_view body = std::string_view(large).substr(0, size);
    const Status put = store->put(key("large"), bytes(body), kNever);
    ASSERT_TRUE(put) << put.error().message;
    EXPECT_EQ(store->stat(key("large"), kNever)->size_bytes, size);
    const auto got = store->get(key("large"), size, kNever);
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_TRUE(std::equal(got->begin(), got->end(), bytes(body).begin(), bytes(body).end())) << size;
  }
}

TEST(AzureStore, ReadsObjectsLargerThanOnePart) {
  const auto store = open_store(settings_at(azurite().port()), {.retry = {}, .block_bytes = 4U << 20U});
  std::string large((9U << 20U) + 5, 'x');
  for (std::size_t i = 0; i < large.size(); i += 1000) large[i] = static_cast<char>('a' + i / 1000 % 26);
  ASSERT_TRUE(store->put(key("k"), bytes(large), kNever));
  const auto reader = store->open_reader(key("k"), kNever);
  ASSERT_TRUE(reader);
  std::vector<std::byte> got(large.size() + 10);
  EXPECT_EQ((*reader)->read(std::span(got).first(5'000'000), kNever).value(), 5'000'000U);
  EXPECT_EQ((*reader)->read(std::span(got).subspan(5'000'000), kNever).value(), large.size() - 5'000'000);
  got.resize(large.size());
  EXPECT_TRUE(std::equal(got.begin(), got.end(), bytes(large).begin()));
  EXPECT_EQ(store->get(key("k"), large.size() - 1, kNever).error().code, Code::too_large);
}

TEST(AzureStore, OfTwoWritersOfALargeObjectOneWinsWhole) {
  const auto store = open_store(settings_at(azurite().port()));
  const std::string one(400'000, '1');
  const std::string two(500'000, '2');
  for (int round = 0; round < 5; ++round) {
    {
      const std::jthread first([&] { EXPECT_TRUE(store->put(key("k"), bytes(one), kNever)); });
      const std::jthread second([&] { EXPECT_TRUE(store->put(key("k"), bytes(two), kNever)); });
    }
    const auto got = store->get(key("k"), 1U << 20U, kNever);
    ASSERT_TRUE(got) << got.error().message;
    const std::string& won = got->size() == one.size() ? one : two;
    EXPECT_TRUE(std::equal(got->begin(), got->end(), bytes(won).begin(), bytes(won).end()));
  }
}

TEST(AzureStore, SkippingReadsNothingOfWhatIsSkipped) {
  LyingProxy proxy(azurite().port(), {});
  const auto store = open_store(settings_at(proxy.port()), {.retry = {}, .block_bytes = 16U << 20U});
  std::string large(13U << 20U, 'x');
  large.replace(large.size() - 4, 4, "tail");
  ASSERT_TRUE(store->put(key("k"), bytes(large), kNever));
  proxy.forget();
  const auto reader = store->open_reader(key("k"), kNever);
  ASSERT_TRUE(reader);
  std::vector<std::byte> tail(5);
  ASSERT_TRUE((*reader)->skip(large.size() - 4, kNever));
  ASSERT_EQ((*reader)->read(tail, kNever).value(), 4U);
  EXPECT_EQ(tail[0], std::byte{'t'});
  EXPECT_EQ(proxy.seen().size(), 2U) << "the first part, and the last bytes";
}

TEST(AzureStore, KeysOfAnyLettersComeBackFromPutsAndLists) {
  const auto store = open_store(settings_at(azurite().port()));
  const std::string odd = "a b/c#d?e%41+f&g=h;'\"<>[]{}|^`~!@$*(),:";
  ASSERT_TRUE(store->put(key(odd), bytes("x"), kNever));
  EXPECT_EQ(store->get(key(odd), 1, kNever)->size(), 1U);
  const auto listed = store->list("a b/c#d?e%41+f&", "", 5, kNever);
  ASSERT_TRUE(listed) << listed.error().message;
  ASSERT_EQ(listed->size(), 1U);
  EXPECT_EQ(listed->front().key.str(), odd);
  ASSERT_TRUE(store->remove(key(odd), kNever));
  EXPECT_EQ(store->get(key(odd), 1, kNever).error().code, Code::not_found);
}

TEST(AzureStore, WritesUnderAConditionOnlyWhereItHolds) {
  const auto store = open_store(settings_at(azurite().port()));
  const auto first = store->put_if(key("k"), bytes("one"), {.if_absent = true}, kNever);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(store->info(key("k"), kNever)->etag, *first);
  EXPECT_EQ(store->put_if(key("k"), bytes("two"), {.if_absent = true}, kNever).error().code, Code::conflict);
  const auto second = store->put_if(key("k"), bytes("three"), {.if_match = *first}, kNever);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_NE(*first, *second);
  const auto stale = store->put_if(key("k"), bytes("four"), {.if_match = *first}, kNever);
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, Code::conflict);
  EXPECT_EQ(store->get(key("k"), 9, kNever)->size(), 5U);
}

TEST(AzureStore, AListGoesOnFromItsMarkerAndNotFromTheStart) {
  LyingProxy proxy(azurite().port(), {});
  const auto store = open_store(settings_at(proxy.port()));
  std::vector<std::string> names;
  for (int i = 0; i < 25; ++i) names.push_back(fmt::format("p/{:02}", i));
  for (const std::string& name : names) ASSERT_TRUE(store->put(key(name), bytes(name), kNever));
  proxy.forget();
  std::vector<std::string> listed;
  for (std::string after;;) {
    const auto page = store->list("p/", after, 10, kNever);
    ASSERT_TRUE(page) << page.error().message;
    for (const auto& one : *page) listed.push_back(one.key.str());
    if (page->size() < 10) break;
    after = page->back().key.str();
  }
  EXPECT_EQ(listed, names);
  EXPECT_EQ(proxy.seen().size(), 3U);
  EXPECT_EQ(store->list("p/", "p/07", 2, kNever)->front().key.str(), "p/08") << "no marker is known for that";
}

std::string expiry() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return time_text(now + std::chrono::hours(1));
}

/// A SAS for one container ("Create a service SAS", Azure Storage REST reference, version 2020-12-06 and
/// later).
std::string sas_for(const std::string& container, const std::string& permissions) {
  const std::string until = expiry();
  const std::string to_sign = fmt::format("{}\n\n{}\n/blob/{}/{}\n\n\n\n2021-12-02\nc\n\n\n\n\n\n\n",
                                          permissions, until, kAccount, container);
  const std::string signature = storage::azure::hmac_sha256_base64(*from_base64(kKey), to_sign);
  return fmt::format("?sv=2021-12-02&sr=c&sp={}&se={}&sig={}", permissions,
                     storage::azure::percent_encode(until), storage::azure::percent_encode(signature));
}

TEST(AzureStore, ASharedAccessSignatureIsEnough) {
  const Settings with_key = settings_at(azurite().port());
  open_store(with_key);
  Settings with_sas = with_key;
  with_sas.key.clear();
  with_sas.sas = sas_for(with_sas.container, "racwdl");
  const auto store = open_store(with_sas);
  const std::string large(200'000, 'y');
  const Status put = store->put(key("a/b"), bytes(large), kNever);
  ASSERT_TRUE(put) << put.error().message;
  EXPECT_EQ(store->get(key("a/b"), large.size(), kNever)->size(), large.size());
  EXPECT_EQ(store->list("", "", 9, kNever)->size(), 1U);
  EXPECT_TRUE(store->remove(key("a/b"), kNever));
}

TEST(AzureStore, WhatIsRefusedIsSaidWithoutTheSecrets) {
  Settings settings = settings_at(azurite().port());
  open_store(settings)->put(key("k"), bytes("x"), kNever).value();
  const std::string sas = sas_for(settings.container, "rl");
  Settings reading = settings;
  reading.key.clear();
  reading.sas = sas;
  const auto denied = open_store(reading)->put(key("k"), bytes("y"), kNever);
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, Code::forbidden);
  EXPECT_EQ(denied.error().message.find("sig="), std::string::npos) << denied.error().message;
  Settings wrong = settings;
  wrong.key = "d3Jvbmcga2V5";
  const auto refused = AzureObjectStore::open(wrong, quick(), kNever);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::forbidden);
  EXPECT_NE(refused.error().message.find("check the key or SAS"), std::string::npos)
      << refused.error().message;
  EXPECT_EQ(refused.error().message.find(wrong.key), std::string::npos);
  Settings missing = reading;
  missing.container = "not-there";
  missing.sas = sas_for(missing.container, "rl");
  const auto nowhere = AzureObjectStore::open(missing, quick(), kNever);
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().message,
            "Azure account 'devstoreaccount1' has no container 'not-there'; make it, or name another");
}

TEST(AzureStore, ItsCertificateIsVerified) {
  const auto dir = TempDir::create();
  const std::string cert = (dir->path() / "cert.pem").string();
  const std::string private_key = (dir->path() / "key.pem").string();
  const std::string make = fmt::format(
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1 "
      "-addext subjectAltName=IP:127.0.0.1 -keyout {} -out {} 2>/dev/null",
      private_key, cert);
  ASSERT_EQ(std::system(make.c_str()), 0);
  const Azurite over_tls(dir->path(), {"--cert", cert, "--key", private_key});
  Settings settings = settings_at(over_tls.port());
  settings.endpoint.replace(0, 4, "https");
  const auto unknown = AzureObjectStore::open(settings, quick(), kNever);
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("certificate"), std::string::npos) << unknown.error().message;
  settings.ca_file = cert;
  const auto store = open_store(settings);
  ASSERT_TRUE(store->put(key("k"), bytes("x"), kNever));
  EXPECT_EQ(store->get(key("k"), 1, kNever)->size(), 1U);
}

}  // namespace
}  // namespace loom::azure_test
