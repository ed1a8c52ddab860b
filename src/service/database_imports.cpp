#include "service/database_imports.hpp"

#include <algorithm>
#include <array>

namespace loom::service {

namespace fs = std::filesystem;

Result<fs::path> import_path(const fs::path& folder, const std::string& path) {
  if (folder.empty())
    return error(Code::forbidden,
                 "this server takes no files of its machine in; its operator allows a folder by 'serve "
                 "--import-dir DIR', or send the text itself");
  const fs::path wanted(path);
  const bool plain = !path.empty() && wanted.is_relative() &&
                     std::ranges::none_of(wanted, [](const fs::path& one) { return one == ".."; });
  std::error_code failed;
  const fs::path root = fs::canonical(folder, failed);
  if (failed) return system_error(failed.value(), "the import folder");
  fs::path file = plain ? fs::weakly_canonical(root / wanted, failed) : fs::path();
  const bool inside = std::mismatch(root.begin(), root.end(), file.begin(), file.end()).first == root.end();
  if (!plain || failed || !inside)
    return error(Code::invalid_argument, "path: a path inside the import folder is needed, not '{}'",
                 path.substr(0, 200));
  return file;
}

Status import_object(storage::ObjectStore& objects, const std::string& key, QueryUpload& into) {
  const Deadline soon = Deadline::in(std::chrono::seconds(60));
  auto parsed = storage::ObjectKey::parse(key);
  if (!parsed) return parsed.error();
  if (!key.starts_with(kImports))
    return error(Code::invalid_argument, "object: databases are built from objects below '{}', not '{}'",
                 kImports, key.substr(0, 200));
  LOOM_TRY(const auto reader, objects.open_reader(*parsed, soon));
  std::string block(std::size_t{1} << 20U, '\0');
  for (;;) {
    LOOM_TRY(const std::size_t got,
             reader->read(std::as_writable_bytes(std::span(block)), Deadline::in(std::chrono::seconds(60))));
    if (got == 0) return ok();
    LOOM_CHECKED(into.write(std::string_view(block).substr(0, got)));
  }
}

}  // namespace loom::service
