#pragma once
#include <string>
#include <vector>

namespace loom::api {

struct ReadyState {
  std::vector<std::string> lacking;        ///< what is not ready, a clause each; empty: all is
  std::vector<std::string> degraded = {};  ///< what does not work now, though the server can go on
  bool reading = false;                    ///< it takes no changes
};

/// As JSON: a Ready of doc/openapi.yaml.
std::string ready_json(const ReadyState& state);

}  // namespace loom::api
