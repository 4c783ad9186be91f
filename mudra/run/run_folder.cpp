#include "mudra/run/run_folder.h"

#include <cerrno>
#include <cstring>
#include <system_error>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"

namespace mudra {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void refuse(const fs::path& folder, const std::error_code& error, const std::string& option) {
  throw Error("cannot make the run's folder: " + error.message(), folder.string(),
              "Choose another with " + option + ", or free the name");
}

}  // namespace

fs::path make_run_folder(const std::string& out, const std::string& name, const std::string& option) {
  std::error_code error;
  if (!out.empty()) {
    fs::create_directories(out, error);
    if (error) refuse(out, error, option);
    if (fs::exists(fs::path(out) / "model.safetensors")) {
      throw Error("already holds a model", out,
                  "Choose another folder with " + option + ", or remove this one");
    }
    if (fs::exists(fs::path(out) / "checkpoint.safetensors")) {
      throw Error("holds a run that was stopped", out,
                  "Go on with it by --resume " + out + ", choose another folder with " + option +
                      ", or remove this one");
    }
    // Fail now rather than after training.
    const fs::path probe = fs::path(out) / ".writable";
    write_file_atomically(probe, "");
    fs::remove(probe, error);
    return out;
  }
  fs::create_directories("runs", error);
  if (error) refuse("runs", error, option);
  for (int number = 1;; ++number) {
    fs::path folder = fs::path("runs") / (name + "-" + std::to_string(number));
    if (fs::create_directory(folder, error)) return folder;  // one of two processes wins
    if (error) refuse(folder, error, option);
  }
}

}  // namespace mudra
