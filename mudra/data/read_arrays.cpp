#include "mudra/data/read_arrays.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "mudra/core/error.h"
#include "mudra/data/byte_source.h"
#include "mudra/data/label_index.h"
#include "mudra/data/npy.h"

namespace mudra {
namespace {

// ---- Images ----

struct Layout {
  Shape shape;                   // [N, H, W, C]
  std::vector<int64_t> strides;  // of the array's own axes in that order
  bool channels_first = false;
};

bool is_channels(int64_t size) { return size == 1 || size == 3; }

Layout image_layout(const NpyHeader& header, const ReadOptions& options, const std::string& where) {
  const std::vector<int64_t>& s = header.shape;
  for (const int64_t size : s) {
    if (size == 0)
      throw Error("holds no images: its shape is " + header.shape_text(), where, "Give at least one image");
  }
  if (s.size() == 2) {
    int64_t height = std::llround(std::sqrt(static_cast<double>(s[1]))), width = height, channels = 1;
    if (height * width != s[1]) {
      height = options.height, width = options.width;
      const std::string each = std::to_string(s[1]) + " values an image ";
      if (height <= 0 || width <= 0) {
        throw usage_error(each + "make no square", where, "Say --size HEIGHTxWIDTH");
      }
      channels = s[1] / (height * width);
      if (channels * height * width != s[1] || !is_channels(channels)) {
        throw usage_error(each + "are not " + std::to_string(height) + "x" + std::to_string(width), where,
                          "Give the --size the images have");
      }
    }
    return {{s[0], height, width, channels}, {s[1], 1}};
  }
  if (s.size() == 3) return {{s[0], s[1], s[2], 1}, {s[1] * s[2], s[2], 1}};
  if (s.size() == 4 && is_channels(s[3])) {
    return {{s[0], s[1], s[2], s[3]}, {s[1] * s[2] * s[3], s[2] * s[3], s[3], 1}};
  }
  if (s.size() == 4 && is_channels(s[1])) {
    return {{s[0], s[2], s[3], s[1]}, {s[1] * s[2] * s[3], 1, s[3] * s[1], s[1]}, true};
  }
  throw Error("has the shape " + header.shape_text(), where,
              "Images are [N, H*W], [N, H, W], [N, H, W, C] or [N, C, H, W] with C 1 or 3");
}

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

// The range of float pixels, seen part by part.
struct Range {
  float low = INFINITY, high = -INFINITY;

  // `first` is the place of values[0] among all, `each` the values of one image.
  void add(std::span<const float> values, int64_t first, int64_t each, const std::string& where) {
    float lowest = low, highest = high, sum = 0;
    for (const float value : values) {
      lowest = value < lowest ? value : lowest;
      highest = value > highest ? value : highest;
      sum += value * 0;  // NaN if any value is NaN or infinite
    }
    low = lowest, high = highest;
    if (sum == 0) return;
    const auto bad = std::find_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
    const int64_t place = first + (bad - values.begin());
    throw Error("image " + std::to_string(place / each) + " (counted from 0) has a pixel that is " +
                    (std::isnan(*bad) ? "not a number (NaN)" : "infinite"),
                where, "Remove or repair that image");
  }

  // The value that means white: 1, 255 or 65535.
  float scale(const NpyHeader& header, const std::string& where) const {
    // A little room for what resizing with splines overshoots.
    const auto within = [&](float white) { return low >= -0.01F * white && high <= 1.01F * white; };
    if (within(1)) return 1;
    if (within(255)) return 255;
    if (header.kind != 'f' && within(65535)) return 65535;
    throw Error("pixel values run from " + short_number(low) + " to " + short_number(high), where,
                "Rescale them to 0..1 or 0..255");
  }
};

std::string range_note(float scale, const NpyHeader& header, std::string_view kept) {
  return "pixel values 0.." + short_number(scale) + " (" + header.type_name() + ")" + std::string(kept);
}

// Images that stay in their .npy file or stored .npz member.
class StreamedArray final : public PixelSource {
 public:
  StreamedArray(std::unique_ptr<ByteSource> source, NpyHeader header, const Layout& layout)
      : source_(std::move(source)),
        header_(std::move(header)),
        each_(layout.shape.per_example()),
        channels_(layout.channels_first ? layout.shape[3] : 1) {}

  void set_scale(float scale) { factor_ = scale == 255 ? 1 / 255.F : 1 / scale; }
  int64_t image_bytes() const { return each_ * header_.item_size; }

  void read(int64_t image, float* out) const override {
    thread_local std::vector<uint8_t> raw;
    raw.resize(static_cast<size_t>(image_bytes()));
    source_->read_at(header_.data_offset + static_cast<uint64_t>(image * image_bytes()), raw.data(),
                     raw.size());
    if (channels_ == 1) {
      npy_to_floats(header_, raw.data(), each_, out);
    } else {  // [C, H, W] to [H, W, C]
      thread_local std::vector<float> planes;
      planes.resize(static_cast<size_t>(each_));
      npy_to_floats(header_, raw.data(), each_, planes.data());
      const int64_t plane = each_ / channels_;
      for (int64_t i = 0; i < each_; ++i)
        out[i % plane * channels_ + i / plane] = planes[static_cast<size_t>(i)];
    }
    for (int64_t i = 0; i < each_; ++i) out[i] *= factor_;
  }

 private:
  std::unique_ptr<ByteSource> source_;
  NpyHeader header_;
  int64_t each_ = 0, channels_ = 1;
  float factor_ = 1;
};

Pixels stream_pixels(std::unique_ptr<ByteSource> source, const NpyHeader& header, const Layout& layout,
                     std::vector<std::string>& notes) {
  const std::string where = source->where();
  if (header.fortran_order) {
    throw Error(
        "is larger than memory should hold and in Fortran order, which scatters each image over the file",
        where, "Save it with numpy.save(path, numpy.ascontiguousarray(images))");
  }
  if (!source->can_read_at()) {
    throw Error("is larger than memory should hold and compressed, so it cannot be read piece by piece",
                where, "Save it with numpy.savez instead of numpy.savez_compressed");
  }
  // One pass finds the range and any NaN before training starts.
  const int64_t each = layout.shape.per_example();
  const int64_t per_chunk = std::max<int64_t>(1, 65536 / header.item_size);
  std::vector<uint8_t> raw(static_cast<size_t>(per_chunk * header.item_size));
  std::vector<float> values(static_cast<size_t>(per_chunk));
  Range range;
  for (int64_t at = 0; at < header.values; at += per_chunk) {
    const int64_t count = std::min(per_chunk, header.values - at);
    source->read_at(header.data_offset + static_cast<uint64_t>(at * header.item_size), raw.data(),
                    static_cast<size_t>(count * header.item_size));
    npy_to_floats(header, raw.data(), count, values.data());
    range.add({values.data(), static_cast<size_t>(count)}, at, each, where);
    if (header.kind == 'u' && header.item_size == 1 && range.high > 1) break;  // nothing else can come
  }
  const float scale = range.scale(header, where);
  auto array = std::make_shared<StreamedArray>(std::move(source), header, layout);
  array->set_scale(scale);
  notes.push_back(range_note(scale, header, ", read from the file as needed"));
  return Pixels(layout.shape, std::move(array));
}

// `single`: the array is one image and has no axis for their number.
Pixels read_pixels(std::unique_ptr<ByteSource> source, const ReadOptions& options,
                   std::vector<std::string>& notes, bool single = false) {
  const std::string where = source->where();
  NpyHeader header = read_npy_header(*source);
  if (single && !(header.shape.size() == 4 && header.shape[0] == 1))
    header.shape.insert(header.shape.begin(), 1);
  if (header.is_text()) throw Error("holds text, not images", where, "Give an array of numbers");
  const Layout layout = image_layout(header, options, where);
  if (layout.channels_first) notes.push_back("images are channels first " + header.shape_text());
  if (header.values > options.stream_above) return stream_pixels(std::move(source), header, layout, notes);

  NpyValues values = read_npy_values(*source, header, layout.strides);
  if (!values.bytes.empty()) {
    const uint8_t highest = *std::max_element(values.bytes.begin(), values.bytes.end());
    if (highest == 1) {
      for (uint8_t& byte : values.bytes) byte = static_cast<uint8_t>(byte * 255);
      notes.push_back(range_note(1, header, ", each black or white"));
    } else {
      notes.push_back(range_note(255, header, header.item_size > 1 ? ", whole numbers kept as bytes" : ""));
    }
    return Pixels(layout.shape, std::move(values.bytes));
  }
  Range range;
  range.add(values.floats, 0, layout.shape.per_example(), where);
  const float scale = range.scale(header, where);
  notes.push_back(range_note(scale, header, ""));
  return Pixels(layout.shape, std::move(values.floats), scale);
}

// ---- Labels ----

void one_hot_labels(ByteSource& source, const NpyHeader& header, const ReadOptions& options,
                    LabelIndex& index) {
  const int64_t rows = header.shape[0], columns = header.shape[1];
  const std::string remedy = "Each row has one 1 and otherwise 0";
  if (header.values > options.stream_above)
    throw Error("is too large for one-hot rows", source.where(), "Save class numbers");
  const NpyValues values = read_npy_values(source, header, std::array{columns, int64_t{1}});
  if (values.bytes.empty()) throw Error("holds rows that are not one-hot", source.where(), remedy);
  for (int64_t row = 0; row < rows; ++row) {
    const uint8_t* first = values.bytes.data() + row * columns;
    const auto hot = std::find(first, first + columns, 1);
    if (std::count(first, first + columns, 0) != columns - 1 || hot == first + columns) {
      throw Error("row " + std::to_string(row) + " (counted from 0) is not one-hot", source.where(), remedy);
    }
    index.add(std::to_string(hot - first));
  }
}

void read_labels(ByteSource& source, int64_t images, const ReadOptions& options,
                 std::vector<std::string>& names, std::vector<int32_t>& labels) {
  const NpyHeader header = read_npy_header(source);
  const std::vector<int64_t>& shape = header.shape;
  if (shape.empty() || shape.size() > 2) {
    throw Error("has the shape " + header.shape_text(), source.where(),
                "Labels are [N], or one-hot [N, classes]");
  }
  if (shape[0] != images) {
    throw Error("has " + std::to_string(shape[0]) + " entries for " + std::to_string(images) + " images",
                source.where(), "Give one for each image");
  }
  LabelIndex index;
  index.reserve(static_cast<size_t>(images));
  if (shape.size() == 2 && shape[1] > 1 && !header.is_text()) {
    one_hot_labels(source, header, options, index);
  } else if (header.values != images) {
    throw Error("has the shape " + header.shape_text(), source.where(),
                "Labels are [N], or one-hot [N, classes]");
  } else {
    read_npy_labels(source, header, [&](std::string_view text) {
      if (text.empty()) {
        throw Error("entry " + std::to_string(index.size()) + " (counted from 0) is empty", source.where(),
                    "Give every image a label");
      }
      index.add(text);
    });
  }
  index.finish(names, labels);
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
  data.pixels = read_pixels(file.open("dataset"), options, data.notes);
  read_labels(*file.open("labels"), data.size(), options, data.classes, data.labels);
  for (const char* name : {"groups", "group", "hand"}) {
    if (!file.has(name)) continue;
    read_labels(*file.open(name), data.size(), options, data.group_names, data.groups);
    break;
  }
  return data;
}

Pixels read_npy_image(const std::string& path) {
  std::vector<std::string> notes;
  return read_pixels(open_file(path), {}, notes, true);
}

Dataset read_npy(const std::string& path, const ReadOptions& options) {
  if (options.labels.empty()) {
    throw usage_error("holds images without labels", path,
                      "Name the array of labels with --labels FILE.npy, or save both in one .npz");
  }
  Dataset data;
  data.source = path;
  data.pixels = read_pixels(open_file(path), options, data.notes);
  read_labels(*open_file(options.labels), data.size(), options, data.classes, data.labels);
  return data;
}

}  // namespace mudra
