#include "mudra/inference/model_picture.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "mudra/data/image_file.h"

namespace mudra {

Image within(Image picture, int most) {
  const int longer = std::max(picture.height, picture.width);
  if (longer <= most) return picture;
  const auto scaled = [&](int side) {
    return std::max(1, static_cast<int>(std::lround(static_cast<double>(side) * most / longer)));
  };
  return fit(picture, {scaled(picture.height), scaled(picture.width), picture.channels, Fit::stretch});
}

Image decode_picture_for(const Model& model, std::span<const uint8_t> file, const std::string& where) {
  const Preprocessing& input = model.preprocessing;
  if (model.parts.empty())
    return decode_image(file, where, input.channels, {.height = 2 * input.height, .width = 2 * input.width});
  int channels = input.channels;
  for (const auto& [name, part] : model.parts) channels = std::max(channels, part.preprocessing.channels);
  return within(decode_image(file, where, channels, {.longer = searched_side}), searched_side);
}

Image read_picture_for(const Model& model, const std::string& path) {
  return decode_picture_for(model, picture_bytes(path), path);
}

}  // namespace mudra
