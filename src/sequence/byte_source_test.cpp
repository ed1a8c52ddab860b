#include "sequence/byte_source.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "sequence/memory_source.hpp"

namespace loom::sequence {
namespace {

class ByteSourceTest : public testing::Test {
 protected:
  ByteSourceTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "loom-source-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~ByteSourceTest() override { std::filesystem::remove_all(folder_); }

  std::string write(std::string_view name, std::string_view bytes) const {
    const auto path = folder_ / name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path.string();
  }

  std::filesystem::path folder_;
};

/// `bytes` as one gzip member.
std::string gzip(std::string_view bytes) {
  z_stream stream{};
  constexpr int kGzip = 15 + 16;
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string text(bytes);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

Result<std::string> read_all(ByteSource& source) {
  std::string all;
  std::array<char, 777> chunk{};
  for (;;) {
    LOOM_TRY(const std::size_t got, source.read(chunk));
    if (got == 0) return all;
    all.append(chunk.data(), got);
  }
}

Result<std::string> read_path(const std::string& path) {
  LOOM_TRY(const auto source, open_byte_source(path));
  return read_all(*source);
}

std::string incompressible(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 1;
  for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

TEST_F(ByteSourceTest, PlainFilesComeThroughUnchanged) {
  for (const std::string& bytes : {std::string(), std::string("x"), std::string("\x1f"),
                                   std::string("a\0b\r\n", 5), "plain " + incompressible(1'000'000)}) {
    EXPECT_EQ(read_path(write("plain", bytes)).value(), bytes);
  }
}

TEST_F(ByteSourceTest, GzipIsUnpackedMemberAfterMember) {
  const std::string first = incompressible(300'000);
  const std::string path = write("a.gz", gzip(first) + gzip("") + gzip("second"));
  EXPECT_EQ(read_path(path).value(), first + "second");
}

TEST_F(ByteSourceTest, GzipIsKnownByItsBytesNotItsName) {
  EXPECT_EQ(read_path(write("no_suffix", gzip(">q\nMKV\n"))).value(), ">q\nMKV\n");
  EXPECT_EQ(read_path(write("plain.gz", ">q\nMKV\n")).value(), ">q\nMKV\n");
}

TEST_F(ByteSourceTest, GzipCutShortAnywhereIsAnErrorThatNamesTheFile) {
  const std::string whole = gzip(incompressible(2'000));
  for (std::size_t length = 3; length < whole.size(); ++length) {
    const auto read = read_path(write("cut.gz", whole.substr(0, length)));
    ASSERT_FALSE(read) << length << " of " << whole.size() << " bytes";
    EXPECT_EQ(read.error().code, Code::corrupt);
    EXPECT_NE(read.error().message.find("cut.gz: the gzip data is cut short"), std::string::npos)
        << read.error().message;
  }
}

TEST_F(ByteSourceTest, ASecondMemberCutShortIsAnErrorToo) {
  const std::string second = gzip(incompressible(2'000));
  const auto read = read_path(write("cut.gz", gzip("first") + second.substr(0, second.size() / 2)));
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("cut short"), std::string::npos) << read.error().message;
}

TEST_F(ByteSourceTest, DamagedGzipIsAnError) {
  std::string bytes = gzip(incompressible(2'000));
  bytes[bytes.size() - 6] ^= 1;  // in the CRC
  const auto read = read_path(write("bad.gz", bytes));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::corrupt);
  EXPECT_NE(read.error().message.find("bad.gz: the gzip data is damaged"), std::string::npos);
}

TEST_F(ByteSourceTest, APipeIsReadToItsEnd) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  Fd out(ends[1]);
  const std::string packed = gzip("through a pipe");
  ASSERT_EQ(::write(out.get(), packed.data(), packed.size()), static_cast<ssize_t>(packed.size()));
  out.reset();
  const auto source = byte_source_of(Fd(ends[0]), "standard input");
  EXPECT_EQ(read_all(*source).value(), "through a pipe");
}

TEST_F(ByteSourceTest, BytesMayComeOneByOne) {
  const std::string long_text = incompressible(5'000);
  for (const std::string& bytes : {gzip(long_text) + gzip("second"), long_text, std::string("\x1f")}) {
    const auto source = unpacked(std::make_unique<MemorySource>(bytes, 1), "it");
    const std::string expected = bytes.starts_with("\x1f\x8b") ? long_text + "second" : bytes;
    EXPECT_EQ(read_all(*source).value(), expected);
  }
}

TEST_F(ByteSourceTest, WhatIsBehindTheLastMemberIsLeftOut) {
  EXPECT_EQ(read_path(write("a.gz", gzip("text") + std::string(1000, '\0'))).value(), "text");
  EXPECT_EQ(read_path(write("a.gz", gzip("text") + "\x1f")).value(), "text");
}

TEST_F(ByteSourceTest, MissingFilesAndFoldersAreNamed) {
  const auto missing = open_byte_source((folder_ / "none.fa").string());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::not_found);
  EXPECT_NE(missing.error().message.find("none.fa"), std::string::npos);
  const auto folder = read_path(folder_.string());
  ASSERT_FALSE(folder);
  EXPECT_NE(folder.error().message.find(folder_.string()), std::string::npos) << folder.error().message;
}

}  // namespace
}  // namespace loom::sequence
