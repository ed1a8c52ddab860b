#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include "api/api_under_test.hpp"
#include "base/sha256.hpp"

namespace loom::api {
namespace {

std::map<std::string, std::string> unzip(const std::string& bytes) {
  std::map<std::string, std::string> files;
  archive* zip = archive_read_new();
  archive_read_support_format_zip(zip);
  EXPECT_EQ(archive_read_open_memory(zip, bytes.data(), bytes.size()), ARCHIVE_OK);
  archive_entry* entry = nullptr;
  while (archive_read_next_header(zip, &entry) == ARCHIVE_OK) {
    std::string& text = files[archive_entry_pathname(entry)];
    std::string block(4096, '\0');
    for (la_ssize_t came = 1; came > 0;) {
      came = archive_read_data(zip, block.data(), block.size());
      EXPECT_GE(came, 0) << archive_error_string(zip);
      if (came > 0) text.append(block, 0, static_cast<std::size_t>(came));
    }
  }
  archive_read_free(zip);
  return files;
}

TEST_F(ApiTest, ResultsAreListed) {
  start();
  jobs_.add_file("output.outfmt-6", "6", "0123456789");
  const auto listed = json(get(path(1, "/results")));
  EXPECT_EQ(listed.at("files").at(0).at("size_bytes"), 10);
  EXPECT_EQ(listed.at("files").at(0).at("sha256").as_string(), std::string(64, 'a'));
  EXPECT_EQ(get(std::string(listed.at("files").at(0).at("href").as_string())).body, "0123456789");
  EXPECT_EQ(get(path(1, "/results/files/other")).status, 404);
}

/// Of a large file, the sum comes later; the archive, which reads it anyhow, finds it on the way.
TEST_F(ApiTest, ASumThatIsNotKnownYetIsNullAndKeepsNobodyWaiting) {
  start();
  jobs_.jobs = {make_job(1)};
  jobs_.add_file("output.outfmt-6", "6", "0123456789");
  service::ResultFile& file = jobs_.files.front();
  file.sha256.clear();
  file.object = storage::ObjectInfo{storage::ObjectKey::parse("jobs/1/output").value(), 10, "v7"};
  const auto listed = json(get(path(1, "/results"))).at("files").at(0).as_object();
  EXPECT_TRUE(listed.at("sha256").is_null());
  EXPECT_TRUE(listed.at("sha256_pending").as_bool());
  const std::string output = path(1, "/results/output");
  const Reply whole = get(output);
  EXPECT_EQ(whole.body, "0123456789");
  const std::string etag = whole.field("ETag");
  EXPECT_EQ(etag, "\"v7\"");
  file.sha256 = std::string(64, 'b');
  EXPECT_EQ(get(output, "If-None-Match: " + etag + "\r\n").status, 304) << "the content is the same";
  EXPECT_FALSE(json(get(path(1, "/results"))).at("files").at(0).as_object().contains("sha256_pending"));
  file.sha256.clear();
  const auto files = unzip(get(path(1, "/results/archive.zip")).body);
  const auto manifest = boost::json::parse(files.at("blast-00000000/MANIFEST.json"));
  EXPECT_EQ(manifest.at("files").at(0).at("sha256").as_string(), sha256_hex("0123456789"));
}

TEST_F(ApiTest, OutputWholeAndInParts) {
  start();
  jobs_.add_file("output.outfmt-6", "6", "0123456789");
  const std::string output = path(1, "/results/output?outfmt=6%20evalue");
  const Reply whole = get(output);
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(whole.body, "0123456789");
  EXPECT_EQ(jobs_.rendered_as, "6 evalue");
  EXPECT_EQ(whole.field("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(whole.field("Content-Disposition"),
            "attachment; filename=\"blast-00000000-output.outfmt-6.tsv\"");
  const std::string etag = whole.field("ETag");
  EXPECT_EQ(etag, "\"" + std::string(64, 'a') + "\"");
  const Reply part = get(output, "Range: bytes=2-4\r\nIf-Range: " + etag + "\r\n");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "234");
  EXPECT_EQ(part.field("Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(get(output, "Range: bytes=-1\r\n").body, "9");
  EXPECT_EQ(get(output, "Range: bytes=2-4\r\nIf-Range: \"old\"\r\n").status, 200);
  const Reply outside = get(output, "Range: bytes=10-\r\n");
  EXPECT_EQ(outside.status, 416);
  EXPECT_EQ(outside.field("Content-Range"), "bytes */10");
  EXPECT_EQ(json(outside).at("status"), 416);
  EXPECT_EQ(get(output, "If-None-Match: " + etag + "\r\n").status, 304);
}

TEST_F(ApiTest, DownloadsAtOnceAreBounded) {
  streams_ = {.most = 1, .wait = std::chrono::milliseconds(100), .look = std::chrono::milliseconds(5)};
  start();
  jobs_.jobs = {make_job(1)};
  jobs_.add_file("output.outfmt-6", "6", std::string(std::size_t{32} << 20U, 'x'));
  const std::string file = path(1, "/results/files/output.outfmt-6");
  http::RawClient slow(server_->port(), 4096);
  slow.send("GET " + file + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_EQ(slow.head().status, 200);
  const Reply refused = get(path(1, "/results/archive.zip"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.field("Retry-After"), "2");
  EXPECT_EQ(member(refused, "detail"),
            "as many downloads run as may at once (1); try again when one has ended");
  EXPECT_EQ(get(file, "If-None-Match: \"" + std::string(64, 'a') + "\"\r\n").status, 304)
      << "it reads nothing";
  slow.close();
  int status = 503;
  for (const Instant end = steady_clock().now() + std::chrono::seconds(60);
       status == 503 && steady_clock().now() < end;)
    status = get(file, "Range: bytes=0-9\r\n").status;
  EXPECT_EQ(status, 206);
}

TEST_F(ApiTest, OutputThatTakesLong) {
  start();
  jobs_.rendering = true;
  const Reply reply = get(path(1, "/results/output?outfmt=5"));
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(reply.body, R"({"status":"rendering"})");
  EXPECT_EQ(reply.field("Retry-After"), "2");
  jobs_.failure = error(Code::invalid_argument, "no such format");
  EXPECT_EQ(member(get(path(1, "/results/output?outfmt=99")), "field"), "outfmt");
}

TEST_F(ApiTest, AFileShorterThanItsRecordCutsTheReply) {
  start();
  jobs_.add_file("output.outfmt-6", "6", "0123456789");
  jobs_.contents["output.outfmt-6"] = "012";
  EXPECT_LT(get(path(1, "/results/output")).body.size(), 10U);
}

TEST_F(ApiTest, TheArchiveHoldsAllFilesAndAManifest) {
  start();
  std::string large;
  for (int i = 0; large.size() < 700'000; ++i) large += fmt::format("{}\t{}\n", i, i * 7919 % 10'007);
  jobs_.jobs = {make_job(1)};
  jobs_.add_file("output.outfmt-6", "6", large);
  jobs_.add_file("messages.txt", "", "");
  const Reply reply = get(path(1, "/results/archive.zip"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_LT(reply.body.size(), large.size() / 2);
  const auto files = unzip(reply.body);
  ASSERT_EQ(files.size(), 7U);
  EXPECT_TRUE(files.at("blast-00000000/search.sh").starts_with("#!/bin/sh\n"));
  EXPECT_TRUE(files.contains("blast-00000000/methods.txt"));
  EXPECT_TRUE(files.contains("blast-00000000/references.bib"));
  EXPECT_TRUE(files.at("blast-00000000/output.outfmt-6") == large);
  EXPECT_EQ(files.at("blast-00000000/messages.txt"), "");
  const auto manifest = boost::json::parse(files.at("blast-00000000/MANIFEST.json"));
  EXPECT_EQ(manifest.at("files").at(0).at("size_bytes").to_number<std::size_t>(), large.size());
  const auto& last = manifest.at("files").as_array().back();
  EXPECT_EQ(last.at("name"), "search.sh");
  EXPECT_EQ(last.at("size_bytes").to_number<std::size_t>(), files.at("blast-00000000/search.sh").size());
}

}  // namespace
}  // namespace loom::api
