#include "mudra/synth/render_hands.h"

#include <algorithm>
#include <cmath>

#include "mudra/core/error.h"
#include "mudra/synth/background.h"
#include "mudra/synth/camera.h"
#include "mudra/synth/raster.h"
#include "mudra/synth/scene.h"
#include "mudra/synth/shading.h"

namespace mudra {
namespace {

using namespace synth;

// Streams of random numbers of one seed.
enum Stream : uint32_t { image_stream, person_stream, order_stream };

constexpr int samples = 2;           // a pixel, each way
constexpr double most_bytes = 16e9;  // of one data set in memory

struct Workspace {
  Surface surface;
  ShadingScratch scratch;
  std::vector<Vec3> colour, light;
  std::vector<uint8_t> mask;
};

void check(const SynthOptions& options) {
  auto refuse = [](const std::string& what, const std::string& remedy) {
    throw usage_error(what, "synth", remedy);
  };
  if (options.count < 1)
    refuse("cannot render " + std::to_string(options.count) + " images", "Ask for 1 or more.");
  if (options.size < 16 || options.size > 512) {
    refuse("size " + std::to_string(options.size) + " is out of range", "Choose 16 to 512 pixels a side.");
  }
  if (!(options.none_fraction >= 0 && options.none_fraction <= 1)) {
    refuse("the share of none images must lie between 0 and 1", "Give a fraction such as 0.1.");
  }
  const double bytes =
      static_cast<double>(options.count) * options.size * options.size * (options.colour ? 3 : 1);
  if (bytes > most_bytes) {
    refuse(std::to_string(options.count) + " images of this size are more than 16 GB",
           "Render parts with different seeds, or smaller images.");
  }
  const std::string& d = options.domain;
  if (d != "massey" && d != "ankara" && d != "webcam" && d != "mixed") {
    refuse("there is no domain '" + d + "'", "Choose massey, ankara, webcam or mixed.");
  }
}

// Digits come in shuffled blocks of ten, so that any stretch is balanced; none images are spread evenly.
int label_of(const SynthOptions& options, int64_t index) {
  const double f = options.none_fraction;
  const double before = std::floor(static_cast<double>(index) * f);
  if (std::floor(static_cast<double>(index + 1) * f) > before) return none_sign;
  const int64_t digit = index - static_cast<int64_t>(before);
  std::array<int, digit_count> order;
  for (int i = 0; i < digit_count; ++i) order[i] = i;
  Rng rng(options.seed, Purpose::synth, order_stream, static_cast<uint64_t>(digit / digit_count));
  rng.shuffle(std::span<int>(order));
  return order[static_cast<size_t>(digit % digit_count)];
}

Person person_of(const SynthOptions& options, int64_t index) {
  Rng rng(options.seed, Purpose::synth, person_stream, static_cast<uint64_t>(index / images_per_person));
  Domain domain = static_cast<Domain>(rng.below(3));
  if (options.domain == "massey") domain = Domain::massey;
  if (options.domain == "ankara") domain = Domain::ankara;
  if (options.domain == "webcam") domain = Domain::webcam;
  return draw_person(domain, rng);
}

// Each pixel's share of hand, 0..255.
void measure_mask(int side, const Surface& surface, std::vector<uint8_t>& mask) {
  mask.assign(static_cast<size_t>(side) * side, 0);
  for (int y = surface.top; y < surface.bottom; ++y) {
    for (int x = surface.left; x < surface.right; ++x) {
      if (surface.height[surface.at(x, y)] <= nothing) continue;
      const size_t pixel = static_cast<size_t>(y / samples) * side + x / samples;
      mask[pixel] = static_cast<uint8_t>(mask[pixel] + 255 / (samples * samples));
    }
  }
  // 255 / 4 leaves three levels behind.
  for (uint8_t& share : mask) share = share == 255 / (samples * samples) * samples * samples ? 255 : share;
}

// Lays the hand's samples over the background.
void compose(int side, const Surface& surface, const std::vector<Vec3>& colour, std::vector<Vec3>& light) {
  constexpr float share = 1.f / (samples * samples);
  for (int y = surface.top / samples; y < (surface.bottom + samples - 1) / samples; ++y) {
    for (int x = surface.left / samples; x < (surface.right + samples - 1) / samples; ++x) {
      Vec3 sum;
      int hits = 0;
      for (int i = 0; i < samples * samples; ++i) {
        const size_t at = surface.at(x * samples + i % samples, y * samples + i / samples);
        if (surface.height[at] <= nothing) continue;
        ++hits;
        sum = sum + colour[at];
      }
      Vec3& pixel = light[static_cast<size_t>(y) * side + x];
      if (hits > 0) pixel = pixel * (1 - static_cast<float>(hits) * share) + sum * share;
    }
  }
}

// Brightens the wall until the hand before it is darker by `ratio`.
void light_wall(float ratio, const Surface& surface, const std::vector<Vec3>& colour,
                std::vector<Vec3>& light) {
  float hand = 0, hand_samples = 0, wall = 0;
  for (int y = surface.top; y < surface.bottom; ++y) {
    for (int x = surface.left; x < surface.right; ++x) {
      const size_t at = surface.at(x, y);
      if (surface.height[at] <= nothing) continue;
      hand += colour[at].y;
      ++hand_samples;
    }
  }
  for (const Vec3& pixel : light) wall += pixel.y;
  if (hand_samples < 1 || wall <= 0) return;
  const float gain = hand / hand_samples / (ratio * wall / static_cast<float>(light.size()));
  for (Vec3& pixel : light) pixel = pixel * gain;
}

void render(const SynthOptions& options, int64_t index, int label, Workspace& work, uint8_t* pixels,
            RenderedHand* known) {
  const Person person = person_of(options, index);
  Rng rng(options.seed, Purpose::synth, image_stream, static_cast<uint64_t>(index));
  const Scene scene = draw_scene(person, label, rng);
  const int side = options.size;
  work.surface.clear(side * samples);
  work.colour.resize(work.surface.height.size());
  draw_background(person.domain, side, rng, work.light);
  if (!scene.empty) {
    const Placed placed = place_hand(person, scene, side * samples);
    raster(placed.cones, work.surface);
    cut_out(scene, placed, rng.bits(), work.surface);
    shade(person, scene, placed, work.surface, work.scratch, work.colour);
    if (known != nullptr) {
      for (int i = 0; i < joint_count; ++i) {
        known->joints[static_cast<size_t>(i)] = {placed.joints[i].x / samples, placed.joints[i].y / samples};
      }
    }
  }
  if (known != nullptr) known->empty = scene.empty;
  measure_mask(side, work.surface, work.mask);
  if (scene.darker > 0) light_wall(scene.darker, work.surface, work.colour, work.light);
  cast_shadow(scene.light, side, work.mask, work.light);
  compose(side, work.surface, work.colour, work.light);
  if (known != nullptr) known->mask = work.mask;
  photograph(scene.camera, side, options.colour ? 3 : 1, work.mask, rng, work.light, pixels);
}

}  // namespace

Dataset render_hands(const SynthOptions& options, ThreadTeam& team) {
  check(options);
  const int channels = options.colour ? 3 : 1;
  const int64_t each = int64_t{options.size} * options.size * channels;
  std::vector<uint8_t> bytes(static_cast<size_t>(options.count * each));
  Dataset data;
  data.labels.resize(static_cast<size_t>(options.count));
  data.groups.resize(static_cast<size_t>(options.count));
  const int64_t people = (options.count + images_per_person - 1) / images_per_person;
  team.run(people, [&](int64_t person) {
    Workspace work;
    const int64_t end = std::min(options.count, (person + 1) * images_per_person);
    for (int64_t i = person * images_per_person; i < end; ++i) {
      const int label = label_of(options, i);
      data.labels[static_cast<size_t>(i)] = label;
      data.groups[static_cast<size_t>(i)] = static_cast<int32_t>(person);
      render(options, i, label, work, &bytes[static_cast<size_t>(i * each)], nullptr);
    }
  });
  data.source = "synth:" + std::to_string(options.count);
  data.pixels = Pixels({options.count, options.size, options.size, channels}, std::move(bytes));
  for (int digit = 0; digit < digit_count; ++digit) data.classes.push_back(std::to_string(digit));
  if (options.none_fraction > 0) data.classes.push_back("none");
  for (int64_t person = 0; person < people; ++person)
    data.group_names.push_back("person" + std::to_string(person));
  return data;
}

RenderedHand render_hand(const SynthOptions& options, int64_t index) {
  check(options);
  const size_t area = static_cast<size_t>(options.size) * options.size;
  RenderedHand hand;
  hand.label = label_of(options, index);
  hand.pixels.resize(area * (options.colour ? 3 : 1));
  Workspace work;
  render(options, index, hand.label, work, hand.pixels.data(), &hand);
  return hand;
}

}  // namespace mudra
