#pragma once
#include <zlib.h>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.hpp"
#include "http/message.hpp"

namespace loom::http {

/// Whether an Accept-Encoding field lets us send gzip: it names gzip, x-gzip or *, not with q=0.
bool accepts_gzip(std::string_view accept_encoding);

/// Whether bodies of this Content-Type shrink: text, JSON, XML, JavaScript, SVG.
bool compressible(std::string_view content_type);

/// Compresses whole bodies, and keeps the compressed form of shared ones for as long as they are sent again.
/// One thread at a time. Errors: out_of_memory.
class Gzip {
 public:
  Gzip() = default;
  ~Gzip();
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  Result<std::string> compress(std::string_view text);
  /// As compress, remembering the last few bodies.
  Result<std::shared_ptr<const std::string>> compress_shared(const std::shared_ptr<const std::string>& text);
  /// The compressed form of `text` if it is remembered, or null.
  [[nodiscard]] std::shared_ptr<const std::string> kept(const std::shared_ptr<const std::string>& text) const;
  void keep(const std::shared_ptr<const std::string>& text, std::shared_ptr<const std::string> packed);

 private:
  struct Kept {
    std::weak_ptr<const std::string> of;
    std::shared_ptr<const std::string> packed;
  };
  void forget_dead();

  z_stream stream_{};
  bool ready_ = false;
  std::unordered_map<const std::string*, Kept> kept_;
};

}  // namespace loom::http
