#include "mudra/inference/hand_cutter.h"

#include <algorithm>
#include <cmath>

#include "mudra/core/error.h"
#include "mudra/core/thread_team.h"
#include "mudra/features/prepare.h"
#include "mudra/hands/finder.h"
#include "mudra/network/heads.h"

namespace mudra {
namespace {

constexpr uint8_t no_hand = 128;

// Weights that are finite may still give what is no number, which is no place in a picture.
bool is_place(const FoundHand& found) {
  const auto& [view, box, presence] = found;
  const float values[] = {view.middle.x, view.middle.y, view.size, view.up.x,  view.up.y,
                          box.left,      box.top,       box.right, box.bottom, presence};
  return std::ranges::all_of(values, [](float x) { return std::isfinite(x); });
}

// A hand that was found is looked for again in a square around it, so many times its size.
constexpr float seen_again = 2.2F;

struct Surroundings {
  int left = 0, top = 0;
  Image image;
};

// The square around a hand, as far as the picture goes.
Surroundings surroundings_of(const HandView& view, const Image& picture) {
  const float reach = 0.5F * seen_again * view.size;
  const auto place = [](float at, int low, int high) {
    return static_cast<int>(std::clamp(at, static_cast<float>(low), static_cast<float>(high)));
  };
  Surroundings around{place(view.middle.x - reach, 0, picture.width - 1),
                      place(view.middle.y - reach, 0, picture.height - 1),
                      {}};
  const int right = place(view.middle.x + reach, around.left + 1, picture.width),
            bottom = place(view.middle.y + reach, around.top + 1, picture.height);
  around.image = {bottom - around.top, right - around.left, picture.channels, {}};
  for (int y = around.top; y < bottom; ++y) {
    const auto row = std::span(picture.bytes)
                         .subspan((static_cast<size_t>(y) * picture.width + around.left) * picture.channels,
                                  static_cast<size_t>(around.image.width) * picture.channels);
    around.image.bytes.insert(around.image.bytes.end(), row.begin(), row.end());
  }
  return around;
}

}  // namespace

HandCutter::HandCutter(const Model& model)
    : finder_(model.parts.at(std::string(finder_part))), reader_(model.preprocessing) {
  const std::vector<Head> heads = {{HeadKind::presence, 1, 1}, {HeadKind::distance, finder_distances, 1}};
  const auto& found = finder_.network.heads;
  const bool is_finder = std::ranges::equal(found, heads, [](const Head& a, const Head& b) {
    return a.kind == b.kind && a.channels == b.channels;
  });
  const Preprocessing& p = finder_.preprocessing;
  const Shape map = finder_.network.shapes().back();
  const bool has_cells = map.rank() == 4 && map[1] == map[2];
  if (!is_finder || !has_cells || p.height != p.width || p.fit != Fit::keep_aspect) {
    throw Error("has a finder whose network is none", "model",
                "It takes square pictures and ends in heads(presence 1, distance 9) behind a square map");
  }
}

FoundHand HandCutter::find(const Image& picture, Place& place) const {
  prepare(picture, finder_.preprocessing, place.x.data());
  ThreadTeam team(1);
  const Tensor& map = place.plan.infer(finder_.network, place.x, Context{team});
  const int side = finder_.preprocessing.height;
  return in_picture(found_hand(map.data(), side, static_cast<int>(map.shape()[1])), side, picture.height,
                    picture.width);
}

HandCuts HandCutter::cut_out(const Image& picture) const {
  const auto place =
      places_.lend([](const Place&) { return true; },
                   [&] {
                     return std::make_unique<Place>(
                         Place{Plan(finder_.network, 1, Mode::infer), Tensor(finder_.network.input)});
                   });
  const FoundHand first = find(picture, *place);
  // However sure the second look may be, the mean would stay below.
  if (!is_place(first) || first.presence < least_presence * least_presence) return {};
  const Surroundings around = surroundings_of(first.view, picture);
  const FoundHand second =
      moved(find(around.image, *place), static_cast<float>(around.left), static_cast<float>(around.top));
  HandCuts cuts{std::sqrt(first.presence * second.presence), {}};
  if (!is_place(second) || cuts.presence < least_presence) return {};
  for (const FoundHand& found : {first, second})
    cuts.looks.push_back({fit(cut(picture, found.view, reader_.height), reader_), found});
  return cuts;
}

Image no_cut(const Preprocessing& input) {
  const auto values = static_cast<size_t>(input.height) * input.width * input.channels;
  return {input.height, input.width, input.channels, std::vector<uint8_t>(values, no_hand)};
}

int64_t cuts_without_hand(const Pixels& cuts) {
  int64_t count = 0;
  for (int64_t i = 0; i < cuts.count(); ++i)
    count += std::ranges::all_of(cuts.bytes(i), [](uint8_t value) { return value == no_hand; });
  return count;
}

}  // namespace mudra
