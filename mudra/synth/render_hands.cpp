#include "mudra/synth/render_hands.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/synth/render_scene.h"

namespace mudra {
namespace {

using namespace synth;

// Streams of random numbers of one seed.
enum Stream : uint32_t { image_stream, person_stream, order_stream };

constexpr double most_in_memory = 16e9;  // bytes of one data set

void check(const SynthOptions& options, double most_bytes) {
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
  if (options.count > most_images)
    refuse("cannot render " + std::to_string(options.count) + " images", "Ask for 4,294,967,296 or fewer.");
  const std::string& d = options.domain;
  if (d != "massey" && d != "ankara" && d != "webcam" && d != "mixed" && d != "room" && d != "room-cut") {
    refuse("there is no domain '" + d + "'", "Choose massey, ankara, webcam, mixed, room or room-cut.");
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
  if (options.domain == "room") domain = Domain::room;
  if (options.domain == "room-cut") domain = Domain::room_cut;
  return draw_person(domain, rng);
}

void render(const SynthOptions& options, int64_t index, int label, Workspace& work, uint8_t* pixels,
            RenderedHand* known) {
  const Person person = person_of(options, index);
  Rng rng(options.seed, Purpose::synth, image_stream, static_cast<uint64_t>(index));
  const Scene scene = draw_scene(person, label, rng);
  const auto joints = render_scene(person, scene, options.size, options.colour ? 3 : 1, rng, work, pixels);
  if (known == nullptr) return;
  known->joints = joints;
  known->empty = scene.empty;
  known->mask = work.mask;
}

int64_t people(const SynthOptions& options) {
  return (options.count + images_per_person - 1) / images_per_person;
}

// All that is known without rendering.
Dataset describe(const SynthOptions& options) {
  Dataset data;
  data.source = "synth:" + std::to_string(options.count);
  for (int64_t i = 0; i < options.count; ++i) {
    data.labels.push_back(label_of(options, i));
    data.groups.push_back(static_cast<int32_t>(i / images_per_person));
  }
  for (int digit = 0; digit < digit_count; ++digit) data.classes.push_back(std::to_string(digit));
  if (options.none_fraction > 0) data.classes.emplace_back(none_name);
  for (int64_t person = 0; person < people(options); ++person)
    data.group_names.push_back("person" + std::to_string(person));
  return data;
}

Shape shape_of(const SynthOptions& options) {
  return {options.count, options.size, options.size, options.colour ? 3 : 1};
}

// Renders an image whenever it is read.
class RenderedImages : public PixelSource {
 public:
  explicit RenderedImages(const SynthOptions& options) : options_(options) {}

  void read(int64_t image, float* out) const override {
    for (const uint8_t byte : render_hand(options_, image).pixels)
      *out++ = static_cast<float>(byte) * (1 / 255.f);
  }

 private:
  SynthOptions options_;
};

}  // namespace

void check_renderable(const SynthOptions& options) { check(options, most_in_memory); }

void render_parts(const SynthOptions& options, ThreadTeam& team, const Progress& progress,
                  const TakeImages& take) {
  check(options, std::numeric_limits<double>::infinity());
  const int64_t at_once = int64_t{8} * team.threads();
  const auto each = static_cast<size_t>(shape_of(options).per_example());
  std::vector<uint8_t> bytes;
  for (int64_t first = 0; first < people(options); first += at_once) {
    const int64_t begin = first * images_per_person;
    progress(begin, options.count);
    const int64_t end = std::min(options.count, begin + at_once * images_per_person);
    bytes.resize(static_cast<size_t>(end - begin) * each);
    team.run((end - begin + images_per_person - 1) / images_per_person, [&](int64_t person) {
      Workspace work;
      const int64_t from = begin + person * images_per_person;
      for (int64_t i = from; i < std::min(end, from + images_per_person); ++i)
        render(options, i, label_of(options, i), work, &bytes[static_cast<size_t>(i - begin) * each],
               nullptr);
    });
    if (!take(bytes)) return;
  }
}

Dataset render_hands(const SynthOptions& options, ThreadTeam& team, const Progress& progress) {
  check(options, most_in_memory);
  Dataset data = describe(options);
  std::vector<Row> rows(static_cast<size_t>(options.count));
  std::iota(rows.begin(), rows.end(), Row{0});
  data.pixels = render_images(options, rows, team, progress);
  return data;
}

Pixels render_images(const SynthOptions& options, std::span<const Row> rows, ThreadTeam& team,
                     const Progress& progress) {
  check_renderable(options);
  const auto count = static_cast<int64_t>(rows.size());
  Shape shape = shape_of(options);
  shape[0] = count;
  const auto each = static_cast<size_t>(shape.per_example());
  std::vector<uint8_t> bytes(static_cast<size_t>(shape.elements()));
  constexpr int64_t at_once = images_per_person;
  const int64_t parts = (count + at_once - 1) / at_once;
  const int64_t between = int64_t{8} * team.threads();
  for (int64_t first = 0; first < parts; first += between) {
    progress(first * at_once, count);
    team.run(std::min(between, parts - first), [&](int64_t part) {
      Workspace work;
      const int64_t from = (first + part) * at_once;
      for (int64_t i = from; i < std::min(count, from + at_once); ++i) {
        const auto row = static_cast<int64_t>(rows[static_cast<size_t>(i)]);
        render(options, row, label_of(options, row), work, &bytes[static_cast<size_t>(i) * each], nullptr);
      }
    });
  }
  return {shape, std::move(bytes)};
}

Dataset rendered_on_demand(const SynthOptions& options) {
  check(options, std::numeric_limits<double>::infinity());
  Dataset data = describe(options);
  data.pixels = Pixels(shape_of(options), std::make_shared<RenderedImages>(options));
  return data;
}

std::optional<std::array<std::array<float, 2>, 21>> rendered_joints(const SynthOptions& options,
                                                                    int64_t index) {
  const Person person = person_of(options, index);
  Rng rng(options.seed, Purpose::synth, image_stream, static_cast<uint64_t>(index));
  const Scene scene = draw_scene(person, label_of(options, index), rng);
  if (scene.empty) return std::nullopt;
  return joints_of(person, scene, options.size);
}

RenderedHand render_hand(const SynthOptions& options, int64_t index) {
  check(options, std::numeric_limits<double>::infinity());
  RenderedHand hand;
  hand.label = label_of(options, index);
  hand.pixels.resize(static_cast<size_t>(shape_of(options).per_example()));
  Workspace work;
  render(options, index, hand.label, work, hand.pixels.data(), &hand);
  return hand;
}

}  // namespace mudra
