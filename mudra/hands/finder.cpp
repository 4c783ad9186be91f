#include "mudra/hands/finder.h"

#include <algorithm>
#include <cmath>

#include "mudra/core/portable_math.h"

namespace mudra {

void finder_targets_of(std::span<const Point> joints, int side, int cells, float* targets) {
  std::fill_n(targets, static_cast<size_t>(cells) * cells * finder_targets, 0.f);
  for (int i = 0; i < cells * cells; ++i)
    targets[static_cast<size_t>(i) * finder_targets] = 1;  // whether a hand is there, everywhere
  if (joints.empty()) return;
  const HandView view = view_of(joints.first<hand_joints>());
  const float cell = static_cast<float>(side) / static_cast<float>(cells);
  const auto log_size = static_cast<float>(
      portable::log(static_cast<double>(std::max(view.size, 1.f) * 4 / static_cast<float>(side))));
  const float half = 0.5f * std::max(view.size, 1.f);
  HandBox box{1e9f, 1e9f, -1e9f, -1e9f};
  for (const Point joint : joints) {
    box.left = std::min(box.left, joint.x);
    box.top = std::min(box.top, joint.y);
    box.right = std::max(box.right, joint.x);
    box.bottom = std::max(box.bottom, joint.y);
  }
  // The cell of the middle counts in full however small the hand is.
  const float reach = std::max(0.5f * half, 0.75f * cell);
  for (int y = 0; y < cells; ++y) {
    for (int x = 0; x < cells; ++x) {
      float* t = targets + (static_cast<size_t>(y) * cells + x) * finder_targets;
      const float dx = view.middle.x - (static_cast<float>(x) + 0.5f) * cell,
                  dy = view.middle.y - (static_cast<float>(y) + 0.5f) * cell;
      const float far = (dx * dx + dy * dy) / (reach * reach);
      const bool holds_middle = std::fabs(dx) <= 0.5f * cell && std::fabs(dy) <= 0.5f * cell;
      t[1] = holds_middle ? 1 : static_cast<float>(portable::exp(static_cast<double>(-far)));
      t[2] = t[1] > 0.2f ? t[1] : 0;
      t[3] = dx / half;
      t[4] = dy / half;
      t[5] = log_size;
      t[6] = view.up.x;
      t[7] = view.up.y;
      t[8] = (box.left - view.middle.x) / half;
      t[9] = (box.top - view.middle.y) / half;
      t[10] = (box.right - view.middle.x) / half;
      t[11] = (box.bottom - view.middle.y) / half;
    }
  }
}

FoundHand found_hand(const float* outputs, int side, int cells) {
  const auto at = [&](int x, int y) {
    return outputs + (static_cast<size_t>(y) * cells + x) * finder_channels;
  };
  int best_x = 0, best_y = 0;
  for (int y = 0; y < cells; ++y) {
    for (int x = 0; x < cells; ++x) {
      if (at(x, y)[0] > at(best_x, best_y)[0]) {
        best_x = x;
        best_y = y;
      }
    }
  }
  const auto presence = [](float logit) {
    return static_cast<float>(1 / (1 + portable::exp(static_cast<double>(-logit))));
  };
  FoundHand found;
  found.presence = presence(at(best_x, best_y)[0]);
  // The cells around it vote, each as much as it is sure.
  const float cell = static_cast<float>(side) / static_cast<float>(cells);
  float total = 0, x_sum = 0, y_sum = 0, size_sum = 0, up_x = 0, up_y = 0, edges[4] = {};
  for (int y = std::max(0, best_y - 1); y <= std::min(cells - 1, best_y + 1); ++y) {
    for (int x = std::max(0, best_x - 1); x <= std::min(cells - 1, best_x + 1); ++x) {
      const float* o = at(x, y);
      const float weight = presence(o[0]);
      const float size = 0.25f * static_cast<float>(side) *
                         static_cast<float>(portable::exp(static_cast<double>(std::clamp(o[3], -4.f, 3.f))));
      x_sum += weight * ((static_cast<float>(x) + 0.5f) * cell + 0.5f * size * o[1]);
      y_sum += weight * ((static_cast<float>(y) + 0.5f) * cell + 0.5f * size * o[2]);
      size_sum += weight * size;
      up_x += weight * o[4];
      up_y += weight * o[5];
      for (int edge = 0; edge < 4; ++edge) edges[edge] += weight * o[6 + edge];
      total += weight;
    }
  }
  const float share = 1 / std::max(total, 1e-9f), length = std::sqrt(up_x * up_x + up_y * up_y);
  found.view.middle = {x_sum * share, y_sum * share};
  found.view.size = size_sum * share;
  if (length > 1e-6f) found.view.up = {up_x / length, up_y / length};
  const float half = 0.5f * found.view.size;
  const auto edge = [&](float from, int which) { return from + half * edges[which] * share; };
  const Point middle = found.view.middle;
  const auto [left, right] = std::minmax({edge(middle.x, 0), edge(middle.x, 2)});
  const auto [top, bottom] = std::minmax({edge(middle.y, 1), edge(middle.y, 3)});
  found.box = {left, top, right, bottom};
  return found;
}

FoundHand moved(FoundHand found, float right, float down) {
  Point& middle = found.view.middle;
  middle = {middle.x + right, middle.y + down};
  HandBox& box = found.box;
  box = {box.left + right, box.top + down, box.right + right, box.bottom + down};
  return found;
}

FoundHand in_picture(FoundHand found, int side, int height, int width) {
  const auto longer = static_cast<float>(std::max(height, width));
  const float scale = longer / static_cast<float>(side);
  const float left = 0.5f * (longer - static_cast<float>(width)),
              top = 0.5f * (longer - static_cast<float>(height));
  HandView& view = found.view;
  view.middle = {view.middle.x * scale, view.middle.y * scale};
  view.size *= scale;
  HandBox& box = found.box;
  box = {box.left * scale, box.top * scale, box.right * scale, box.bottom * scale};
  return moved(found, -left, -top);
}

}  // namespace mudra
