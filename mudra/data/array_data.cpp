#include "mudra/data/array_data.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/data/image_codec.h"
#include "mudra/data/images_in_memory.h"
#include "mudra/data/label_index.h"

namespace mudra {
namespace {

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

ValueType value_type(const NpyArray& array) {
  return {array.type_name(), array.kind != 'f', array.item_size == 1};
}

// The values that mean black and white.
struct Scale {
  float black = 0, white = 1;

  void apply(std::span<float> values) const {
    const float factor = 1 / (white - black);
    for (float& value : values) value = (value - black) * factor;
  }
};

// The range of float pixels, seen part by part.
struct ValueRange {
  float low = INFINITY, high = -INFINITY;
  int64_t lowest = 0, highest = 0;    // the images they are in
  double negative = 0, positive = 0;  // sums of the values below and above zero

  // `first` is the place of values[0] among all, `each` the values of one image. Throws Error for NaN.
  void add(std::span<const float> values, int64_t first, int64_t each, const std::string& where) {
    constexpr size_t block = 4096;  // whose sums a float holds well
    for (size_t at = 0; at < values.size(); at += block) {
      const std::span<const float> part = values.subspan(at, std::min(block, values.size() - at));
      add_block(part, first + static_cast<int64_t>(at), std::max<int64_t>(1, each), where);
    }
  }

  // What values of this range mean. Throws Error when that is not plain.
  Scale scale(const ReadOptions& options, const ValueType& type, const std::string& where) const {
    if (options.white != options.black) return {options.black, options.white};
    // A little room for what resizing with splines overshoots; it leaves the sum of what is below zero small.
    // Values that were standardised add up to nothing.
    const bool is_positive = -negative <= 0.01 * positive;
    const auto within = [&](float most) { return low >= -0.01F * most && high <= 1.01F * most; };
    if (within(1)) return {0, 1};
    if (is_positive && within(255) && high >= (type.whole ? 2.F : 64.F)) return {0, 255};
    if (is_positive && type.whole && within(65535)) return {0, 65535};
    if (!is_positive && !type.whole && std::max(-low, high) <= 1.01F && std::min(-low, high) >= 0.9F)
      return {-1, 1};
    throw Error("pixel values run from " + short_number(low) + " (in image " + std::to_string(lowest) +
                    ", counted from 0) to " + short_number(high) + " (in image " + std::to_string(highest) +
                    "), which is neither 0..1 nor 0..255 nor -1..1",
                where,
                "Rescale them to 0..1, repair the images that stand out, or say which values mean black and "
                "white, such as --range 0,16");
  }

 private:
  void add_block(std::span<const float> values, int64_t first, int64_t each, const std::string& where) {
    // Sixteen lanes, so that the loop runs in vectors.
    constexpr size_t lanes = 16;
    std::array<float, lanes> lows, highs, sums{}, absolute{};
    std::array<uint32_t, lanes> special{};  // NaN and infinity: all bits of the exponent set
    lows.fill(low), highs.fill(high);
    const auto look = [&](size_t lane, float value) {
      lows[lane] = value < lows[lane] ? value : lows[lane];
      highs[lane] = value > highs[lane] ? value : highs[lane];
      sums[lane] += value;
      absolute[lane] += std::abs(value);
      special[lane] |= (std::bit_cast<uint32_t>(value) & 0x7F800000U) == 0x7F800000U ? 1U : 0U;
    };
    size_t i = 0;
    for (; i + lanes <= values.size(); i += lanes) {
      for (size_t lane = 0; lane < lanes; ++lane) look(lane, values[i + lane]);
    }
    for (; i < values.size(); ++i) look(0, values[i]);
    const auto image = [&](auto place) { return (first + (place - values.begin())) / each; };
    if (*std::ranges::max_element(special) != 0) {
      const auto bad = std::ranges::find_if(values, [](float v) { return !std::isfinite(v); });
      throw Error("image " + std::to_string(image(bad)) + " (counted from 0) has a pixel that is " +
                      (std::isnan(*bad) ? "not a number (NaN)" : "infinite"),
                  where, "Remove or repair that image");
    }
    if (const float found = *std::ranges::min_element(lows); found < low)
      low = found, lowest = image(std::ranges::find(values, found));
    if (const float found = *std::ranges::max_element(highs); found > high)
      high = found, highest = image(std::ranges::find(values, found));
    const double sum = std::accumulate(sums.begin(), sums.end(), 0.0);
    const double size = std::accumulate(absolute.begin(), absolute.end(), 0.0);
    positive += (size + sum) / 2, negative -= (size - sum) / 2;
  }
};

// "pixel values 0..255 (float64)" and what else there is to say.
std::string range_note(const Scale& scale, const ValueType& type, const std::string& rest) {
  return "pixel values " + short_number(scale.black) + ".." + short_number(scale.white) + " (" + type.name +
         ")" + rest;
}

// How an array holds images: [n, h, w, c] is value number n from[0] + h from[1] + w from[2] + c from[3].
struct Layout {
  Shape shape;  // [N, H, W, C]
  std::array<int64_t, 4> from{};

  bool in_order() const {
    return from == std::array{shape.per_example(), shape[2] * shape[3], shape[3], int64_t{1}};
  }
  // The values of `images` images in the order [N, H, W, C].
  template <class T>
  void arrange(const T* stored, int64_t images, T* out) const {
    for (int64_t n = 0; n < images; ++n) {
      for (int64_t h = 0; h < shape[1]; ++h) {
        for (int64_t w = 0; w < shape[2]; ++w) {
          const T* pixel = stored + n * from[0] + h * from[1] + w * from[2];
          for (int64_t c = 0; c < shape[3]; ++c) *out++ = pixel[c * from[3]];
        }
      }
    }
  }
  template <class T>
  void arrange(std::vector<T>& values) const {
    if (values.empty() || in_order()) return;
    const std::vector<T> stored = std::exchange(values, std::vector<T>(values.size()));
    arrange(stored.data(), shape[0], values.data());
  }
};

bool is_channels(int64_t size) { return size == 1 || size == 3; }

Layout layout_of(const NpyArray& array, const ReadOptions& options, std::vector<std::string>& notes) {
  const std::vector<int64_t>& s = array.shape;
  if (std::ranges::count(s, 0) > 0) {
    throw Error("holds no images: its shape is " + array.shape_text(), array.where(),
                "Give at least one image");
  }
  const std::vector<int64_t> step = array.strides();
  if (s.size() == 2) {
    const Shape shape = flat_image_shape(s[0], s[1], options, array.where());
    return {shape, {step[0], shape[2] * shape[3] * step[1], shape[3] * step[1], step[1]}};
  }
  if (s.size() == 3) return {{s[0], s[1], s[2], 1}, {step[0], step[1], step[2], 1}};
  if (s.size() == 4 && is_channels(s[3])) {
    return {{s[0], s[1], s[2], s[3]}, {step[0], step[1], step[2], s[3] == 1 ? 1 : step[3]}};
  }
  if (s.size() == 4 && is_channels(s[1])) {
    notes.push_back("images are channels first " + array.shape_text());
    return {{s[0], s[2], s[3], s[1]}, {step[0], step[2], step[3], s[1] == 1 ? 1 : step[1]}};
  }
  throw Error("has the shape " + array.shape_text(), array.where(),
              "Images are [N, H*W], [N, H, W], [N, H, W, C] or [N, C, H, W] with C 1 or 3");
}

// Images that stay in their .npy file or stored .npz member, not in Fortran order.
class StreamedArray final : public PixelSource {
 public:
  StreamedArray(NpyArray array, const Layout& layout, const Scale& scale)
      : array_(std::move(array)), layout_(layout), each_(layout.shape.per_example()), scale_(scale) {}

  void read(int64_t image, float* out) const override {
    thread_local std::vector<uint8_t> raw;
    thread_local std::vector<float> stored;
    raw.resize(static_cast<size_t>(each_ * array_.item_size));
    array_.source->read_at(array_.data_offset + static_cast<uint64_t>(image) * raw.size(), raw.data(),
                           raw.size());
    const bool in_order = layout_.in_order();
    stored.resize(in_order ? 0 : static_cast<size_t>(each_));
    npy_to_floats(array_, raw.data(), each_, in_order ? out : stored.data());
    if (!in_order) layout_.arrange(stored.data(), 1, out);
    scale_.apply({out, static_cast<size_t>(each_)});
  }

 private:
  NpyArray array_;
  Layout layout_;
  int64_t each_;
  Scale scale_;
};

Pixels stream_pixels(NpyArray array, const Layout& layout, const ReadOptions& options,
                     std::vector<std::string>& notes) {
  if (array.fortran_order) {
    throw Error(
        "is larger than memory should hold and in Fortran order, which scatters each image over the file",
        array.where(), "Save it with numpy.save(path, numpy.ascontiguousarray(images))");
  }
  if (!array.source->can_read_at()) {
    throw Error("is larger than memory should hold and compressed, so it cannot be read piece by piece",
                array.where(),
                "Store it uncompressed: numpy.savez instead of numpy.savez_compressed, or gunzip");
  }
  // One pass finds the range and any NaN before training starts.
  const int64_t per_chunk = std::max<int64_t>(1, 65536 / array.item_size);
  std::vector<uint8_t> raw(static_cast<size_t>(per_chunk * array.item_size));
  std::vector<float> values(static_cast<size_t>(per_chunk));
  ValueRange range;
  for (int64_t at = 0; at < array.values; at += per_chunk) {
    const int64_t count = std::min(per_chunk, array.values - at);
    options.progress(at, array.values);
    array.source->read_at(array.data_offset + static_cast<uint64_t>(at * array.item_size), raw.data(),
                          static_cast<size_t>(count * array.item_size));
    npy_to_floats(array, raw.data(), count, values.data());
    range.add({values.data(), static_cast<size_t>(count)}, at, layout.shape.per_example(), array.where());
    if (array.kind == 'u' && array.item_size == 1 && range.high > 1) break;  // nothing else can come
  }
  const Scale scale = range.scale(options, value_type(array), array.where());
  notes.push_back(range_note(scale, value_type(array), ", read from the file as needed"));
  return Pixels(layout.shape, std::make_shared<StreamedArray>(std::move(array), layout, scale));
}

void one_hot_labels(const NpyArray& array, const ReadOptions& options, LabelIndex& index) {
  const std::string remedy = "Each row has one 1 and otherwise 0";
  if (array.values > options.stream_above)
    throw Error("is too large for one-hot rows", array.where(), "Save class numbers");
  const Numbers numbers = read_npy_numbers(array);
  if (numbers.bytes.empty()) throw Error("holds rows that are not one-hot", array.where(), remedy);
  const std::vector<int64_t> step = array.strides();
  for (int64_t row = 0; row < array.shape[0]; ++row) {
    int64_t sum = 0, hot = 0;
    for (int64_t column = 0; column < array.shape[1]; ++column) {
      const uint8_t value = numbers.bytes[static_cast<size_t>(row * step[0] + column * step[1])];
      sum += value;
      if (value == 1) hot = column;
    }
    if (sum != 1) {
      throw Error("row " + std::to_string(row) + " (counted from 0) is not one-hot", array.where(), remedy);
    }
    index.add(std::to_string(hot));
  }
}

}  // namespace

Pixels make_pixels(Numbers numbers, const Shape& shape, const ReadOptions& options, const ValueType& type,
                   const std::string& where, std::vector<std::string>& notes) {
  const bool is_given = options.white != options.black;
  if (numbers.floats.empty() && !is_given) {
    const int highest = *std::ranges::max_element(numbers.bytes);
    if (highest == 1) {
      for (uint8_t& byte : numbers.bytes) byte = static_cast<uint8_t>(byte * 255);
      notes.push_back(range_note({0, 1}, type, ", each black or white"));
      return Pixels(shape, std::move(numbers.bytes));
    }
    notes.push_back(range_note({0, 255}, type, type.byte ? "" : ", whole numbers kept as bytes"));
    if (highest > 1 && highest < 64) {  // such as the digits of scikit-learn, 0..16
      const std::string most = std::to_string(highest);
      notes.push_back("no pixel value is above " + most + ": if that means white, say --range 0," + most);
    }
    return Pixels(shape, std::move(numbers.bytes));
  }
  if (numbers.floats.empty()) numbers.floats.assign(numbers.bytes.begin(), numbers.bytes.end());
  ValueRange range;
  range.add(numbers.floats, 0, shape.per_example(), where);
  const Scale scale = range.scale(options, type, where);
  notes.push_back(range_note(scale, type, is_given ? ", as --range says" : ""));
  if (scale.black == 0) return Pixels(shape, std::move(numbers.floats), scale.white);
  scale.apply(numbers.floats);
  return Pixels(shape, std::move(numbers.floats), 1);
}

Shape flat_image_shape(int64_t images, int64_t values, const ReadOptions& options, const std::string& where) {
  const int64_t side = std::llround(std::sqrt(static_cast<double>(values)));
  const int64_t height = options.height, width = options.width, pixels = height * width;
  const bool is_sized = pixels > 0 && values % pixels == 0 && is_channels(values / pixels);
  if (is_sized) return {images, height, width, values / pixels};
  if (side * side == values) return {images, side, side, 1};
  const std::string each = std::to_string(values) + " values an image ";
  if (pixels <= 0) throw usage_error(each + "make no square", where, "Say --size HEIGHTxWIDTH");
  throw usage_error(each + "are not " + std::to_string(height) + "x" + std::to_string(width), where,
                    "Give the --size the images have");
}

Shape image_shape(std::span<const int64_t> array, const ReadOptions& options, const std::string& where) {
  const size_t axes = array.size();
  if (std::ranges::count(array, 0) > 0) throw Error("holds no images", where, "Give at least one image");
  Shape shape;
  if (axes == 2) {
    shape = flat_image_shape(array[0], array[1], options, where);
  } else if (axes == 3) {
    shape = {array[0], array[1], array[2], 1};
  } else if (axes == 4 && is_channels(array[3])) {
    shape = {array[0], array[1], array[2], array[3]};
  } else {
    std::string text;
    for (const int64_t size : array) text += (text.empty() ? "" : ", ") + std::to_string(size);
    throw Error("has the shape [" + text + "]", where,
                "Images are [N, H*W], [N, H, W] or [N, H, W, C] with C 1 or 3");
  }
  check_image_size(shape[1], shape[2], where);
  return shape;
}

PixelRange pixel_range(std::span<const float> values, int64_t each, const ReadOptions& options,
                       const std::string& where) {
  const bool whole = std::ranges::all_of(values, [](float v) { return v == std::trunc(v); });
  ValueRange range;
  range.add(values, 0, each, where);
  const Scale scale = range.scale(options, {"float32", whole, false}, where);
  return {scale.black, scale.white};
}

bool look_like_images(std::span<const float> rows, int64_t each) {
  const int64_t side = std::llround(std::sqrt(static_cast<double>(each)));
  if (side < 8 || side * side != each || rows.empty()) return false;
  float high = 0;
  for (const float value : rows) {
    if (!(value >= 0 && value <= 255)) return false;
    high = std::max(high, value);
  }
  return high <= 1 || high >= 64;
}

Pixels array_pixels(NpyArray array, const ReadOptions& options, std::vector<std::string>& notes) {
  const std::string where = array.where();
  if (array.is_text()) throw Error("holds text, not images", where, "Give an array of numbers");
  const Layout layout = layout_of(array, options, notes);
  check_image_size(layout.shape[1], layout.shape[2], where);
  if (layout.shape[0] > most_images) {
    throw Error("holds " + std::to_string(layout.shape[0]) + " images", where,
                "Divide it into files of no more than " + std::to_string(most_images));
  }
  if (array.values > options.stream_above) return stream_pixels(std::move(array), layout, options, notes);
  Numbers numbers = read_npy_numbers(array);
  layout.arrange(numbers.bytes);
  layout.arrange(numbers.floats);
  return make_pixels(std::move(numbers), layout.shape, options, value_type(array), where, notes);
}

void array_labels(const NpyArray& array, int64_t images, const ReadOptions& options,
                  std::vector<std::string>& names, std::vector<int32_t>& labels) {
  const std::vector<int64_t>& shape = array.shape;
  if (shape.empty() || shape.size() > 2) {
    throw Error("has the shape " + array.shape_text(), array.where(),
                "Labels are [N], or one-hot [N, classes]");
  }
  if (shape[0] != images) {
    throw Error("has " + std::to_string(shape[0]) + " entries for " + std::to_string(images) + " images",
                array.where(), "Give one for each image");
  }
  LabelIndex index;
  index.reserve(static_cast<size_t>(images));
  if (shape.size() == 2 && shape[1] > 1 && !array.is_text()) {
    one_hot_labels(array, options, index);
  } else if (array.values != images) {
    throw Error("has the shape " + array.shape_text(), array.where(),
                "Labels are [N], or one-hot [N, classes]");
  } else {
    read_npy_labels(array, [&](std::string_view text) {
      if (text.empty()) {
        throw Error("entry " + std::to_string(index.size()) + " (counted from 0) is empty", array.where(),
                    "Give every image a label");
      }
      index.add(text);
    });
  }
  index.finish(names, labels);
}

}  // namespace mudra
