#include "mudra/synth/photographed_hand.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "mudra/core/error.h"
#include "mudra/core/portable_math.h"
#include "mudra/synth/background.h"
#include "mudra/synth/camera.h"
#include "mudra/synth/draw.h"
#include "mudra/synth/render_scene.h"
#include "mudra/synth/room.h"

namespace mudra {
namespace {

using namespace synth;

constexpr uint32_t photographed_stream = 3;  // of random numbers; those of rendered hands are 0 to 2

// Red less blue, as parts of all light.
float redness(const uint8_t* pixel) {
  const int sum = pixel[0] + pixel[1] + pixel[2] + 1;
  return static_cast<float>(pixel[0] - pixel[2]) / static_cast<float>(sum);
}

// That of the wall: the median along the upper edge and the upper parts of the sides, where no arm comes in.
float redness_of_wall(const Image& image) {
  std::vector<float> seen;
  const int edge = std::max(1, image.width / 20);
  for (int y = 0; y < image.height * 6 / 10; ++y) {
    for (int x = 0; x < image.width; ++x) {
      if (y < edge || x < edge || x >= image.width - edge)
        seen.push_back(redness(&image.bytes[(static_cast<size_t>(y) * image.width + x) * 3]));
    }
  }
  const auto middle = seen.begin() + std::ssize(seen) / 2;
  std::ranges::nth_element(seen, middle);
  return *middle;
}

// The connected parts of the pixels that are `value`, each as a list of places.
std::vector<std::vector<int>> parts_of(const std::vector<uint8_t>& mask, int width, uint8_t value) {
  std::vector<uint8_t> seen(mask.size(), 0);
  std::vector<std::vector<int>> parts;
  for (size_t start = 0; start < mask.size(); ++start) {
    if (seen[start] || mask[start] != value) continue;
    std::vector<int> part = {static_cast<int>(start)};
    seen[start] = 1;
    for (size_t next = 0; next < part.size(); ++next) {
      const int at = part[next], x = at % width;
      const auto visit = [&](int to, bool inside) {
        if (!inside || seen[static_cast<size_t>(to)] || mask[static_cast<size_t>(to)] != value) return;
        seen[static_cast<size_t>(to)] = 1;
        part.push_back(to);
      };
      visit(at - 1, x > 0);
      visit(at + 1, x + 1 < width);
      visit(at - width, at >= width);
      visit(at + width, at + width < static_cast<int>(mask.size()));
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

Vec3 linear(const uint8_t* pixel) {
  static const auto table = [] {
    std::array<float, 256> values{};
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(
          portable::exp(2.2 * portable::log(std::max(1e-3, static_cast<double>(i) / 255))));
    return values;
  }();
  return {table[pixel[0]], table[pixel[1]], table[pixel[2]]};
}

// What is seen at a place between the photograph's pixels: light, and how much of it is hand. Below the lower
// edge the arm goes on.
struct Seen {
  Vec3 light;
  float share = 0;
};

class Sampler {
 public:
  explicit Sampler(const PhotographedHand& hand) : width_(hand.picture.width), height_(hand.picture.height) {
    for (size_t i = 0; i < hand.share.size(); ++i)
      pixels_.push_back({linear(&hand.picture.bytes[i * 3]), hand.share[i]});
  }

  Seen at(float x, float y) const {
    if (x < 0 || y < 0 || x >= static_cast<float>(width_ - 1)) return {};
    y = std::min(y, static_cast<float>(height_) - 3.01f);
    const int left = static_cast<int>(x), top = static_cast<int>(y);
    const float tx = x - static_cast<float>(left), ty = y - static_cast<float>(top);
    const Seen* row = &pixels_[static_cast<size_t>(top) * width_ + left];
    const Seen* below = row + width_;
    return {mix(mix(row[0].light, row[1].light, tx), mix(below[0].light, below[1].light, tx), ty),
            mix(mix(row[0].share, row[1].share, tx), mix(below[0].share, below[1].share, tx), ty)};
  }

  Vec3 mean() const {
    Vec3 sum;
    float all = 0;
    for (const Seen& pixel : pixels_) {
      sum = sum + pixel.light * pixel.share;
      all += pixel.share;
    }
    return sum * (1 / all);
  }

 private:
  int width_, height_;
  std::vector<Seen> pixels_;
};

Vec3 times(Vec3 a, Vec3 b) { return {a.x * b.x, a.y * b.y, a.z * b.z}; }

// From a place in the picture, in pixels, to one in the photograph.
struct Way {
  float across_x, across_y, down_x, down_y;  // a step to the right, a step down
  float middle_x, middle_y;                  // of the hand in the photograph
  float to_x, to_y;                          // in the picture
  float pixels;                              // of the photograph for one of the picture

  std::array<float, 2> operator()(float x, float y) const {
    return {middle_x + across_x * (x - to_x) + down_x * (y - to_y),
            middle_y + across_y * (x - to_x) + down_y * (y - to_y)};
  }
};

struct Extent {
  int left = 1 << 30, top = 1 << 30, right = -1, bottom = -1;
};

Extent extent_of(const PhotographedHand& hand) {
  Extent extent;
  for (size_t i = 0; i < hand.share.size(); ++i) {
    if (hand.share[i] < 0.5f) continue;
    const int x = static_cast<int>(i) % hand.picture.width, y = static_cast<int>(i) / hand.picture.width;
    extent = {std::min(extent.left, x), std::min(extent.top, y), std::max(extent.right, x),
              std::max(extent.bottom, y)};
  }
  return extent;
}

// A wrist is seen below the hand, so the hand is most of what was cut out.
constexpr float hand_of_cut_out = 0.8f;

Way way_of(const PhotographedHand& hand, const Scene& scene, int side, Rng& rng) {
  const Extent extent = extent_of(hand);
  const auto longer =
      hand_of_cut_out *
      static_cast<float>(std::max(extent.right - extent.left, extent.bottom - extent.top) + 1);
  Way way{};
  way.pixels = longer / (scene.fill * static_cast<float>(side));
  const float wider = way.pixels * uniform(rng, 0.88f, 1.12f), slant = normal(rng, 0, 0.08f);
  const auto [s, c] = sin_cos(scene.roll);
  const float mirror = scene.mirrored ? -1.f : 1.f;
  way.across_x = mirror * wider * (c + slant * s);
  way.across_y = -way.pixels * s;
  way.down_x = mirror * wider * (s - slant * c);
  way.down_y = way.pixels * c;
  way.middle_x = 0.5f * static_cast<float>(extent.left + extent.right);
  way.middle_y = static_cast<float>(extent.top) +
                 0.5f * hand_of_cut_out * static_cast<float>(extent.bottom - extent.top);
  way.to_x = (0.5f + scene.shift_x) * static_cast<float>(side);
  way.to_y = (0.5f + scene.shift_y) * static_cast<float>(side);
  return way;
}

// Light and share of every pixel of the picture, the light already that of the room.
std::vector<Seen> lit(const PhotographedHand& hand, const Person& person, const Scene& scene, const Way& way,
                      int side) {
  const Sampler sampler(hand);
  const Vec3 fallen = scene.light.ambient + scene.light.key * 0.6f;
  const Vec3 skin = times(person.skin * (1 + 0.5f * person.pale_palm), fallen), mean = sampler.mean();
  const Vec3 gain{skin.x / mean.x, skin.y / mean.y, skin.z / mean.z};
  const Vec3 sleeve = times(person.sleeve, fallen);
  const float wrist = static_cast<float>(hand.picture.height) + 0.3f * scene.dress.sleeve_from;
  const float hand_side = scene.fill * static_cast<float>(side);
  const int samples = std::clamp(static_cast<int>(way.pixels) + 1, 2, 4);
  std::vector<Seen> seen(static_cast<size_t>(side) * side);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      Seen& pixel = seen[static_cast<size_t>(y) * side + x];
      for (int i = 0; i < samples * samples; ++i) {
        const float px = static_cast<float>(x) +
                         (static_cast<float>(i % samples) + 0.5f) / static_cast<float>(samples),
                    py = static_cast<float>(y) +
                         (static_cast<float>(i / samples) + 0.5f) / static_cast<float>(samples);
        const auto [u, v] = way(px, py);
        const Seen sample = sampler.at(u, v);
        if (sample.share <= 0) continue;
        pixel.light = pixel.light + (v > wrist ? sleeve : times(sample.light, gain)) * sample.share;
        pixel.share += sample.share;
      }
      // Brighter on the side that the light comes from.
      const float towards = (static_cast<float>(x) - way.to_x) * scene.light.direction.x +
                            (static_cast<float>(y) - way.to_y) * scene.light.direction.y;
      const float brighter = clamp(1 + 1.4f * scene.light.shadow * towards / hand_side, 0.15f, 2.f);
      const float share = 1 / static_cast<float>(samples * samples);
      pixel.light = pixel.light * (share * brighter);
      pixel.share *= share;
    }
  }
  return seen;
}

}  // namespace

std::optional<PhotographedHand> cut_out_of_wall(const Image& photograph) {
  if (photograph.channels != 3) throw Error("is grey", "photograph", "A hand is cut out by its colour");
  const int width = photograph.width, height = photograph.height;
  const auto count = static_cast<size_t>(width) * height;
  const float wall = redness_of_wall(photograph);
  constexpr float redder = 0.08f;
  constexpr int dark = 60;  // nails, and sleeves
  std::vector<uint8_t> mask(count, 0);
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* pixel = &photograph.bytes[i * 3];
    mask[i] = redness(pixel) - wall > redder || pixel[0] + pixel[1] + pixel[2] < 3 * dark;
  }
  const auto parts = parts_of(mask, width, 1);
  const auto most = static_cast<float>(count);
  if (parts.empty()) return std::nullopt;
  const auto& hand = *std::ranges::max_element(parts, {}, [](const auto& part) { return part.size(); });
  const auto size = static_cast<float>(hand.size());
  if (size < 0.04f * most || size > 0.6f * most) return std::nullopt;
  std::ranges::fill(mask, uint8_t{0});
  for (const int at : hand) mask[static_cast<size_t>(at)] = 1;
  for (const auto& hole : parts_of(mask, width, 0)) {  // a glint, not what is seen between fingers
    if (static_cast<float>(hole.size()) > 0.0012f * most) continue;
    for (const int at : hole) mask[static_cast<size_t>(at)] = 1;
  }
  PhotographedHand cut{photograph, {mask.begin(), mask.end()}};
  constexpr double softness = 0.6;
  Blur(height, width, 1, softness).apply(cut.share.data(), softness);
  for (float& share : cut.share) share = clamp((share - 0.45f) * 2, 0, 1);  // without the wall in its rim
  return cut;
}

RenderedHand render_photographed(const PhotographedHand& hand, int sign, int size, uint64_t seed,
                                 int64_t index) {
  Rng rng(seed, Purpose::synth, photographed_stream, static_cast<uint64_t>(index));
  const Person person = draw_room_person(Domain::room, rng);
  const Scene scene = draw_room_scene(person, sign, rng);
  const Way way = way_of(hand, scene, size, rng);
  Workspace work;
  draw_behind(person, scene, size, rng, work);
  const std::vector<Seen> seen = lit(hand, person, scene, way, size);
  RenderedHand result;
  result.label = sign;
  for (const Seen& pixel : seen) result.mask.push_back(to_byte(pixel.share));
  cast_shadow(scene.light, size, result.mask, work.light);
  for (size_t i = 0; i < seen.size(); ++i)
    work.light[i] = work.light[i] * (1 - seen[i].share) + seen[i].light;
  result.pixels.resize(seen.size() * 3);
  photograph_room(scene.camera, size, 3, rng, work.light, result.pixels.data());
  return result;
}

}  // namespace mudra
