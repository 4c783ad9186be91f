#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "mudra/core/error.h"
#include "mudra/data/image_file.h"
#include "mudra/data/write_forms.h"

namespace mudra {
namespace {

namespace fs = std::filesystem;

// One of many files in a folder that is synced as a whole.
void write_unsynced(const std::string& path, const std::string& bytes) {
  FILE* file = std::fopen(path.c_str(), "wb");
  const bool written = file != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  const bool closed = file != nullptr && std::fclose(file) == 0;
  if (!written || !closed) {
    throw Error(std::string("cannot write: ") + std::strerror(errno), path,
                "Free some space or choose another folder");
  }
}

void sync_all(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::syncfs(descriptor);
  ::close(descriptor);
}

}  // namespace

Notes write_folder(const Dataset& data, const std::string& path, const Progress& progress) {
  for (const std::string& name : data.classes) {
    if (name.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos || name.starts_with(".")) {
      throw Error("class `" + name + "` cannot be the name of a folder", path, "Write .npz or .csv");
    }
  }
  std::string target = path;
  while (target.size() > 1 && target.ends_with("/")) target.pop_back();
  std::error_code error;
  if (fs::exists(target, error)) throw usage_error("is there already", target, "Name a folder that is new");
  const std::string building = target + ".partial";
  fs::remove_all(building, error);
  for (const std::string& name : data.classes) {
    if (!fs::create_directories(building + "/" + name, error) && error) {
      throw Error("cannot make a folder: " + error.message(), building, "Choose a folder you may write to");
    }
  }
  std::vector<std::string> files;
  const Shape& shape = data.pixels.shape();
  const int channels = static_cast<int>(shape[3]);
  Image image{static_cast<int>(shape[1]), static_cast<int>(shape[2]), channels, {}};
  image.bytes.resize(static_cast<size_t>(shape.per_example()));
  std::vector<float> values(image.bytes.size());
  try {
    for (int64_t row = 0; row < data.size(); ++row) {
      tell(progress, row, data.size());
      data.pixels.read(row, values.data());
      std::transform(values.begin(), values.end(), image.bytes.begin(), to_byte);
      char number[32];
      std::snprintf(number, sizeof number, "/%07lld.png", static_cast<long long>(row));
      files.push_back(data.classes[static_cast<size_t>(data.labels[static_cast<size_t>(row)])] + number);
      write_unsynced(building + "/" + files.back(), encode_png(image));
    }
    write_groups(data, building + "/groups.csv", files);
    sync_all(building);
    fs::rename(building, target);
  } catch (...) {
    fs::remove_all(building, error);
    throw;
  }
  Notes notes;
  if (!data.groups.empty())
    notes.push_back("groups are in " + target + "/groups.csv, which is read with the pictures");
  if (!data.pixels.is_bytes()) notes.push_back("pixels were rounded to 8 bits");
  return notes;
}

}  // namespace mudra
