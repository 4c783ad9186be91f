#include "mudra/data/write_dataset.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/core/text.h"
#include "mudra/data/csv.h"
#include "mudra/data/image_file.h"
#include "mudra/data/write_forms.h"

namespace mudra {

std::unique_ptr<AtomicFile> make_stream(const std::string& path, const Produce& produce) {
  auto file = std::make_unique<AtomicFile>(path);
  const bool packed = path.ends_with(".gz");
  std::unique_ptr<gzFile_s, int (*)(gzFile)> out(gzopen(file->temporary().c_str(), packed ? "wb" : "wbT"),
                                                 gzclose);
  const auto check = [&](bool good) {
    if (!good)
      throw Error(std::string("cannot write: ") + std::strerror(errno), path,
                  "Free some space or choose another folder");
  };
  check(out != nullptr && gzbuffer(out.get(), 1 << 18) == 0);
  produce([&](std::string_view bytes) {
    check(gzfwrite(bytes.data(), 1, bytes.size(), out.get()) == bytes.size());
  });
  check(gzclose(out.release()) == Z_OK);
  return file;
}

void tell(const Progress& progress, int64_t row, int64_t rows) {
  if (row % 1024 == 0) progress(row, rows);
}

void write_groups(const Dataset& data, const std::string& path, const std::vector<std::string>& files) {
  if (data.groups.empty()) return;
  write_stream(path, [&](const Write& write) {
    write(files.empty() ? "label,group\n" : "file,label,group\n");
    for (size_t i = 0; i < data.groups.size(); ++i) {
      std::string line = files.empty() ? "" : csv_field(files[i]) + ",";
      line += csv_field(data.classes[static_cast<size_t>(data.labels[i])]) + ",";
      line += csv_field(data.group_names[static_cast<size_t>(data.groups[i])]) + "\n";
      write(line);
    }
  });
}

Notes write_csv(const Dataset& data, const std::string& path, const Progress& progress) {
  const bool bytes = writes_bytes(data.pixels);
  const auto values = static_cast<size_t>(data.pixels.shape().per_example());
  write_stream(path, [&](const Write& write) {
    std::string line = data.groups.empty() ? "label" : "label,group";
    for (size_t i = 1; i <= values; ++i) line += ",pixel" + std::to_string(i);
    write(line + "\n");
    std::vector<float> image(values);
    std::array<char, 32> text;
    for (int64_t row = 0; row < data.size(); ++row) {
      tell(progress, row, data.size());
      const auto i = static_cast<size_t>(row);
      line = csv_field(data.classes[static_cast<size_t>(data.labels[i])]);
      if (!data.groups.empty())
        line += "," + csv_field(data.group_names[static_cast<size_t>(data.groups[i])]);
      if (!bytes) data.pixels.read(row, image.data());
      for (size_t p = 0; p < values; ++p) {
        // The shortest text that reads back as the same float.
        char* const end = text.data() + text.size();
        const auto written = bytes ? std::to_chars(text.data(), end, data.pixels.bytes(row)[p])
                                   : std::to_chars(text.data(), end, image[p]);
        line += ',';
        line.append(text.data(), written.ptr);
      }
      write(line + "\n");
    }
  });
  Notes notes;
  const Shape& shape = data.pixels.shape();
  if (shape[3] != 1 || shape[1] != shape[2]) {
    notes.push_back("lines do not say the shape: read them with --size " + std::to_string(shape[1]) + "x" +
                    std::to_string(shape[2]));
  }
  return notes;
}

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
  const bool synced = ::syncfs(descriptor) == 0;
  const int error = errno;
  ::close(descriptor);
  if (!synced)
    throw Error(std::string("cannot write: ") + std::strerror(error), folder,
                "Free some space or choose another folder");
}

// A new folder beside `target` that is gone with the object.
class Staging {
 public:
  explicit Staging(const std::string& target) : path_(target + ".mudra-XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr)
      throw Error(std::string("cannot make a folder: ") + std::strerror(errno), target,
                  "Choose a folder you may write to");
  }
  ~Staging() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

Notes write_folder(const Dataset& data, const std::string& path, const Progress& progress) {
  for (const std::string& name : data.classes) {
    if (name.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos || name.starts_with(".") ||
        name.empty() || name.size() > NAME_MAX) {
      throw Error("class `" + shorten(name, 40) + "` cannot be the name of a folder" +
                      (name.size() > NAME_MAX ? ": it has " + std::to_string(name.size()) + " bytes" : ""),
                  path, "Write .npz or .csv");
    }
  }
  std::string target = path;
  while (target.size() > 1 && target.ends_with("/")) target.pop_back();
  target = followed(target).string();
  std::error_code error;
  if (fs::exists(target, error)) throw usage_error("is there already", target, "Name a folder that is new");
  if (const fs::path above = fs::path(target).parent_path(); !above.empty()) {
    fs::create_directories(above, error);
  }
  const Staging staging(target);
  const std::string building = staging.path() + "/folder";  // with the permissions that folders have here
  for (const std::string& name : data.classes) {
    if (!fs::create_directories(building + "/" + name, error) && error) {
      throw Error("cannot make a folder: " + error.message(), building + "/" + name,
                  "Choose a folder you may write to");
    }
  }
  std::vector<std::string> files;
  const Shape& shape = data.pixels.shape();
  const int channels = static_cast<int>(shape[3]);
  Image image{static_cast<int>(shape[1]), static_cast<int>(shape[2]), channels, {}};
  image.bytes.resize(static_cast<size_t>(shape.per_example()));
  std::vector<float> values(image.bytes.size());
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
  fs::rename(building, target, error);
  if (error) throw Error("cannot write: " + error.message(), target, "Name a folder that is new");
  Notes notes;
  if (!data.groups.empty())
    notes.push_back("groups are in " + target + "/groups.csv, which is read with the pictures");
  if (!data.pixels.is_bytes()) notes.push_back("pixels were rounded to 8 bits");
  return notes;
}

namespace {

Notes write_form(const Dataset& data, const std::string& path, const WriteOptions& options) {
  const auto ends = [&](std::string_view ending) { return path.ends_with(ending); };
  if (path.empty()) throw usage_error("has no name", "output", "Name a file or a folder");
  if (data.size() == 0) throw Error("holds no images to write", data.source);
  if (ends(".npz")) return write_npz(data, path, options);
  if (ends(".npy")) return write_npy(data, path, options.progress);
  if (ends(".csv") || ends(".csv.gz")) return write_csv(data, path, options.progress);
  if (ends(".idx") || ends(".idx.gz") || ends("idx3-ubyte") || ends("idx3-ubyte.gz"))
    return write_idx(data, path, options.progress);
  if (fs::path(path).has_extension() && !fs::is_directory(path)) {
    throw usage_error("`" + fs::path(path).extension().string() + "` is no form of data that can be written",
                      path, "End the name in .npz, .npy, .csv, .idx or idx3-ubyte, or give a folder's name");
  }
  return write_folder(data, path, options.progress);
}

}  // namespace

std::vector<std::string> write_dataset(const Dataset& data, const std::string& path,
                                       const WriteOptions& options) {
  Notes notes = write_form(data, path, options);
  if (data.targets && !path.ends_with(".npz"))
    notes.push_back("targets were left out: .npz has a place for them");
  return notes;
}

}  // namespace mudra
