#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/data/array_data.h"
#include "mudra/data/read_files.h"

namespace mudra {
namespace {

// The array `targets` [N, H', W', T] beside the images; one of another kind has a meaning of its own.
void read_targets(const NpyArray& array, Dataset& data) {
  if (array.is_text() || array.shape.size() != 4) {
    data.notes.push_back("the array `targets` of shape " + array.shape_text() +
                         " is left out: for networks with heads it would be [images, H, W, values]");
    return;
  }
  if (array.shape[0] != data.size() || array.values == 0) {
    throw Error("has the shape " + array.shape_text() + " for " + std::to_string(data.size()) + " images",
                array.where(), "Give each image targets [H, W, values]");
  }
  Numbers numbers = read_npy_numbers(array);
  std::vector<float> values = std::move(numbers.floats);
  if (values.empty()) values.assign(numbers.bytes.begin(), numbers.bytes.end());
  const Shape shape = {array.shape[1], array.shape[2], array.shape[3]};
  if (array.fortran_order) {
    const std::vector<int64_t> step = array.strides();
    std::vector<float> stored = std::exchange(values, {});
    values.reserve(stored.size());
    for (int64_t n = 0; n < array.shape[0]; ++n)
      for (int64_t h = 0; h < shape[0]; ++h)
        for (int64_t w = 0; w < shape[1]; ++w)
          for (int64_t t = 0; t < shape[2]; ++t)
            values.push_back(
                stored[static_cast<size_t>(n * step[0] + h * step[1] + w * step[2] + t * step[3])]);
  }
  data.targets = std::make_shared<StoredTargets>(shape, std::move(values));
}

// Images from one file and labels from another, in the same format.
Dataset read_pair(const std::string& images, const std::string& labels,
                  NpyArray (*open)(std::unique_ptr<ByteSource>), const ReadOptions& options) {
  Dataset data;
  data.source = images;
  data.pixels = array_pixels(open(open_plain_or_gzip(images)), options, data.notes);
  array_labels(open(open_plain_or_gzip(labels)), data.size(), options, data.classes, data.labels);
  return data;
}

}  // namespace

Dataset read_npz(const std::string& path, const ReadOptions& options) {
  const NpzFile file(path);
  const char* advice = "Save it with numpy.savez(path, dataset=images, labels=labels)";
  auto images = file.open({"dataset"}, advice);
  auto labels = file.open({"labels"}, advice);
  Dataset data;
  data.source = path;
  data.pixels = array_pixels(open_npy(std::move(images)), options, data.notes);
  array_labels(open_npy(std::move(labels)), data.size(), options, data.classes, data.labels);
  read_origins(file, options, data);
  if (auto targets = file.find({"targets"})) read_targets(open_npy(std::move(targets)), data);
  return data;
}

void read_origins(const NpzFile& file, const ReadOptions& options, Dataset& data) {
  const auto read = [&](std::initializer_list<const char*> arrays, auto& names, auto& indices) {
    if (auto source = file.find(arrays))
      array_labels(open_npy(std::move(source)), data.size(), options, names, indices);
  };
  std::vector<std::string> photographs;
  read(group_arrays, data.group_names, data.groups);
  read({"photographs", "photograph", "photo"}, photographs, data.photographs);
}

Dataset read_npy(const std::string& path, const ReadOptions& options) {
  if (options.labels.empty()) {
    throw usage_error("holds images without labels", path,
                      "Name the array of labels with --labels FILE.npy, or save both in one .npz");
  }
  return read_pair(path, options.labels, open_npy, options);
}

Pixels read_npy_images(const std::string& path, const ReadOptions& options, std::vector<std::string>& notes) {
  NpyArray array = open_npy(open_file(path));
  std::vector<int64_t>& shape = array.shape;
  const auto ends_in = [&](const std::vector<int64_t>& sizes) {
    return sizes.size() <= shape.size() && std::equal(sizes.rbegin(), sizes.rend(), shape.rbegin());
  };
  const auto is_colour = [](int64_t size) { return size == 1 || size == 3; };
  const int64_t height = options.height, width = options.width, channels = options.channels;
  const bool are_grey = ends_in({height, width}) && channels != 3;
  bool is_one = shape.size() < 2;
  if (shape.size() == 2) is_one = are_grey || !ends_in({height * width * std::max<int64_t>(1, channels)});
  if (shape.size() == 3)
    is_one = !are_grey && (is_colour(shape[2]) || (is_colour(shape[0]) && channels != 1));
  if (is_one) shape.insert(shape.begin(), 1);
  return array_pixels(std::move(array), options, notes);
}

// IDX, the format of MNIST: 0 0 TYPE AXES, then the size of each axis in 4 bytes, then the values; all
// big-endian.
static NpyArray open_idx(std::unique_ptr<ByteSource> source) {
  struct Type {
    uint8_t code;
    char kind;
    int size;
  };
  static constexpr Type types[] = {{8, 'u', 1},  {9, 'i', 1},  {11, 'i', 2},
                                   {12, 'i', 4}, {13, 'f', 4}, {14, 'f', 8}};
  NpyArray array;
  array.source = std::move(source);
  const auto read = [&] {
    std::array<uint8_t, 4> bytes{};
    if (array.source->read(bytes.data(), 4) != 4)
      throw Error("ends within its header", array.where(), "Copy it again");
    return bytes;
  };
  const std::array<uint8_t, 4> magic = read();
  for (const Type& type : types) {
    if (magic[2] == type.code) array.kind = type.kind, array.item_size = type.size;
  }
  if (magic[0] != 0 || magic[1] != 0 || array.kind == 0 || magic[3] < 1 || magic[3] > 4) {
    throw Error("is not an IDX file", array.where(), "IDX is the format of MNIST: train-images-idx3-ubyte");
  }
  array.swapped = array.item_size > 1 && std::endian::native == std::endian::little;
  for (int axis = 0; axis < magic[3]; ++axis) {
    const std::array<uint8_t, 4> size = read();
    array.shape.push_back(int64_t{size[0]} << 24 | size[1] << 16 | size[2] << 8 | size[3]);
  }
  array.data_offset = 4 + 4 * array.shape.size();
  check_npy_size(array);
  return array;
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
  return read_pair(path, labels, open_idx, options);
}

}  // namespace mudra
