#pragma once
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace loom::api {

/// A file of the web page, in the program itself.
struct PageFile {
  std::string_view path;  ///< "/index.html", "/assets/index-Xy3.js"
  std::string_view bytes;
};

/// All of them; web/CMakeLists.txt builds them in, and only the program links them.
std::span<const PageFile> page_files();

/// The web page: files under their paths; any other path of one word is the page itself, which finds its
/// place from the address. Thread-safe; never blocks.
class Page {
 public:
  /// `files` lives as long as the program.
  explicit Page(std::span<const PageFile> files);

  /// Null: nothing of the page lies there.
  [[nodiscard]] std::unique_ptr<http::Response> find(const http::Request& request) const;

 private:
  struct File {
    std::shared_ptr<const std::string> bytes;
    std::string etag;
    std::string_view type;
    bool forever;  ///< its name holds a hash of its contents
  };
  [[nodiscard]] static http::Response reply(const http::Request& request, const File& file);

  std::map<std::string, File, std::less<>> files_;
};

}  // namespace loom::api
