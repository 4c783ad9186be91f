#include "mudra/inference/draw_answer.h"

#include <fmt/format.h>

#include <algorithm>

#include "mudra/core/utf8.h"
#include "mudra/data/canvas.h"
#include "mudra/inference/predictor.h"

namespace mudra {
namespace {

constexpr Colour ink = {235, 235, 235}, dark = {20, 20, 20}, green = {60, 220, 130}, amber = {250, 180, 60};
constexpr int least_side = 384;  // of a drawing's longer side
constexpr size_t joints_of_a_hand = 21;

// A wrist, then four joints a finger from the palm to the tip; a colour for each finger.
constexpr Colour finger_colours[] = {
    {255, 120, 90}, {255, 200, 70}, {110, 220, 120}, {90, 180, 255}, {200, 130, 255}};

void draw_hand(Canvas& canvas, const std::vector<Point>& at, float width) {
  for (size_t finger = 0; finger < 5; ++finger) {
    size_t before = 0;
    for (size_t k = 1; k <= 4; ++k) {
      const size_t joint = 4 * finger + k;
      canvas.line(at[before], at[joint], width, finger_colours[finger]);
      before = joint;
    }
  }
  for (size_t joint = 0; joint < at.size(); ++joint) {
    canvas.line(at[joint], at[joint], 2.6F * width, dark);
    canvas.line(at[joint], at[joint], 1.8F * width, joint == 0 ? ink : finger_colours[(joint - 1) / 4]);
  }
}

// The signs, the likeliest first.
std::vector<size_t> signs_of(const Answer& answer, int32_t none) {
  std::vector<size_t> order;
  for (size_t c = 0; c < answer.probabilities.size(); ++c)
    if (static_cast<int32_t>(c) != none) order.push_back(c);
  std::ranges::stable_sort(order, std::greater{}, [&](size_t c) { return answer.probabilities[c]; });
  return order;
}

// Sizes of letters, in pixels a dot, that let a line of text fit.
int dot_that_fits(size_t letters, int width, int wanted) {
  const int most = width / (static_cast<int>(letters) * letter_width(1));
  return std::clamp(most, 1, wanted);
}

Image enlarged(const Image& picture) {
  const int longer = std::max(picture.height, picture.width);
  const int by = std::max(1, (least_side + longer - 1) / longer);
  return fit(picture, {picture.height * by, picture.width * by, 3, Fit::stretch});
}

}  // namespace

std::string answer_text(const Answer& answer, const Model& model) {
  const int32_t none = none_label(model);
  if (answer.label != none)
    return fmt::format("{}   {:.1f}%", model.classes[static_cast<size_t>(answer.label)],
                       100 * answer.confidence);
  const size_t nearest = signs_of(answer, none).front();
  return fmt::format("none of these   nearest to {}: {:.1f}%", model.classes[nearest],
                     100 * answer.probabilities[nearest]);
}

Image draw_answer(const Image& picture, const Answer& answer, const Model& model) {
  const Image large = enlarged(picture);
  const int unit = std::max(large.height, large.width) / 320 + 1;
  const int margin = 4 * unit, wide = std::max(large.width, 80 * unit);
  const std::u32string text = code_points(answer_text(answer, model));
  const int dot = dot_that_fits(text.size(), wide - 2 * margin, 2 * unit);
  const int below = glyph_height * dot + 2 * margin;
  Canvas canvas(large.height + below, wide, 3, dark[0]);
  const int left = (wide - large.width) / 2;
  canvas.paste(large, 0, left);
  const auto point = [&](float x, float y) {
    return Point{static_cast<float>(left) + x * static_cast<float>(large.width),
                 y * static_cast<float>(large.height)};
  };
  const bool is_none = answer.label == none_label(model);
  const Colour colour = is_none ? amber : green;
  const auto width = static_cast<float>(unit) * 1.5F;
  if (const auto& box = answer.box) {
    canvas.frame(point(box->left, box->top), point(box->right, box->bottom), width + 2, dark);
    canvas.frame(point(box->left, box->top), point(box->right, box->bottom), width, colour);
  }
  if (answer.joints.size() == joints_of_a_hand) {
    std::vector<Point> at;
    for (const Joint& joint : answer.joints) at.push_back(point(joint.x, joint.y));
    draw_hand(canvas, at, width);
  }
  canvas.fill(large.height, 0, below, wide, dark);
  canvas.write(text, large.height + margin, margin, colour, dot);
  return std::move(canvas.image);
}

}  // namespace mudra
