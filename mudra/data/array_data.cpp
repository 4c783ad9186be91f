#include "mudra/data/array_data.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/data/image_codec.h"
#include "mudra/data/label_index.h"
#include "mudra/data/pixel_values.h"

namespace mudra {
namespace {

struct Layout {
  Shape shape;                   // [N, H, W, C]
  std::vector<int64_t> strides;  // of the array's own axes in that order
  bool channels_first = false;
};

bool is_channels(int64_t size) { return size == 1 || size == 3; }

Layout layout_of(const NpyHeader& header, const ReadOptions& options, const std::string& where) {
  const std::vector<int64_t>& s = header.shape;
  for (const int64_t size : s) {
    if (size == 0)
      throw Error("holds no images: its shape is " + header.shape_text(), where, "Give at least one image");
  }
  if (s.size() == 2) return {flat_image_shape(s[0], s[1], options, where), {s[1], 1}};
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

// Images that stay in their .npy file or stored .npz member.
class StreamedArray final : public PixelSource {
 public:
  StreamedArray(std::unique_ptr<ByteSource> source, NpyHeader header, const Layout& layout)
      : source_(std::move(source)),
        header_(std::move(header)),
        each_(layout.shape.per_example()),
        channels_(layout.channels_first ? layout.shape[3] : 1) {}

  void set_white(float white) { factor_ = 1 / white; }
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
                     const Progress& progress, std::vector<std::string>& notes) {
  const std::string where = source->where();
  if (header.fortran_order) {
    throw Error(
        "is larger than memory should hold and in Fortran order, which scatters each image over the file",
        where, "Save it with numpy.save(path, numpy.ascontiguousarray(images))");
  }
  if (!source->can_read_at()) {
    throw Error("is larger than memory should hold and compressed, so it cannot be read piece by piece",
                where, "Store it uncompressed: numpy.savez instead of numpy.savez_compressed, or gunzip");
  }
  // One pass finds the range and any NaN before training starts.
  const int64_t each = layout.shape.per_example();
  const int64_t per_chunk = std::max<int64_t>(1, 65536 / header.item_size);
  std::vector<uint8_t> raw(static_cast<size_t>(per_chunk * header.item_size));
  std::vector<float> values(static_cast<size_t>(per_chunk));
  ValueRange range;
  for (int64_t at = 0; at < header.values; at += per_chunk) {
    const int64_t count = std::min(per_chunk, header.values - at);
    progress(at, header.values);
    source->read_at(header.data_offset + static_cast<uint64_t>(at * header.item_size), raw.data(),
                    static_cast<size_t>(count * header.item_size));
    npy_to_floats(header, raw.data(), count, values.data());
    range.add({values.data(), static_cast<size_t>(count)}, at, each, where);
    if (header.kind == 'u' && header.item_size == 1 && range.high > 1) break;  // nothing else can come
  }
  const float white = range.white(value_type(header), where);
  auto array = std::make_shared<StreamedArray>(std::move(source), header, layout);
  array->set_white(white);
  notes.push_back(range_note(white, value_type(header), ", read from the file as needed"));
  return Pixels(layout.shape, std::move(array));
}

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

}  // namespace

Shape flat_image_shape(int64_t images, int64_t values, const ReadOptions& options, const std::string& where) {
  const int64_t side = std::llround(std::sqrt(static_cast<double>(values)));
  if (side * side == values) return {images, side, side, 1};
  const int64_t height = options.height, width = options.width;
  const std::string each = std::to_string(values) + " values an image ";
  if (height <= 0 || width <= 0) throw usage_error(each + "make no square", where, "Say --size HEIGHTxWIDTH");
  const int64_t channels = values / (height * width);
  if (channels * height * width != values || !is_channels(channels)) {
    throw usage_error(each + "are not " + std::to_string(height) + "x" + std::to_string(width), where,
                      "Give the --size the images have");
  }
  return {images, height, width, channels};
}

Pixels array_pixels(std::unique_ptr<ByteSource> source, const NpyHeader& header, const ReadOptions& options,
                    std::vector<std::string>& notes) {
  const std::string where = source->where();
  if (header.is_text()) throw Error("holds text, not images", where, "Give an array of numbers");
  const Layout layout = layout_of(header, options, where);
  check_image_size(layout.shape[1], layout.shape[2], where);
  if (layout.shape[0] > most_images) {
    throw Error("holds " + std::to_string(layout.shape[0]) + " images", where,
                "Divide it into files of no more than " + std::to_string(most_images));
  }
  if (layout.channels_first) notes.push_back("images are channels first " + header.shape_text());
  if (header.values > options.stream_above)
    return stream_pixels(std::move(source), header, layout, options.progress, notes);
  NpyValues values = read_npy_values(*source, header, layout.strides);
  return make_pixels(std::move(values), layout.shape, value_type(header), where, notes);
}

void array_labels(ByteSource& source, const NpyHeader& header, int64_t images, const ReadOptions& options,
                  std::vector<std::string>& names, std::vector<int32_t>& labels) {
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

}  // namespace mudra
