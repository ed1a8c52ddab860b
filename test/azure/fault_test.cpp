// A service that is busy, slow, cut short or wrong: a lying proxy before a real Azurite.
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "azurite.hpp"
#include "lying_proxy.hpp"
#include "testkit/never.hpp"

namespace loom::azure_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using storage::ObjectKey;

constexpr std::size_t kBlock = 64U << 10U;

class AzureFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    store_ = open_store(settings_at(proxy_.port()));
    put("k", kBody);
    proxy_.forget();
  }
  void put(std::string_view name, std::string_view body) {
    const Status done = store_->put(key(name), bytes(body), kNever);
    ASSERT_TRUE(done) << done.error().message;
  }
  std::string get(Deadline deadline = kNever) {
    const auto got = store_->get(key("k"), 1U << 20U, deadline);
    if (!got) return fmt::format("{}: {}", name(got.error().code), got.error().message);
    std::string text;
    for (const std::byte b : *got) text += static_cast<char>(b);
    return text;
  }
  /// The first `count` reads of blob k get `lie`.
  void lie_to_reads(int count, const Lie& lie) {
    proxy_.set_script([left = std::make_shared<int>(count), lie](const Seen& seen) {
      return seen.is("GET", "/k") && (*left)-- > 0 ? lie : Lie{};
    });
  }
  std::size_t count(std::string_view method, std::string_view part) {
    std::size_t number = 0;
    for (const Seen& one : proxy_.seen()) number += one.is(method, part) ? 1U : 0U;
    return number;
  }

  const std::string kBody = "the quick brown fox jumps over the lazy dog";
  LyingProxy proxy_{azurite().port(), {}};
  std::unique_ptr<storage::azure::AzureObjectStore> store_;
};

TEST_F(AzureFaults, ABusyServiceIsAskedAgainAfterWhatItAsksFor) {
  lie_to_reads(1, {.instead = service_unavailable("Retry-After: 1\r\n")});
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(get(), kBody);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, seconds(1));
  EXPECT_EQ(proxy_.seen().size(), 2U);
}

TEST_F(AzureFaults, NoWaitGoesPastTheDeadline) {
  lie_to_reads(9, {.instead = service_unavailable("Retry-After: 3600\r\n")});
  const std::string said = get(Deadline::in(seconds(20)));
  EXPECT_TRUE(said.starts_with("timed_out: ")) << said;
  EXPECT_NE(said.find("HTTP 503 ServerBusy, after 1 attempt; the next one, 3600000 ms later"),
            std::string::npos)
      << said;
}

TEST_F(AzureFaults, AServiceThatStaysBusyIsUnavailableAfterTheLastAttempt) {
  lie_to_reads(99, {.instead = service_unavailable()});
  const std::string said = get();
  EXPECT_TRUE(said.starts_with("unavailable: Azure account 'devstoreaccount1': GET /test-")) << said;
  EXPECT_TRUE(said.ends_with("HTTP 503 ServerBusy, after 4 attempts")) << said;
  EXPECT_EQ(proxy_.seen().size(), 4U);
}

TEST_F(AzureFaults, ABodyThatIsCutIsReadAgain) {
  for (const std::size_t left : {std::size_t{0}, std::size_t{1}, kBody.size() - 1}) {
    lie_to_reads(2, {.cut_after = left});
    EXPECT_EQ(get(), kBody) << left;
  }
}

TEST_F(AzureFaults, DamagedBytesAreReadAgainAndNeverHandedOut) {
  lie_to_reads(2, {.flip = true});
  EXPECT_EQ(get(), kBody);
  lie_to_reads(99, {.flip = true});
  const std::string said = get();
  EXPECT_TRUE(said.starts_with("corrupt: object 'k': 43 bytes at 0 came damaged")) << said;
}

TEST_F(AzureFaults, AWrongMd5IsDamageToo) {
  lie_to_reads(99, {.header = "content-md5", .value = "AAAAAAAAAAAAAAAAAAAAAA=="});
  EXPECT_TRUE(get().starts_with("corrupt: "));
}

TEST_F(AzureFaults, AnObjectThatIsReplacedBetweenItsPartsIsNeverMixed) {
  const std::string large(5U << 20U, 'a');
  put("large", large);
  auto reader = store_->open_reader(key("large"), kNever);
  ASSERT_TRUE(reader);
  put("large", std::string(5U << 20U, 'b'));
  std::vector<std::byte> got(large.size());
  const auto mixed = (*reader)->read(got, kNever);
  ASSERT_FALSE(mixed);
  EXPECT_EQ(mixed.error().code, Code::conflict);
  EXPECT_EQ(mixed.error().message, "object 'large' was replaced while it was read; read it again");
}

TEST_F(AzureFaults, AWrongEtagIsAnotherVersion) {
  const std::string large(5U << 20U, 'a');
  put("large", large);
  proxy_.forget();
  proxy_.set_script([reads = std::make_shared<int>(0)](const Seen& seen) {
    return seen.is("GET", "/large") && ++*reads == 2 ? Lie{.header = "etag", .value = "\"0xWRONG\""} : Lie{};
  });
  const auto got = store_->get(key("large"), large.size(), kNever);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(count("GET", "/large"), 4U) << "two parts, then again from the start";
  proxy_.set_script([reads = std::make_shared<int>(0)](const Seen& seen) {
    return seen.is("GET", "/large") && ++*reads % 2 == 0 ? Lie{.header = "etag", .value = "\"0xWRONG\""}
                                                         : Lie{};
  });
  EXPECT_EQ(store_->get(key("large"), large.size(), kNever).error().code, Code::conflict);
}

TEST_F(AzureFaults, ADripEndsAtTheDeadline) {
  lie_to_reads(99, {.drip = milliseconds(200)});
  const auto begin = std::chrono::steady_clock::now();
  const std::string said = get(Deadline::in(milliseconds(500)));
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_TRUE(said.starts_with("timed_out: ")) << said;
  EXPECT_GE(took, milliseconds(450));
  EXPECT_LT(took, milliseconds(7000)) << "the body alone would take 8.5 s";
}

TEST_F(AzureFaults, AConditionalWriteWhoseReplyGotLostIsKnownAsOurs) {
  proxy_.set_script([lost = std::make_shared<bool>(false)](const Seen& seen) {
    return seen.is("PUT", "/once") && !std::exchange(*lost, true) ? Lie{.lose_reply = true} : Lie{};
  });
  const auto etag = store_->put_if(key("once"), bytes("x"), {.if_absent = true}, kNever);
  ASSERT_TRUE(etag) << etag.error().message;
  EXPECT_EQ(count("PUT", "/once"), 2U);
  EXPECT_EQ(store_->info(key("once"), kNever)->etag, *etag);
  proxy_.set_script([first = std::make_shared<bool>(true)](const Seen& seen) {
    return seen.is("PUT", "/once") && std::exchange(*first, false) ? Lie{.instead = service_unavailable()}
                                                                   : Lie{};
  });
  EXPECT_EQ(store_->put_if(key("once"), bytes("y"), {.if_absent = true}, kNever).error().code, Code::conflict)
      << "another's stays another's, also on a second attempt";
}

TEST_F(AzureFaults, ALostReplyOfAnUploadInBlocksChangesNothing) {
  proxy_.set_script([done = std::make_shared<std::set<std::string>>()](const Seen& seen) {
    return seen.method == "PUT" && done->insert(seen.target).second ? Lie{.lose_reply = true} : Lie{};
  });
  std::string large(5 * kBlock + 3, 'x');
  for (std::size_t i = 0; i < large.size(); i += 100) large[i] = static_cast<char>('a' + i % 26);
  put("blocks", large);
  proxy_.set_script({});
  const auto got = store_->get(key("blocks"), large.size(), kNever);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_TRUE(std::equal(got->begin(), got->end(), bytes(large).begin(), bytes(large).end()));
}

TEST_F(AzureFaults, AnUploadThatFailedGoesOnWhereItStopped) {
  std::string large;
  for (char c = 'a'; c <= 'f'; ++c) large += std::string(kBlock, c);
  proxy_.set_script([blocks = std::make_shared<int>(0)](const Seen& seen) {
    return seen.is("PUT", "blockid=") && ++*blocks > 4 ? Lie{.instead = service_unavailable()} : Lie{};
  });
  const Status failed = store_->put(key("resumed"), bytes(large), kNever);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::unavailable);
  EXPECT_EQ(store_->stat(key("resumed"), kNever).error().code, Code::not_found)
      << "nothing shows before the commit";
  proxy_.set_script({});
  proxy_.forget();
  put("resumed", large);
  EXPECT_EQ(count("PUT", "blockid="), 2U) << "four of the six are there";
  EXPECT_EQ(store_->get(key("resumed"), large.size(), kNever)->size(), large.size());
}

TEST_F(AzureFaults, EveryStepOfAWriteMayFailAndTheOldObjectStaysWhole) {
  const std::string large(3 * kBlock, 'n');
  for (int fail_at = 0;; ++fail_at) {
    proxy_.set_script([fail_at, number = std::make_shared<int>(0)](const Seen&) {
      // The whole request, all its attempts.
      return (*number)++ >= fail_at ? Lie{.instead = service_unavailable()} : Lie{};
    });
    const Status done = store_->put(key("k"), bytes(large), Deadline::in(seconds(60)));
    proxy_.set_script({});
    if (done) {
      EXPECT_GE(fail_at, 3) << "what is in the way, blocks there, commit; the blocks may be there already";
      break;
    }
    EXPECT_EQ(done.error().code, Code::unavailable) << done.error().message;
    EXPECT_EQ(get(), kBody);
  }
  EXPECT_EQ(get(), large);
}

TEST_F(AzureFaults, AServiceThatIsNotThereIsUnavailable) {
  auto settings = settings_at(1);
  const auto nobody = storage::azure::AzureObjectStore::open(settings, quick(), kNever);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Code::unavailable);
  EXPECT_NE(nobody.error().message.find("after 4 attempts"), std::string::npos) << nobody.error().message;
}

}  // namespace
}  // namespace loom::azure_test
