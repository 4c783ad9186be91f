#include "mudra/data/write_dataset.h"

#include <zlib.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <memory>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/data/csv.h"
#include "mudra/data/write_forms.h"

namespace mudra {

void write_stream(const std::string& path, const std::function<void(const Write&)>& produce) {
  AtomicFile file(path);
  const bool packed = path.ends_with(".gz");
  std::unique_ptr<gzFile_s, int (*)(gzFile)> out(gzopen(file.temporary().c_str(), packed ? "wb" : "wbT"),
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
  file.commit();
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

std::vector<std::string> write_dataset(const Dataset& data, const std::string& path,
                                       const WriteOptions& options) {
  const auto ends = [&](std::string_view ending) { return path.ends_with(ending); };
  if (path.empty()) throw usage_error("has no name", "output", "Name a file or a folder");
  if (data.size() == 0) throw Error("holds no images to write", data.source);
  if (ends(".npz")) return write_npz(data, path, options);
  if (ends(".npy")) return write_npy(data, path, options.progress);
  if (ends(".csv") || ends(".csv.gz")) return write_csv(data, path, options.progress);
  if (ends(".idx") || ends(".idx.gz") || ends("idx3-ubyte") || ends("idx3-ubyte.gz"))
    return write_idx(data, path, options.progress);
  if (std::filesystem::path(path).has_extension() && !std::filesystem::is_directory(path)) {
    throw usage_error(
        "`" + std::filesystem::path(path).extension().string() + "` is no form of data that can be written",
        path, "End the name in .npz, .npy, .csv, .idx or idx3-ubyte, or give a folder's name");
  }
  return write_folder(data, path, options.progress);
}

}  // namespace mudra
