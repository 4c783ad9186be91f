#include "mudra/data/read_arrays.h"

#include <array>
#include <bit>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/data/array_data.h"
#include "mudra/data/label_index.h"

namespace mudra {
namespace {

using HeaderReader = NpyHeader (*)(ByteSource&);

// Images from one file and labels from another, in the same format.
Dataset read_pair(const std::string& images, const std::string& labels, HeaderReader read_header,
                  const ReadOptions& options) {
  Dataset data;
  data.source = images;
  auto source = open_plain_or_gzip(images);
  const NpyHeader header = read_header(*source);
  data.pixels = array_pixels(std::move(source), header, options, data.notes);
  const auto label_source = open_plain_or_gzip(labels);
  const NpyHeader label_header = read_header(*label_source);
  array_labels(*label_source, label_header, data.size(), options, data.classes, data.labels);
  return data;
}

}  // namespace

Dataset read_npz(const std::string& path, const ReadOptions& options) {
  const NpzFile file(path);
  for (const char* needed : {"dataset", "labels"}) {
    if (file.has(needed)) continue;
    const std::string there =
        file.arrays().empty() ? "It holds no arrays" : "It holds " + join_names(file.arrays(), 10);
    throw Error(std::string("has no array `") + needed + "`", path,
                there + ". Save it with numpy.savez(path, dataset=images, labels=labels)");
  }
  Dataset data;
  data.source = path;
  auto images = file.open("dataset");
  const NpyHeader header = read_npy_header(*images);
  data.pixels = array_pixels(std::move(images), header, options, data.notes);
  const auto read = [&](const char* array, std::vector<std::string>& names, std::vector<int32_t>& indices) {
    const auto source = file.open(array);
    const NpyHeader found = read_npy_header(*source);
    array_labels(*source, found, data.size(), options, names, indices);
  };
  read("labels", data.classes, data.labels);
  for (const char* name : group_arrays) {
    if (!file.has(name)) continue;
    read(name, data.group_names, data.groups);
    break;
  }
  for (const char* name : photograph_arrays) {
    if (!file.has(name)) continue;
    std::vector<std::string> names;
    read(name, names, data.photographs);
    break;
  }
  return data;
}

Dataset read_npy(const std::string& path, const ReadOptions& options) {
  if (options.labels.empty()) {
    throw usage_error("holds images without labels", path,
                      "Name the array of labels with --labels FILE.npy, or save both in one .npz");
  }
  return read_pair(path, options.labels, read_npy_header, options);
}

Pixels read_npy_image(const std::string& path, std::vector<std::string>& notes) {
  auto source = open_file(path);
  NpyHeader header = read_npy_header(*source);
  const bool has_axis = header.shape.size() == 4 && header.shape[0] == 1;
  if (!has_axis) header.shape.insert(header.shape.begin(), 1);
  return array_pixels(std::move(source), header, {}, notes);
}

// IDX, the format of MNIST: 0 0 TYPE AXES, then the size of each axis in 4 bytes, then the values; all
// big-endian.
NpyHeader read_idx_header(ByteSource& source) {
  struct Type {
    uint8_t code;
    char kind;
    int size;
  };
  static constexpr Type types[] = {{8, 'u', 1},  {9, 'i', 1},  {11, 'i', 2},
                                   {12, 'i', 4}, {13, 'f', 4}, {14, 'f', 8}};
  const std::string& where = source.where();
  const auto read = [&] {
    std::array<uint8_t, 4> bytes{};
    if (source.read(bytes.data(), 4) != 4) throw Error("ends within its header", where, "Copy it again");
    return bytes;
  };
  const std::array<uint8_t, 4> magic = read();
  NpyHeader header;
  for (const Type& type : types) {
    if (magic[2] == type.code) header.kind = type.kind, header.item_size = type.size;
  }
  if (magic[0] != 0 || magic[1] != 0 || header.kind == 0 || magic[3] < 1 || magic[3] > 4) {
    throw Error("is not an IDX file", where, "IDX is the format of MNIST: train-images-idx3-ubyte");
  }
  header.swapped = header.item_size > 1 && std::endian::native == std::endian::little;
  for (int axis = 0; axis < magic[3]; ++axis) {
    const std::array<uint8_t, 4> size = read();
    header.shape.push_back(int64_t{size[0]} << 24 | size[1] << 16 | size[2] << 8 | size[3]);
  }
  header.data_offset = 4 + 4 * header.shape.size();
  check_npy_size(header, source);
  return header;
}

Dataset read_idx(const std::string& path, const ReadOptions& options) {
  std::string labels = options.labels;
  if (labels.empty()) {
    for (const char* separator : {"-", "."}) {
      const std::string images = std::string("images") + separator + "idx3";
      const size_t at = path.rfind(images);
      if (at == std::string::npos) continue;
      labels = path;
      labels.replace(at, images.size(), std::string("labels") + separator + "idx1");
    }
  }
  if (labels.empty()) {
    throw usage_error("holds images without labels", path, "Name the IDX file of labels with --labels FILE");
  }
  return read_pair(path, labels, read_idx_header, options);
}

}  // namespace mudra
