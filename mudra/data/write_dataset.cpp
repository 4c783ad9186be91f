#include "mudra/data/write_dataset.h"

#include <zlib.h>

#include <array>
#include <filesystem>
#include <memory>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/data/csv.h"
#include "mudra/data/write_forms.h"

namespace mudra {

void write_stream(const std::string& path, const std::function<void(const Write&)>& produce) {
  constexpr size_t chunk = size_t{1} << 18;
  AtomicFile file(path);
  if (!path.ends_with(".gz")) {
    std::string waiting;
    produce([&](std::string_view bytes) {
      waiting += bytes;
      if (waiting.size() < chunk) return;
      file.write(waiting);
      waiting.clear();
    });
    file.write(waiting);
    return file.commit();
  }
  z_stream packer{};
  if (deflateInit2(&packer, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw Error("cannot start gzip", path);
  }
  const std::unique_ptr<z_stream, int (*)(z_streamp)> end(&packer, deflateEnd);
  std::array<unsigned char, 1 << 16> packed;
  const auto pack = [&](std::string_view bytes, int flush) {
    packer.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
    packer.avail_in = static_cast<uInt>(bytes.size());
    do {
      packer.next_out = packed.data();
      packer.avail_out = static_cast<uInt>(packed.size());
      deflate(&packer, flush);
      file.write({reinterpret_cast<const char*>(packed.data()), packed.size() - packer.avail_out});
    } while (packer.avail_out == 0);
  };
  produce([&](std::string_view bytes) { pack(bytes, Z_NO_FLUSH); });
  pack({}, Z_FINISH);
  file.commit();
}

void tell(const Progress& progress, int64_t row, int64_t rows) {
  if (row % 1024 == 0) progress(row, rows);
}

ArrayBytes telling(ArrayBytes array, const Progress& progress) {
  array.fill = [fill = std::move(array.fill), rows = array.rows, progress](int64_t row, uint8_t* out) {
    tell(progress, row, rows);
    fill(row, out);
  };
  return array;
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
