// Forms that hold arrays: NumPy's .npz with all of them, .npy and IDX with one, and labels and groups in
// files beside it. Arrays are made row by row, so that data of any size can be written.
#include <zip.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <list>
#include <memory>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/core/utf8.h"
#include "mudra/data/write_forms.h"

namespace mudra {
namespace {

static_assert(std::endian::native == std::endian::little, "files are written in this machine's byte order");

std::string npy_header(const std::string& type, const Shape& shape) {
  std::string sizes;
  for (int axis = 0; axis < shape.rank(); ++axis) sizes += std::to_string(shape[axis]) + ", ";
  if (shape.rank() > 1) sizes.resize(sizes.size() - 2);
  if (shape.rank() == 1) sizes.pop_back();
  std::string text = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + sizes + "), }";
  text.append(63 - (10 + text.size()) % 64, ' ');  // values start at a multiple of 64
  text += '\n';
  std::string header("\x93NUMPY\x01\0", 8);
  header += static_cast<char>(text.size() & 255);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

// Images without an axis for their only channel: [N, H, W].
Shape file_shape(const Pixels& pixels) {
  const Shape& s = pixels.shape();
  return s[3] == 1 ? Shape{s[0], s[1], s[2]} : s;
}

void append_big_endian(uint32_t value, std::string& text) {
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 255);
}

std::string idx_header(char type, const Shape& shape) {
  std::string header("\0\0", 2);
  header += type;
  header += static_cast<char>(shape.rank());
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] > UINT32_MAX) throw Error("has more images than IDX can count", {}, "Write .npy or .npz");
    append_big_endian(static_cast<uint32_t>(shape[axis]), header);
  }
  return header;
}

// A header, then `rows` times `row_bytes` bytes.
struct ArrayBytes {
  std::string header;
  int64_t rows = 0;
  size_t row_bytes = 0;
  std::function<void(int64_t row, uint8_t* out)> fill;
  Progress progress{};

  uint64_t size() const { return header.size() + static_cast<uint64_t>(rows) * row_bytes; }
  // The header, then a row each time; nothing at the end.
  std::string_view next() {
    if (at == rows) return {};
    if (at++ < 0) return header;
    tell(progress, at - 1, rows);
    row.resize(row_bytes);
    fill(at - 1, row.data());
    return {reinterpret_cast<const char*>(row.data()), row.size()};
  }

  int64_t at = -1;
  std::vector<uint8_t> row{};
};

ArrayBytes pixel_rows(const Pixels& pixels, std::string header, bool big_endian, const Progress& progress) {
  const auto values = static_cast<size_t>(pixels.shape().per_example());
  if (writes_bytes(pixels)) {
    const auto fill = [pixels](int64_t row, uint8_t* out) { std::ranges::copy(pixels.bytes(row), out); };
    return {std::move(header), pixels.count(), values, fill, progress};
  }
  const auto fill = [pixels, image = std::vector<float>(values), big_endian](int64_t row,
                                                                             uint8_t* out) mutable {
    pixels.read(row, image.data());
    std::memcpy(out, image.data(), image.size() * sizeof(float));
    if (!big_endian) return;
    for (size_t i = 0; i < image.size(); ++i) std::reverse(out + 4 * i, out + 4 * (i + 1));
  };
  return {std::move(header), pixels.count(), values * sizeof(float), fill, progress};
}

ArrayBytes npy_pixels(const Pixels& pixels, const Progress& progress) {
  const std::string header = npy_header(writes_bytes(pixels) ? "|u1" : "<f4", file_shape(pixels));
  return pixel_rows(pixels, header, false, progress);
}

// The text of each index, as '<U'.
ArrayBytes npy_texts(const std::vector<std::string>& names, std::span<const int32_t> indices) {
  size_t longest = 1;
  for (const std::string& name : names) longest = std::max(longest, code_points(name).size());
  std::vector<std::u32string> texts;
  for (const std::string& name : names) {
    texts.push_back(code_points(name));
    texts.back().resize(longest);
  }
  const auto rows = static_cast<int64_t>(indices.size());
  const auto fill = [texts, indices, longest](int64_t row, uint8_t* out) {
    const auto index = static_cast<size_t>(indices[static_cast<size_t>(row)]);
    std::memcpy(out, texts[index].data(), longest * 4);
  };
  return {npy_header("<U" + std::to_string(longest), Shape{rows}), rows, longest * 4, fill};
}

ArrayBytes npy_targets(const std::shared_ptr<const TargetSource>& targets, int64_t images) {
  const Shape s = targets->shape();
  const auto values = static_cast<size_t>(s.elements());
  const auto fill = [targets, one = std::vector<float>(values)](int64_t row, uint8_t* out) mutable {
    targets->read(row, one.data());
    std::memcpy(out, one.data(), one.size() * sizeof(float));
  };
  return {npy_header("<f4", {images, s[0], s[1], s[2]}), images, values * sizeof(float), fill};
}

ArrayBytes idx_pixels(const Pixels& pixels, const Progress& progress) {
  const char type = writes_bytes(pixels) ? '\x08' : '\x0D';
  return pixel_rows(pixels, idx_header(type, file_shape(pixels)), true, progress);
}

// Throws Error when a class is no whole number.
ArrayBytes idx_labels(const Dataset& data) {
  std::vector<int32_t> numbers;
  for (const std::string& name : data.classes) {
    const auto number = parse_number<int32_t>(name);
    if (!number || std::to_string(*number) != name) {
      throw Error("class `" + name + "` is no number, and IDX holds only numbers", data.source,
                  "Write .npz, .csv or a folder");
    }
    numbers.push_back(*number);
  }
  const bool small = std::ranges::all_of(numbers, [](int32_t n) { return n >= 0 && n <= 255; });
  const size_t size = small ? 1 : 4;
  const auto fill = [numbers, labels = data.labels, size](int64_t row, uint8_t* out) {
    const int32_t number = numbers[static_cast<size_t>(labels[static_cast<size_t>(row)])];
    for (size_t i = 0; i < size; ++i) out[i] = static_cast<uint8_t>(number >> 8 * (size - 1 - i));
  };
  return {idx_header(small ? '\x08' : '\x0C', Shape{data.size()}), data.size(), size, fill};
}

// Both files or none: an earlier pair stays as it was.
void write_pair(const std::string& images, ArrayBytes pixels, const std::string& labels, ArrayBytes numbers) {
  const auto make = [](const std::string& path, ArrayBytes& array) {
    return make_stream(path, [&](const Write& write) {
      for (std::string_view piece = array.next(); !piece.empty(); piece = array.next()) write(piece);
    });
  };
  const auto first = make(images, pixels), second = make(labels, numbers);
  first->commit();
  second->commit();
}

std::string beside(const std::string& path, const std::string& added, const std::string& ending) {
  std::string stem = path;
  for (const char* known : {".gz", ".npy", ".idx", ".csv"}) {
    if (stem.ends_with(known)) stem.resize(stem.size() - std::strlen(known));
  }
  return stem + added + ending;
}

void write_groups_beside(const Dataset& data, const std::string& path, Notes& notes) {
  if (data.groups.empty()) return;
  const std::string groups = beside(path, "-groups", ".csv");
  write_groups(data, groups, {});
  notes.push_back("groups are in " + groups + ": read them with --groups");
}

// Hands an array to libzip, row by row.
struct ZipMember {
  const char* name;
  ArrayBytes array;
  std::string_view ready{};
  std::exception_ptr failure{};

  uint64_t read(char* out, uint64_t size) {
    uint64_t done = 0;
    while (done < size) {
      if (ready.empty()) ready = array.next();
      if (ready.empty()) break;
      const size_t count = ready.copy(out + done, size - done);
      ready.remove_prefix(count);
      done += count;
    }
    return done;
  }
};

zip_int64_t give_member(void* state, void* out, zip_uint64_t size, zip_source_cmd_t command) {
  auto& member = *static_cast<ZipMember*>(state);
  switch (command) {
    case ZIP_SOURCE_OPEN:
      member.array.at = -1;
      member.ready = {};
      return 0;
    case ZIP_SOURCE_READ:
      try {
        return static_cast<zip_int64_t>(member.read(static_cast<char*>(out), size));
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

// Where libzip writes. By itself it would make another file first, whose random name takes OpenSSL.
struct ZipFile {
  std::unique_ptr<FILE, int (*)(FILE*)> file;
  int error = 0;  // errno of what failed
};

zip_int64_t write_archive(void* state, void* data, zip_uint64_t size, zip_source_cmd_t command) {
  auto& [file, error] = *static_cast<ZipFile*>(state);
  const auto check = [&error = error](bool good, zip_int64_t result = 0) {
    if (!good) error = errno;
    return good ? result : -1;
  };
  switch (command) {
    case ZIP_SOURCE_WRITE:
      return check(std::fwrite(data, 1, size, file.get()) == size, static_cast<zip_int64_t>(size));
    case ZIP_SOURCE_TELL_WRITE:
      return ftello(file.get());
    case ZIP_SOURCE_SEEK_WRITE: {
      const auto* to = ZIP_SOURCE_GET_ARGS(zip_source_args_seek_t, data, size, nullptr);
      return check(to != nullptr && fseeko(file.get(), to->offset, to->whence) == 0);
    }
    case ZIP_SOURCE_COMMIT_WRITE:
      return check(std::fflush(file.get()) == 0);
    case ZIP_SOURCE_STAT:
      zip_stat_init(static_cast<zip_stat_t*>(data));
      return sizeof(zip_stat_t);
    case ZIP_SOURCE_ERROR: {
      const int codes[2] = {ZIP_ER_WRITE, error};
      std::memcpy(data, codes, sizeof codes);
      return sizeof codes;
    }
    case ZIP_SOURCE_SUPPORTS:
      return ZIP_SOURCE_SUPPORTS_WRITABLE;
    default:
      return 0;
  }
}

}  // namespace

bool writes_bytes(const Pixels& pixels) {
  if (!pixels.is_bytes()) return false;
  uint8_t highest = 0;
  for (int64_t i = 0; i < pixels.count(); ++i) {
    for (const uint8_t byte : pixels.bytes(i)) highest = std::max(highest, byte);
    if (highest > 1) return true;
  }
  return highest == 0;  // bytes 0 and 1 alone would be read as black and white
}

Notes write_npy(const Dataset& data, const std::string& path, const Progress& progress) {
  Notes notes;
  const std::string labels = beside(path, "-labels", ".npy");
  write_pair(path, npy_pixels(data.pixels, progress), labels, npy_texts(data.classes, data.labels));
  notes.push_back("labels are in " + labels + ": read them with --labels");
  write_groups_beside(data, path, notes);
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
  ArrayBytes numbers = idx_labels(data);  // refuses classes before any work
  write_pair(path, idx_pixels(data.pixels, progress), labels, std::move(numbers));
  notes.push_back("labels are in " + labels);
  write_groups_beside(data, path, notes);
  return notes;
}

Notes write_npz(const Dataset& data, const std::string& path, const WriteOptions& options) {
  AtomicFile file(path);
  std::list<ZipMember> members;
  members.push_back({"dataset.npy", npy_pixels(data.pixels, options.progress)});
  members.push_back({"labels.npy", npy_texts(data.classes, data.labels)});
  if (!data.groups.empty()) members.push_back({"groups.npy", npy_texts(data.group_names, data.groups)});
  if (!data.photographs.empty()) {
    std::vector<std::string> numbers;  // they are numbered from 0 without gaps unless images were left out
    for (int32_t i = 0; i <= std::ranges::max(data.photographs); ++i) numbers.push_back(std::to_string(i));
    members.push_back({"photographs.npy", npy_texts(numbers, data.photographs)});
  }
  if (data.targets) members.push_back({"targets.npy", npy_targets(data.targets, data.size())});

  const auto check = [&](bool good, const char* why) {
    if (good) return;
    for (const ZipMember& member : members) {
      if (member.failure) std::rethrow_exception(member.failure);
    }
    throw Error(std::string("cannot write: ") + why, path, "Free some space or choose another folder");
  };
  ZipFile out{{std::fopen(file.temporary().c_str(), "wb"), std::fclose}};
  check(out.file != nullptr, std::strerror(errno));
  zip_error_t error;
  zip_error_init(&error);
  std::unique_ptr<zip_source_t, void (*)(zip_source_t*)> target(
      zip_source_function_create(write_archive, &out, &error), zip_source_free);
  std::unique_ptr<zip_t, void (*)(zip_t*)> zip(
      target ? zip_open_from_source(target.get(), ZIP_CREATE | ZIP_TRUNCATE, &error) : nullptr, zip_discard);
  if (!zip) throw std::bad_alloc();
  static_cast<void>(target.release());  // the archive has it
  for (ZipMember& member : members) {
    zip_source_t* const source = zip_source_function(zip.get(), give_member, &member);
    const zip_int64_t index = source ? zip_file_add(zip.get(), member.name, source, 0) : -1;
    if (index < 0) zip_source_free(source);
    const auto at = static_cast<zip_uint64_t>(index);
    // 1980-01-01: the same data give the same bytes
    check(index >= 0 &&
              zip_set_file_compression(zip.get(), at, options.compress ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0) ==
                  0 &&
              zip_file_set_dostime(zip.get(), at, 0, 1 << 5 | 1, 0) == 0,
          zip_strerror(zip.get()));
  }
  check(zip_close(zip.get()) == 0, zip_strerror(zip.get()));
  static_cast<void>(zip.release());
  check(std::fclose(out.file.release()) == 0, std::strerror(errno));
  file.commit();
  return {};
}

}  // namespace mudra
