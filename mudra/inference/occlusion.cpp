#include "mudra/inference/occlusion.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "mudra/features/prepare.h"
#include "mudra/inference/inference.h"

namespace mudra {
namespace {

constexpr int places = 12;

// The image that is read, and its corners in the picture.
std::pair<Image, std::array<Point, 4>> read_image(const Predictor& predictor, const Image& picture) {
  const Preprocessing& input = predictor.model().preprocessing;
  if (!predictor.cutter()) return {fit(picture, input), {{{0, 0}, {1, 0}, {1, 1}, {0, 1}}}};
  const HandCuts cuts = predictor.cutter()->cut_out(picture);
  if (!cuts.found()) return {};
  const auto& [image, hand] = cuts.looks.back();
  const auto side = static_cast<float>(image.width);
  std::array<Point, 4> corners{{{0, 0}, {side, 0}, {side, side}, {0, side}}};
  for (Point& corner : corners) {
    const Point at = from_cut(corner, hand.view, image.width);
    corner = {at.x / static_cast<float>(picture.width), at.y / static_cast<float>(picture.height)};
  }
  return {image, corners};
}

// Covers the square around a place; `x` is one image of values.
void cover(const Preprocessing& input, int down, int across, const std::vector<float>& mean, float* x) {
  const auto span = [](int place, int length) {
    const int middle = (2 * place + 1) * length / (2 * places), half = std::max(1, length / 12);
    return std::pair(std::max(0, middle - half), std::min(length, middle + half));
  };
  const auto [top, bottom] = span(down, input.height);
  const auto [left, right] = span(across, input.width);
  for (int row = top; row < bottom; ++row) {
    for (int column = left; column < right; ++column)
      std::ranges::copy(mean, x + (row * input.width + column) * input.channels);
  }
}

double log_odds(float probability) {
  const double p = std::clamp(static_cast<double>(probability), 1e-7, 1 - 1e-7);
  return std::log(p / (1 - p));
}

}  // namespace

Occlusion occlusion(const Predictor& predictor, const Image& picture, ThreadTeam& team) {
  static_assert(places * places < answered_together);
  Occlusion found{predictor.answer(picture), {}, 0, {}};
  const auto [image, corners] = read_image(predictor, picture);
  if (image.bytes.empty()) return found;
  const Preprocessing& input = predictor.model().preprocessing;
  const Shape& shape = predictor.model().network.input;
  const int64_t values = shape.elements();
  Tensor x({1 + places * places, shape[1], shape[2], shape[3]});
  prepare(image, input, x.data());
  std::vector<float> mean(static_cast<size_t>(input.channels));
  for (int64_t i = 0; i < values; ++i)
    mean[static_cast<size_t>(i % input.channels)] +=
        x[i] * static_cast<float>(input.channels) / static_cast<float>(values);
  for (int place = 0; place < places * places; ++place) {
    float* covered = x.data() + (1 + place) * values;
    std::copy_n(x.data(), values, covered);
    cover(input, place / places, place % places, mean, covered);
  }
  Tensor logits, probabilities;
  predictor.answer(x, team, logits, probabilities);
  const int64_t classes = probabilities.shape()[1];
  const auto odds = [&](int64_t row, int64_t c) { return log_odds(probabilities[row * classes + c]); };
  const int64_t shown =
      std::ranges::max_element(found.answer.probabilities) - found.answer.probabilities.begin();
  found.corners = corners;
  found.side = places;
  for (int64_t place = 1; place <= places * places; ++place)
    found.falls.push_back(static_cast<float>(std::max(0.0, odds(0, shown) - odds(place, shown))));
  const float most = std::ranges::max(found.falls);
  for (float& fall : found.falls) fall = most > 0 ? fall / most : 0;
  return found;
}

}  // namespace mudra
