#include "api/multipart.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace loom::api {
namespace {

/// Remembers parts whole.
class Parts final : public PartSink {
 public:
  struct Part {
    std::string name;
    std::string filename;
    std::string content_type;
    std::string data;
    bool ended = false;
    friend bool operator==(const Part&, const Part&) = default;
  };

  Status begin_part(PartHead head) override {
    parts.push_back({head.name, head.filename, head.content_type, {}, false});
    return ok();
  }
  Status part_data(std::string_view bytes) override {
    parts.back().data += bytes;
    return ok();
  }
  Status end_part() override {
    parts.back().ended = true;
    return ok();
  }

  std::vector<Part> parts;
};

struct Outcome {
  std::vector<Parts::Part> parts;
  std::string failure;  ///< empty: none
  Code code = Code::internal;
};

/// Feeds `body` in pieces that end at `cuts` (ascending).
Outcome read(std::string_view body, const std::vector<std::size_t>& cuts, std::string_view boundary = "XX") {
  Parts parts;
  MultipartParser parser(boundary, parts);
  std::size_t from = 0;
  const auto feed_to = [&](std::size_t to) {
    Status fed = parser.feed(body.substr(from, to - from));
    from = to;
    return fed;
  };
  Status status = ok();
  for (const std::size_t cut : cuts)
    if (status && cut >= from && cut <= body.size()) status = feed_to(cut);
  if (status) status = feed_to(body.size());
  if (status) status = parser.finish();
  if (status) return {parts.parts, {}, {}};
  return {parts.parts, status.error().message, status.error().code};
}

Outcome read_bytewise(std::string_view body) {
  std::vector<std::size_t> cuts;
  for (std::size_t i = 1; i < body.size(); ++i) cuts.push_back(i);
  return read(body, cuts);
}

std::string part(std::string_view disposition, std::string_view data) {
  return fmt::format("--XX\r\nContent-Disposition: form-data; {}\r\n\r\n{}\r\n", disposition, data);
}

TEST(Multipart, FieldsAndAFileByteByByte) {
  const std::string body =
      "a preamble\r\n" + part("name=\"program\"", "blastp") +
      "--XX\r\ncontent-type: text/plain\r\nContent-Disposition: form-data; filename=\"a;b \\\"c\\\".fa\"; "
      "name=query\r\n\r\n>q\r\n--X\r\nMKV\r\n--XX--\r\nan epilogue";
  for (const Outcome& got : {read(body, {}), read_bytewise(body)}) {
    EXPECT_EQ(got.failure, "");
    ASSERT_EQ(got.parts.size(), 2U);
    EXPECT_EQ(got.parts[0], (Parts::Part{"program", "", "", "blastp", true}));
    EXPECT_EQ(got.parts[1], (Parts::Part{"query", "a;b \"c\".fa", "text/plain", ">q\r\n--X\r\nMKV", true}));
  }
}

TEST(Multipart, EmptyPartAndPaddingAfterTheBoundary) {
  const std::string body = "--XX \t\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n--XX--";
  const Outcome got = read_bytewise(body);
  EXPECT_EQ(got.failure, "");
  ASSERT_EQ(got.parts.size(), 1U);
  EXPECT_EQ(got.parts[0], (Parts::Part{"a", "", "", "", true}));
}

TEST(Multipart, BackslashesOfWindowsPathsStay) {
  const Outcome got = read(part(R"(name="query"; filename="C:\reads.fa")", "x") + "--XX--", {});
  ASSERT_EQ(got.parts.size(), 1U);
  EXPECT_EQ(got.parts[0].filename, R"(C:\reads.fa)");
}

TEST(Multipart, WhatIsNoFormIsRefused) {
  const std::vector<std::string> wrong{
      "",
      "program=blastp",
      part("name=\"a\"", "cut"),
      "--X",
      "--XXjunk\r\n\r\n",
      "--XX\r\n\r\n\r\n--XX--",
      "--XX\r\nno colon\r\n\r\n\r\n--XX--",
      "--XX\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n\r\n--XX--",
      "--XX\r\nContent-Disposition: form-data\r\n\r\n\r\n--XX--",
      std::string(20'000, 'p') + "\r\n--XX--",
  };
  for (const std::string& body : wrong) {
    const Outcome got = read(body, {});
    EXPECT_NE(got.failure, "") << body.substr(0, 60);
    EXPECT_EQ(got.code, Code::invalid_argument) << body.substr(0, 60);
    EXPECT_EQ(read_bytewise(body).failure, got.failure);
  }
}

TEST(Multipart, LimitsOfPartsAndHeads) {
  std::string many;
  for (std::size_t i = 0; i < MultipartParser::kMostParts; ++i) many += part("name=\"a\"", "");
  EXPECT_EQ(read(many + "--XX--", {}).failure, "");
  EXPECT_EQ(read(many + part("name=\"a\"", "") + "--XX--", {}).code, Code::too_large);
  const std::string head = "--XX\r\nX: " + std::string(MultipartParser::kMostHeadBytes, 'x');
  EXPECT_EQ(read(head, {}).code, Code::too_large);
  EXPECT_EQ(read_bytewise(head).code, Code::too_large);
}

TEST(Multipart, BoundaryOfAContentType) {
  EXPECT_EQ(*MultipartParser::boundary_of("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(*MultipartParser::boundary_of("multipart/form-data; charset=x; Boundary=\"a b;c\""), "a b;c");
  EXPECT_FALSE(MultipartParser::boundary_of("multipart/form-data"));
  EXPECT_FALSE(MultipartParser::boundary_of("multipart/form-data; boundary="));
  EXPECT_FALSE(MultipartParser::boundary_of("multipart/form-data; boundary=" + std::string(71, 'b')));
}

// Texts in which boundaries nearly begin, ended or not.
rc::Gen<std::string> near_boundaries() {
  const auto piece =
      rc::gen::element<std::string>("\r", "\n", "\r\n", "-", "--", "X", "\r\n--X", "\r\n--XX", "--XX",
                                    ">q\nMKV", "\r\n\r\n", "Content-Disposition: form-data; name=a",
                                    "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n", ":");
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece),
                      [](const std::vector<std::string>& all) {
                        std::string text;
                        for (const std::string& one : all) text += one;
                        return text;
                      });
}

RC_GTEST_PROP(MultipartProperty, AnySplitGivesTheSameParts, ()) {
  const std::string body = part("name=first", *near_boundaries()) + *near_boundaries() +
                           *rc::gen::element<std::string>("\r\n--XX--", "");
  auto cuts =
      *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, body.size() + 1));
  std::ranges::sort(cuts);
  const Outcome whole = read(body, {});
  const Outcome split = read(body, cuts);
  RC_ASSERT(split.failure == whole.failure);
  // Where the form is broken, more or less of its last part's data may have been handed out.
  if (whole.failure.empty()) RC_ASSERT(split.parts == whole.parts);
}

RC_GTEST_PROP(MultipartProperty, WhatIsWrittenIsRead, ()) {
  const auto data = *rc::gen::container<std::vector<std::string>>(near_boundaries());
  RC_PRE(data.size() <= MultipartParser::kMostParts);
  std::string body;
  std::size_t expected = 0;
  for (const std::string& one : data) {
    // A boundary in the data is the client's to avoid.
    if (("\r\n" + one + "\r\n").find("\r\n--XX") != std::string::npos) continue;
    body += part(fmt::format("name=\"{}\"", expected++), one);
  }
  const Outcome got = read(body + "--XX--", {});
  RC_ASSERT(got.failure.empty());
  RC_ASSERT(got.parts.size() == expected);
  std::size_t at = 0;
  for (const std::string& one : data) {
    if (("\r\n" + one + "\r\n").find("\r\n--XX") != std::string::npos) continue;
    RC_ASSERT(got.parts[at].data == one);
    ++at;
  }
}

}  // namespace
}  // namespace loom::api
