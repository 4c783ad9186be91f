// Runs a committed reference script with the system's Python and reads what it wrote.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace mudra {

inline std::string source_file(const std::string& path) { return std::string(MUDRA_SOURCE_DIR) + "/" + path; }

// A file or folder of the photographs that may lie beside the checkout, or where MUDRA_PHOTOGRAPHS says. They
// are not part of the project: a test that needs them starts with MUDRA_NEEDS(path).
inline std::string photographs(const std::string& path) {
  const char* elsewhere = std::getenv("MUDRA_PHOTOGRAPHS");
  return (elsewhere ? elsewhere : source_file("../shared/data")) + "/" + path;
}
#define MUDRA_NEEDS(path) \
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "the photographs are not here: " << (path)

// Whether the system's Python has a module.
inline bool python_has(const std::string& module) {
  return std::system(("/usr/bin/python3 -c 'import " + module + "' 2>/dev/null").c_str()) == 0;
}

// A folder of the test's own, made empty, removed at the end.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "mudra-test-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("cannot make " + name);
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Exit status of `/usr/bin/python3 tests/reference/SCRIPT ARGUMENTS`.
inline int run_reference(const std::string& script, const std::string& arguments) {
  return std::system(
      ("/usr/bin/python3 '" + source_file("tests/reference/" + script) + "' " + arguments).c_str());
}

// A raw array.
template <class T>
std::vector<T> read_raw(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(in)), {});
  std::vector<T> values(bytes.size() / sizeof(T));
  std::copy_n(bytes.data(), values.size() * sizeof(T), reinterpret_cast<char*>(values.data()));
  return values;
}

}  // namespace mudra
