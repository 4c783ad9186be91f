#include "mudra/data/write_dataset.h"

#include <fcntl.h>
#include <unistd.h>
#include <zip.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/data/array_bytes.h"
#include "mudra/data/csv.h"
#include "mudra/data/image_file.h"

namespace mudra {
namespace {

namespace fs = std::filesystem;
using Notes = std::vector<std::string>;
using Write = std::function<void(std::string_view)>;

constexpr size_t chunk = size_t{1} << 18;

// Bytes to a file that appears when it is complete, packed by gzip when its name ends in .gz.
void write_stream(const std::string& path, const std::function<void(const Write&)>& produce) {
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

// The same array, telling how far it is.
ArrayBytes telling(ArrayBytes array, const Progress& progress) {
  array.fill = [fill = std::move(array.fill), rows = array.rows, progress](int64_t row, uint8_t* out) {
    tell(progress, row, rows);
    fill(row, out);
  };
  return array;
}

void write_array(const std::string& path, const ArrayBytes& array) {
  write_stream(path, [&](const Write& write) {
    write(array.header);
    std::vector<uint8_t> row(array.row_bytes);
    for (int64_t i = 0; i < array.rows; ++i) {
      array.fill(i, row.data());
      write({reinterpret_cast<const char*>(row.data()), row.size()});
    }
  });
}

// ---- .npz ----

// Hands an array to libzip, row by row.
struct ZipMember {
  ArrayBytes array;
  std::vector<uint8_t> row;
  uint64_t at = 0;
  std::exception_ptr failure;

  uint64_t read(uint8_t* out, uint64_t size) {
    uint64_t done = 0;
    while (done < size && at < array.size()) {
      const uint8_t* from = nullptr;
      uint64_t left = 0;
      if (at < array.header.size()) {
        from = reinterpret_cast<const uint8_t*>(array.header.data()) + at;
        left = array.header.size() - at;
      } else {
        const uint64_t place = at - array.header.size(), inside = place % array.row_bytes;
        if (inside == 0 || row.empty()) {
          row.resize(array.row_bytes);
          array.fill(static_cast<int64_t>(place / array.row_bytes), row.data());
        }
        from = row.data() + inside;
        left = array.row_bytes - inside;
      }
      const uint64_t count = std::min(size - done, left);
      std::memcpy(out + done, from, count);
      done += count;
      at += count;
    }
    return done;
  }
};

zip_int64_t give_member(void* state, void* out, zip_uint64_t size, zip_source_cmd_t command) {
  auto& member = *static_cast<ZipMember*>(state);
  switch (command) {
    case ZIP_SOURCE_OPEN:
      member.at = 0;
      return 0;
    case ZIP_SOURCE_READ:
      try {
        return static_cast<zip_int64_t>(member.read(static_cast<uint8_t*>(out), size));
      } catch (...) {  // streamed images may fail; libzip is C
        member.failure = std::current_exception();
        return -1;
      }
    case ZIP_SOURCE_STAT: {
      auto* status = static_cast<zip_stat_t*>(out);
      zip_stat_init(status);
      status->size = member.array.size();
      status->valid = ZIP_STAT_SIZE;
      return sizeof *status;
    }
    case ZIP_SOURCE_ERROR: {
      const int codes[2] = {ZIP_ER_READ, 0};
      std::memcpy(out, codes, sizeof codes);
      return sizeof codes;
    }
    case ZIP_SOURCE_SUPPORTS:
      return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE,
                                            ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, -1);
    default:
      return 0;
  }
}

Notes write_npz(const Dataset& data, const std::string& path, const WriteOptions& options) {
  AtomicFile file(path);
  std::vector<std::pair<std::string, std::unique_ptr<ZipMember>>> members;
  const auto add = [&](const char* name, ArrayBytes array) {
    members.emplace_back(name, std::make_unique<ZipMember>(ZipMember{std::move(array), {}, 0, {}}));
  };
  add("dataset.npy", telling(npy_pixels(data.pixels), options.progress));
  add("labels.npy", npy_texts(data.classes, data.labels));
  if (!data.groups.empty()) add("groups.npy", npy_texts(data.group_names, data.groups));
  if (!data.photographs.empty()) {
    std::vector<std::string> numbers;  // they are numbered from 0 without gaps unless images were left out
    for (int32_t i = 0; i <= std::ranges::max(data.photographs); ++i) numbers.push_back(std::to_string(i));
    add("photographs.npy", npy_texts(numbers, data.photographs));
  }

  int code = 0;
  zip_t* zip = zip_open(file.temporary().c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  if (zip == nullptr) throw Error("cannot write", path, "Choose a folder you may write to");
  for (const auto& [name, member] : members) {
    zip_source_t* source = zip_source_function(zip, give_member, member.get());
    const auto index = static_cast<zip_uint64_t>(zip_file_add(zip, name.c_str(), source, 0));
    zip_set_file_compression(zip, index, options.compress ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
    zip_file_set_dostime(zip, index, 0, 1 << 5 | 1, 0);  // 1980-01-01: the same data give the same bytes
  }
  if (zip_close(zip) != 0) {
    const std::string why = zip_strerror(zip);
    zip_discard(zip);
    for (const auto& [name, member] : members) {
      if (member->failure) std::rethrow_exception(member->failure);
    }
    throw Error("cannot write: " + why, path, "Free some space or choose another folder");
  }
  file.commit();
  return {};
}

// ---- Other forms ----

std::string beside(const std::string& path, const std::string& added, const std::string& ending) {
  std::string stem = path;
  for (const char* known : {".gz", ".npy", ".idx", ".csv"}) {
    if (stem.ends_with(known)) stem.resize(stem.size() - std::strlen(known));
  }
  return stem + added + ending;
}

// The groups of images, for a form that has no place for them. `files` may be empty.
void write_groups(const Dataset& data, const std::string& path, const Notes& files, Notes& notes) {
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
  notes.push_back("groups are in " + path + ": read them with --groups");
}

Notes write_npy(const Dataset& data, const std::string& path, const Progress& progress) {
  Notes notes;
  const std::string labels = beside(path, "-labels", ".npy");
  write_array(path, telling(npy_pixels(data.pixels), progress));  // first: what takes long may be stopped
  write_array(labels, npy_texts(data.classes, data.labels));
  notes.push_back("labels are in " + labels + ": read them with --labels");
  write_groups(data, beside(path, "-groups", ".csv"), {}, notes);
  return notes;
}

Notes write_idx(const Dataset& data, const std::string& path, const Progress& progress) {
  Notes notes;
  const std::string packed = path.ends_with(".gz") ? ".gz" : "";
  std::string labels = beside(path, "-labels", ".idx" + packed);
  if (const size_t at = path.rfind("images-idx3"); at != std::string::npos) {
    labels = path;
    labels.replace(at, 11, "labels-idx1");
  }
  const ArrayBytes numbers = idx_labels(data);  // refuses classes before any work
  write_array(path, telling(idx_pixels(data.pixels), progress));
  write_array(labels, numbers);
  notes.push_back("labels are in " + labels);
  write_groups(data, beside(path, "-groups", ".csv"), {}, notes);
  return notes;
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
  Notes notes, files;
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
    write_groups(data, building + "/groups.csv", files, notes);
    sync_all(building);
    fs::rename(building, target);
  } catch (...) {
    fs::remove_all(building, error);
    throw;
  }
  if (!notes.empty()) notes = {"groups are in " + target + "/groups.csv: read them with --groups"};
  if (!data.pixels.is_bytes()) notes.push_back("pixels were rounded to 8 bits");
  return notes;
}

}  // namespace

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
  if (fs::path(path).has_extension() && !fs::is_directory(path)) {
    throw usage_error("`" + fs::path(path).extension().string() + "` is no form of data that can be written",
                      path, "End the name in .npz, .npy, .csv, .idx or idx3-ubyte, or give a folder's name");
  }
  return write_folder(data, path, options.progress);
}

}  // namespace mudra
