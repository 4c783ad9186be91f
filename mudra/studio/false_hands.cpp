#include "mudra/studio/false_hands.h"

#include "mudra/features/prepare.h"
#include "mudra/synth/render_hands.h"

namespace mudra {
namespace {

constexpr int64_t most_rooms = 400;
constexpr size_t wanted = 60;

}  // namespace

std::vector<HandFeatures> false_hands(const HandReader& reader, const std::stop_token& stop) {
  const SynthOptions rooms{
      .count = most_rooms, .size = 160, .seed = 1, .none_fraction = 0.999, .domain = "room", .colour = true};
  const Dataset drawn = rendered_on_demand(rooms);
  std::vector<HandFeatures> found;
  for (int64_t i = 0; i < most_rooms && found.size() < wanted && !stop.stop_requested(); ++i) {
    if (rendered_joints(rooms, i)) continue;  // there is a hand
    HandFeatures thing = reader.read(image_of(drawn.pixels, i));
    if (thing.found()) found.push_back(std::move(thing));
  }
  return found;
}

}  // namespace mudra
