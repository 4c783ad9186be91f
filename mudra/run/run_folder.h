// The folder a run leaves behind:
//   model.safetensors   options.toml   metrics.jsonl   split.json   (while it trains: checkpoint.safetensors)
#pragma once

#include <filesystem>
#include <string>

namespace mudra {

// Makes `out` (with parents), or if it is empty runs/NAME-1, runs/NAME-2, ...: the first that is free. Throws
// Error when it cannot be made or `out` already holds a model or a run that was stopped. `option` is the one
// that chose `out`.
std::filesystem::path make_run_folder(const std::string& out, const std::string& name,
                                      const std::string& option = "--out");

}  // namespace mudra
