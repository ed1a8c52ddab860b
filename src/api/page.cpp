#include "api/page.hpp"

#include <array>
#include <utility>

#include "api/list_cache.hpp"
#include "api/replies.hpp"

namespace loom::api {

namespace {

constexpr std::string_view kIndex = "/index.html";
// What the page may do: fetch from this server, and nothing from anywhere else.
constexpr std::string_view kPolicy =
    "default-src 'self'; img-src 'self' blob: data:; base-uri 'self'; form-action 'self'; frame-ancestors "
    "'none'; "
    "object-src 'none'";

std::string_view type_of(std::string_view path) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kTypes{
      {{".html", "text/html; charset=utf-8"},
       {".js", "text/javascript; charset=utf-8"},
       {".css", "text/css; charset=utf-8"},
       {".svg", "image/svg+xml"},
       {".json", "application/json"},
       {".png", "image/png"},
       {".woff2", "font/woff2"}}};
  for (const auto& [extension, type] : kTypes)
    if (path.ends_with(extension)) return type;
  return "application/octet-stream";
}

/// The page's places are one level deep, so that relative addresses mean the same in all of them.
bool is_place(std::string_view path) {
  return path.find_first_of("/.", 1) == std::string_view::npos;
}

}  // namespace

Page::Page(std::span<const PageFile> files) {
  for (const PageFile& file : files)
    files_.emplace(file.path, File{.bytes = std::make_shared<const std::string>(file.bytes),
                                   .etag = etag_of(file.bytes),
                                   .type = type_of(file.path),
                                   .forever = file.path.starts_with("/assets/")});
}

http::Response Page::reply(const http::Request& request, const File& file) {
  http::Response response = tagged_reply(request, file.type, file.etag, file.bytes);
  for (auto& [name, value] : response.headers)
    if (name == "Cache-Control") value = file.forever ? "public, max-age=31536000, immutable" : "no-cache";
  response.headers.emplace_back("Content-Security-Policy", kPolicy);
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Referrer-Policy", "same-origin");
  return response;
}

std::unique_ptr<http::Response> Page::find(const http::Request& request) const {
  using boost::beast::http::verb;
  if (request.method != verb::get && request.method != verb::head) return nullptr;
  auto file = files_.find(request.path);
  if (file == files_.end() && is_place(request.path)) file = files_.find(kIndex);
  if (file == files_.end()) return nullptr;
  return std::make_unique<http::Response>(reply(request, file->second));
}

}  // namespace loom::api
