#include "storage/azure/account.hpp"

#include <gtest/gtest.h>

#include "storage/azure/encoding.hpp"
#include "storage/azure/request.hpp"

namespace loom::storage::azure {
namespace {

Settings good() {
  return {.account = "loom1", .container = "results", .key = "c2VjcmV0"};
}

std::string fault(const Settings& settings) {
  const auto account = check(settings);
  return account ? "" : account.error().message;
}

TEST(AzureAccount, TakesARealOneAndOneWithItsOwnEndpoint) {
  const auto real = check(good());
  ASSERT_TRUE(real) << real.error().message;
  EXPECT_EQ(real->origin, "https://loom1.blob.core.windows.net");
  EXPECT_EQ(real->base_path, "");
  EXPECT_EQ(real->key, "secret");
  Settings settings = good();
  settings.endpoint = "http://127.0.0.1:10000/loom1/";
  const auto local = check(settings);
  ASSERT_TRUE(local) << local.error().message;
  EXPECT_EQ(local->origin, "http://127.0.0.1:10000");
  EXPECT_EQ(local->base_path, "/loom1");
  EXPECT_TRUE(local->loopback);
}

TEST(AzureAccount, RefusesNamesBeforeTheyCanBecomeAUrl) {
  for (const char* name :
       {"", "ab", "Loom", "loom-1", "loom.evil.example/", "loom@evil", "a23456789012345678901234x"}) {
    Settings settings = good();
    settings.account = name;
    EXPECT_NE(fault(settings).find("Azure account '"), std::string::npos) << name;
  }
  for (const char* name : {"", "ab", "-ab", "ab-", "a--b", "Results", "a/b", "a?b", "$root", ".."}) {
    Settings settings = good();
    settings.container = name;
    EXPECT_NE(fault(settings).find("Azure container '"), std::string::npos) << name;
  }
}

TEST(AzureAccount, RefusesEndpointsThatLeakOrMislead) {
  for (const char* endpoint :
       {"http://loom1.blob.core.windows.net", "http://127.0.0.1.evil.example/", "ftp://127.0.0.1/",
        "https://", "https://user:pass@host/", "https://host/?sig=abc", "https://host/#x",
        "nonsense with spaces", "https://host/a%2fb"}) {
    Settings settings = good();
    settings.endpoint = endpoint;
    const std::string said = fault(settings);
    EXPECT_TRUE(said.starts_with("Azure endpoint ")) << endpoint << ": " << said;
    EXPECT_EQ(said.find("pass"), std::string::npos) << said;
    EXPECT_EQ(said.find("abc"), std::string::npos) << said;
  }
  Settings plain = good();
  plain.endpoint = "http://storage.lab:10000/loom1";
  plain.plain_http = true;
  EXPECT_EQ(fault(plain), "");
}

TEST(AzureAccount, NeedsOneSecretAndNeverShowsIt) {
  Settings settings = good();
  settings.key = "";
  EXPECT_EQ(fault(settings),
            "Azure account 'loom1': neither a key nor a SAS is there; give an account key or a SAS");
  settings.key = "not base64!";
  EXPECT_EQ(fault(settings).find("not base64!"), std::string::npos);
  settings.sas = "sv=1&sig=x";
  EXPECT_NE(fault(settings).find("both"), std::string::npos);
  settings.key = "";
  EXPECT_EQ(check(settings)->sas, "sv=1&sig=x");
  for (const char* sas : {"sv=1", "?", "sig", "a b&sig=x", "x#&sig=y"}) {
    settings.sas = sas;
    EXPECT_NE(fault(settings).find("not shown"), std::string::npos) << sas;
  }
}

TEST(AzureRequest, SignsEncodedPathsPlainQueriesAndSortedHeaders) {
  Settings settings = good();
  settings.endpoint = "http://127.0.0.1:10000/loom1";
  const Account account = *check(settings);
  const std::string body = "abc";
  const Request request{.method = "PUT",
                        .path = "/results/a%20b",
                        .query = {{"comp", "block"}, {"blockid", "AA+="}},
                        .headers = {{"content-md5", "kAFQmDzST7DWlj99KOF/cg=="}},
                        .body = std::as_bytes(std::span(body))};
  EXPECT_EQ(string_to_sign(
                account, request,
                {{"content-md5", "kAFQmDzST7DWlj99KOF/cg=="}, {"x-ms-date", "D"}, {"x-ms-version", "V"}}),
            "PUT\n\n\n3\nkAFQmDzST7DWlj99KOF/cg==\n\n\n\n\n\n\n\nx-ms-date:D\nx-ms-version:V\n"
            "/loom1/loom1/results/a%20b\nblockid:AA+=\ncomp:block");
  EXPECT_EQ(url_of(account, request),
            "http://127.0.0.1:10000/loom1/results/a%20b?blockid=AA%2B%3D&comp=block");
  EXPECT_TRUE(signed_headers(account, request, "D").at("authorization").starts_with("SharedKey loom1:"));
}

TEST(AzureEncoding, HmacAndPercent) {
  // RFC 4231, test case 2.
  EXPECT_EQ(hmac_sha256_base64("Jefe", "what do ya want for nothing?"),
            "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
  EXPECT_EQ(percent_encode("a/b ~\xc3"), "a%2Fb%20~%C3");
  EXPECT_EQ(percent_encode("a/b c", true), "a/b%20c");
}

}  // namespace
}  // namespace loom::storage::azure
