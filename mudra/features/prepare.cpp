#include "mudra/features/prepare.h"

#include <memory>
#include <utility>
#include <vector>

#include "mudra/core/error.h"

namespace mudra {
namespace {

Fitter fitter_for(const Shape& shape, const Preprocessing& to) {
  return {static_cast<int>(shape[1]), static_cast<int>(shape[2]), static_cast<int>(shape[3]), to};
}

class FittedImages final : public PixelSource {
 public:
  FittedImages(Pixels pixels, const Preprocessing& to) : pixels_(std::move(pixels)), to_(to) {}

  void read(int64_t image, float* out) const override {
    std::vector<float> stored(static_cast<size_t>(pixels_.shape().per_example()));
    pixels_.read(image, stored.data());
    fitter_for(pixels_.shape(), to_).apply(stored.data(), out);
  }

 private:
  Pixels pixels_;
  Preprocessing to_;
};

}  // namespace

void prepare(const Image& image, const Preprocessing& to, float* out) {
  const Image fitted = fit(image, to);
  for (size_t i = 0; i < fitted.bytes.size(); ++i) out[i] = static_cast<float>(fitted.bytes[i]) * (1 / 255.F);
}

Image image_of(const Pixels& pixels, int64_t image) {
  const Shape& shape = pixels.shape();
  std::vector<float> values(static_cast<size_t>(shape.per_example()));
  pixels.read(image, values.data());
  Image result{static_cast<int>(shape[1]), static_cast<int>(shape[2]), static_cast<int>(shape[3]), {}};
  for (const float value : values) result.bytes.push_back(to_byte(value));
  return result;
}

Pixels mapped(const Pixels& pixels, const std::function<Image(const Image&)>& look) {
  std::vector<uint8_t> bytes;
  Shape shape;
  for (int64_t i = 0; i < pixels.count(); ++i) {
    const Image image = look(image_of(pixels, i));
    shape = {pixels.count(), image.height, image.width, image.channels};
    bytes.insert(bytes.end(), image.bytes.begin(), image.bytes.end());
  }
  return {shape, std::move(bytes)};
}

Pixels fit_to(const Pixels& pixels, const Preprocessing& to) {
  const Shape shape{pixels.count(), to.height, to.width, to.channels};
  if (pixels.shape() == shape || pixels.count() == 0) return pixels;
  if (pixels.is_streamed()) return Pixels(shape, std::make_shared<FittedImages>(pixels, to));

  Fitter fitter = fitter_for(pixels.shape(), to);
  const auto size = static_cast<size_t>(shape.per_example());
  const auto count = static_cast<size_t>(pixels.count());
  if (pixels.is_bytes()) {
    std::vector<uint8_t> bytes(count * size);
    for (size_t i = 0; i < count; ++i) {
      fitter.apply(pixels.bytes(static_cast<int64_t>(i)).data(), bytes.data() + i * size);
    }
    return Pixels(shape, std::move(bytes));
  }
  std::vector<float> values(count * size), stored(static_cast<size_t>(pixels.shape().per_example()));
  for (size_t i = 0; i < count; ++i) {
    pixels.read(static_cast<int64_t>(i), stored.data());
    fitter.apply(stored.data(), values.data() + i * size);
  }
  return Pixels(shape, std::move(values), 1);
}

Dataset fit_to(Dataset data, const Preprocessing& to) {
  const Shape& from = data.pixels.shape();
  if (data.targets && to.fit == Fit::keep_aspect && from[1] * to.width != from[2] * to.height) {
    throw usage_error("adds borders to the images, but their targets would stay where they are",
                      "--fit keep-aspect", "Give a --size of the images' own proportions, or --fit stretch");
  }
  data.pixels = fit_to(data.pixels, to);
  return data;
}

}  // namespace mudra
