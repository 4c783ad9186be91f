#include "mudra/features/augment.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "mudra/core/portable_math.h"
#include "mudra/data/contact_sheet.h"
#include "mudra/features/augment_kernels.h"

namespace mudra {
namespace {

constexpr int64_t parts = 8;  // of a batch; the work of one task

// Below this a pixel at the border may be the black around a cut-out hand.
constexpr float black = 16 / 255.F;

// An even number in [-most, most]. The draw is made whether `most` is zero or not.
double either_side(Rng& rng, double most) { return most * rng.uniform(-1, 1); }

}  // namespace

// What one image has drawn.
struct Augmenter::Draw {
  double degrees, zoom, shear, shift_x, shift_y;
  double gain, gamma, blur;
  double erase_share, erase_aspect, erase_x, erase_y, erase_grey;
  bool flip, background;
  int quality;
  uint32_t noise_key[2];
};

Augmenter::Scratch::Scratch(int64_t height, int64_t width, int64_t channels, double most_blur)
    : image(static_cast<size_t>(height * width * channels + warp_padding)),
      dx(static_cast<size_t>(height * width + warp_padding)),
      dy(dx.size()),
      queue(static_cast<size_t>(height * width)),
      outside(queue.size()),
      blur(height, width, channels, most_blur) {}

SmoothField::SmoothField(int64_t height, int64_t width) : down_(axis(height)), across_(axis(width)) {}

SmoothField::Axis SmoothField::axis(int64_t size) {
  Axis axis;
  for (int64_t i = 0; i < size; ++i) {
    const double at = (static_cast<double>(i) + 0.5) * cells / static_cast<double>(size);
    const int cell = std::min(static_cast<int>(at), cells - 1);
    const double t = at - cell, u = 1 - t;
    axis.cell.push_back(cell);
    for (const double weight :
         {u * u * u, 3 * t * t * t - 6 * t * t + 4, 3 * u * u * u - 6 * u * u + 4, t * t * t}) {
      axis.weights.push_back(static_cast<float>(weight / 6));
    }
  }
  return axis;
}

void SmoothField::draw(const float* grid, float* out) const {
  const size_t width = across_.cell.size();
  for (size_t y = 0; y < down_.cell.size(); ++y) {
    float row[points];
    const float* w = down_.weights.data() + 4 * y;
    const float* from = grid + int64_t{down_.cell[y]} * points;
    for (int i = 0; i < points; ++i) {
      row[i] = w[0] * from[i] + w[1] * from[i + points] + w[2] * from[i + 2 * points] +
               w[3] * from[i + 3 * points];
    }
    for (size_t x = 0; x < width; ++x) {
      const float* v = across_.weights.data() + 4 * x;
      const float* p = row + across_.cell[x];
      out[y * width + x] = v[0] * p[0] + v[1] * p[1] + v[2] * p[2] + v[3] * p[3];
    }
  }
}

Augmenter::Augmenter(const Augmentation& augmentation, const Shape& image, int64_t max_batch)
    : options_(augmentation),
      height_(image[1]),
      width_(image[2]),
      channels_(image[3]),
      max_batch_(max_batch),
      field_(height_, width_),
      warps_(augmentation.rotate > 0 || augmentation.scale > 0 || augmentation.shear > 0 ||
             augmentation.shift > 0 || augmentation.elastic > 0 || augmentation.flip > 0),
      scratch_(static_cast<size_t>(augmentation.any() ? std::min(parts, max_batch) : 0),
               Scratch(height_, width_, channels_, options_.blur)) {}

void Augmenter::apply(float* images, int64_t count, uint64_t seed, uint32_t epoch,
                      std::span<const Row> example_numbers, ThreadTeam& team) {
  assert(count <= max_batch_ && static_cast<size_t>(count) <= example_numbers.size());
  if (!options_.any()) return;
  const int64_t size = height_ * width_ * channels_;
  const int64_t tasks = std::min<int64_t>(static_cast<int64_t>(scratch_.size()), count);
  team.run(tasks, [&](int64_t task) {
    for (int64_t i = count * task / tasks; i < count * (task + 1) / tasks; ++i) {
      const auto number = static_cast<uint64_t>(example_numbers[static_cast<size_t>(i)]);
      change(images + i * size, Rng(seed, Purpose::augment, epoch, number),
             scratch_[static_cast<size_t>(task)]);
    }
  });
}

// Every number is drawn, used or not: switching one setting on leaves the others' draws alone.
Augmenter::Draw Augmenter::draw(Rng& rng) const {
  Draw d;
  d.degrees = either_side(rng, options_.rotate);
  d.zoom = 1 + either_side(rng, options_.scale);
  d.shear = either_side(rng, options_.shear);
  d.shift_x = either_side(rng, options_.shift);
  d.shift_y = either_side(rng, options_.shift);
  d.flip = rng.chance(options_.flip);
  d.gain = 1 + either_side(rng, options_.brightness);
  const double exponent = either_side(rng, 1);
  d.gamma = options_.gamma == 0 ? 1 : portable::exp(exponent * portable::log(1 + options_.gamma));
  d.noise_key[0] = rng.bits();
  d.noise_key[1] = rng.bits();
  d.blur = options_.blur * rng.uniform();
  d.erase_share = options_.erase * rng.uniform();
  d.erase_aspect = rng.uniform(0.5, 2);
  d.erase_x = rng.uniform();
  d.erase_y = rng.uniform();
  d.erase_grey = rng.uniform();
  d.quality = static_cast<int>(std::floor(rng.uniform(options_.jpeg, 96)));
  d.background = rng.chance(options_.background);
  return d;
}

void Augmenter::change(float* image, Rng rng, Scratch& scratch) const {
  const Draw d = draw(rng);
  if (options_.elastic > 0) draw_displacement(rng, scratch);
  if (d.background) replace_background(image, rng, scratch);
  if (warps_) warp(image, d, scratch);
  if (d.blur >= 0.1) scratch.blur.apply(image, d.blur);  // below, the neighbours' weights are less than 1e-20
  if (options_.erase > 0) erase(image, d);
  if (options_.brightness > 0 || options_.gamma > 0 || options_.noise > 0) {
    change_values(image, height_ * width_ * channels_,
                  {static_cast<float>(d.gain),
                   static_cast<float>(d.gamma),
                   static_cast<float>(options_.noise),
                   {d.noise_key[0], d.noise_key[1]}});
  }
  if (options_.jpeg > 0) jpeg_.apply(image, height_, width_, channels_, std::clamp(d.quality, 1, 95));
}

// Each grid point moves by up to `elastic` pixels along each axis.
void Augmenter::draw_displacement(Rng& rng, Scratch& scratch) const {
  float grid[SmoothField::points * SmoothField::points];
  for (std::vector<float>* field : {&scratch.dx, &scratch.dy}) {
    for (float& point : grid) point = static_cast<float>(either_side(rng, options_.elastic));
    field_.draw(grid, field->data());
  }
}

// Output position p, from the middle, shows the input at M^-1 (p - shift), M = rotate * zoom * shear * flip.
void Augmenter::warp(float* image, const Draw& d, Scratch& scratch) const {
  const double angle = d.degrees * (portable::pi / 180);
  const double c = portable::cos(angle) / d.zoom, s = portable::sin(angle) / d.zoom;
  // M^-1 = flip * shear^-1 * (turn back / zoom); y points down, so a positive angle turns clockwise.
  const double mirror = d.flip ? -1 : 1;
  const double xx = mirror * (c + d.shear * s), xy = mirror * (s - d.shear * c);
  const double yx = -s, yy = c;
  WarpMap map;
  map.xx = static_cast<float>(xx), map.xy = static_cast<float>(xy);
  map.yx = static_cast<float>(yx), map.yy = static_cast<float>(yy);
  map.x0 = static_cast<float>(-(xx * d.shift_x + xy * d.shift_y));
  map.y0 = static_cast<float>(-(yx * d.shift_x + yy * d.shift_y));
  if (options_.elastic > 0) {
    map.dx = scratch.dx.data();
    map.dy = scratch.dy.data();
  }
  warp_image(image, height_, width_, channels_, map, scratch.image.data());
  std::copy_n(scratch.image.data(), height_ * width_ * channels_, image);
}

// Black that is joined to the border gives way to a smooth background. An image whose border is mostly not
// black is no cut-out and stays as it is.
void Augmenter::replace_background(float* image, Rng& rng, Scratch& scratch) const {
  float grid[SmoothField::points * SmoothField::points];
  const auto level = static_cast<float>(rng.uniform(0.1, 0.9));
  for (float& point : grid) point = level + static_cast<float>(rng.uniform(-0.4, 0.4));
  int32_t found = 0;
  std::fill(scratch.outside.begin(), scratch.outside.end(), uint8_t{0});
  const auto look = [&](int64_t y, int64_t x) {
    if (y < 0 || x < 0 || y >= height_ || x >= width_) return;
    const int64_t pixel = y * width_ + x;
    uint8_t& outside = scratch.outside[static_cast<size_t>(pixel)];
    const float* values = image + pixel * channels_;
    if (outside || *std::max_element(values, values + channels_) > black) return;
    outside = 1;
    scratch.queue[static_cast<size_t>(found++)] = static_cast<int32_t>(pixel);
  };
  for (int64_t x = 0; x < width_; ++x) look(0, x), look(height_ - 1, x);
  for (int64_t y = 0; y < height_; ++y) look(y, 0), look(y, width_ - 1);
  if (found < height_ + width_ - 2) return;  // half of the border
  for (int32_t next = 0; next < found; ++next) {
    const int64_t y = scratch.queue[static_cast<size_t>(next)] / width_;
    const int64_t x = scratch.queue[static_cast<size_t>(next)] % width_;
    look(y - 1, x), look(y + 1, x), look(y, x - 1), look(y, x + 1);
  }
  field_.draw(grid, scratch.image.data());
  for (int32_t i = 0; i < found; ++i) {
    const int64_t pixel = scratch.queue[static_cast<size_t>(i)];
    const float value = std::clamp(scratch.image[static_cast<size_t>(pixel)], 0.F, 1.F);
    std::fill_n(image + pixel * channels_, channels_, value);
  }
}

// Zhong et al. 2020, "Random erasing data augmentation", with one grey.
void Augmenter::erase(float* image, const Draw& d) const {
  const double area = d.erase_share * static_cast<double>(height_ * width_);
  const double wide = std::min(std::sqrt(area * d.erase_aspect), static_cast<double>(width_));
  const double high = std::min(std::sqrt(area / d.erase_aspect), static_cast<double>(height_));
  const auto columns = static_cast<int64_t>(std::round(wide)), rows = static_cast<int64_t>(std::round(high));
  const auto left = static_cast<int64_t>(d.erase_x * static_cast<double>(width_ - columns + 1));
  const auto top = static_cast<int64_t>(d.erase_y * static_cast<double>(height_ - rows + 1));
  for (int64_t y = top; y < top + rows; ++y) {
    std::fill_n(image + (y * width_ + left) * channels_, columns * channels_,
                static_cast<float>(d.erase_grey));
  }
}

namespace {

constexpr std::array<uint8_t, 64> brightness_steps = {
    16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,  //
    14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,  //
    18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,  //
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};
constexpr std::array<uint8_t, 64> colour_steps = {
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,  //
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,  //
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,  //
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99};

// To a whole number 0..255.
float rounded_byte(float value) { return std::floor(std::clamp(value, 0.F, 255.F) + 0.5F); }

void to_ycc(float& r, float& g, float& b) {
  const float y = 0.299F * r + 0.587F * g + 0.114F * b;
  const float blue = (b - y) * (1 / 1.772F) + 128, red = (r - y) * (1 / 1.402F) + 128;
  r = rounded_byte(y), g = rounded_byte(blue), b = rounded_byte(red);
}

void from_ycc(float& y, float& blue, float& red) {
  const float r = y + 1.402F * (red - 128);
  const float g = y - 0.344136F * (blue - 128) - 0.714136F * (red - 128);
  const float b = y + 1.772F * (blue - 128);
  y = rounded_byte(r), blue = rounded_byte(g), red = rounded_byte(b);
}

}  // namespace

JpegArtefacts::JpegArtefacts() {
  for (int frequency = 0; frequency < 8; ++frequency) {
    for (int position = 0; position < 8; ++position) {
      const double norm = frequency == 0 ? std::sqrt(0.125) : 0.5;
      cosines_[frequency][position] =
          static_cast<float>(norm * portable::cos((2 * position + 1) * frequency * portable::pi / 16));
    }
  }
}

// F = C B C^T, rounded to steps, then B = C^T F C.
void JpegArtefacts::round_block(float* block, const std::array<uint8_t, 64>& steps, int quality) const {
  const int percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  float half[8][8], transform[8][8];
  const auto product = [&](auto&& a, auto&& b, auto&& out) {
    for (int i = 0; i < 8; ++i) {
      for (int j = 0; j < 8; ++j) {
        float sum = 0;
        for (int k = 0; k < 8; ++k) sum += a(i, k) * b(k, j);
        out(i, j) = sum;
      }
    }
  };
  const auto c = [&](int i, int j) { return cosines_[i][j]; };
  const auto c_turned = [&](int i, int j) { return cosines_[j][i]; };
  const auto at_block = [&](int i, int j) -> float& { return block[8 * i + j]; };
  const auto at_half = [&](int i, int j) -> float& { return half[i][j]; };
  const auto at_transform = [&](int i, int j) -> float& { return transform[i][j]; };
  product(c, at_block, at_half);
  product(at_half, c_turned, at_transform);
  for (int i = 0; i < 64; ++i) {
    const int scaled = (steps[static_cast<size_t>(i)] * percent + 50) / 100;
    const auto step = static_cast<float>(std::clamp(scaled, 1, 255));
    float& value = transform[i / 8][i % 8];
    const float rounded = std::floor(std::fabs(value) / step + 0.5F) * step;
    value = value < 0 ? -rounded : rounded;
  }
  product(c_turned, at_transform, at_half);
  product(at_half, c, at_block);
}

void JpegArtefacts::apply(float* image, int64_t height, int64_t width, int64_t channels, int quality) const {
  for (int64_t i = 0; i < height * width * channels; ++i) image[i] = rounded_byte(image[i] * 255);
  const bool colour = channels == 3;
  for (int64_t i = 0; colour && i < height * width; ++i) {
    to_ycc(image[3 * i], image[3 * i + 1], image[3 * i + 2]);
  }
  float block[64];
  for (int64_t channel = 0; channel < channels; ++channel) {
    for (int64_t top = 0; top < height; top += 8) {
      for (int64_t left = 0; left < width; left += 8) {
        const auto at = [&](int64_t y, int64_t x) -> float& {
          return image[(std::min(top + y, height - 1) * width + std::min(left + x, width - 1)) * channels +
                       channel];
        };
        for (int i = 0; i < 64; ++i) block[i] = at(i / 8, i % 8) - 128;
        round_block(block, colour && channel > 0 ? colour_steps : brightness_steps, quality);
        for (int i = 0; i < 64; ++i) {
          if (top + i / 8 < height && left + i % 8 < width) at(i / 8, i % 8) = rounded_byte(block[i] + 128);
        }
      }
    }
  }
  for (int64_t i = 0; colour && i < height * width; ++i) {
    from_ycc(image[3 * i], image[3 * i + 1], image[3 * i + 2]);
  }
  for (int64_t i = 0; i < height * width * channels; ++i) image[i] *= 1 / 255.F;
}

namespace {

// Rows of the data set: the first of every class, the middle one, and so on until there are enough.
std::vector<Row> spread_rows(const Dataset& data, int most) {
  std::vector<std::vector<Row>> of_class(data.classes.size());
  for (size_t row = 0; row < data.labels.size(); ++row) {
    of_class[static_cast<size_t>(data.labels[row])].push_back(static_cast<Row>(row));
  }
  const size_t classes = std::max<size_t>(1, of_class.size());
  const size_t turns = (static_cast<size_t>(most) + classes - 1) / classes;
  std::vector<Row> rows;
  for (size_t turn = 0; turn < turns; ++turn) {
    for (const auto& members : of_class) {
      if (turn < members.size()) rows.push_back(members[turn * std::max<size_t>(1, members.size() / turns)]);
    }
  }
  rows.resize(std::min(rows.size(), static_cast<size_t>(most)));
  return rows;
}

}  // namespace

Image augment_sheet(const Dataset& data, const Augmentation& augmentation, uint64_t seed, int variants,
                    int columns, int cell) {
  const std::vector<Row> rows = spread_rows(data, columns);
  const auto count = static_cast<int64_t>(rows.size());
  Shape shape = data.pixels.shape();
  const auto size = static_cast<size_t>(shape.per_example());
  std::vector<float> originals(rows.size() * size);
  for (size_t i = 0; i < rows.size(); ++i) data.pixels.read(rows[i], originals.data() + i * size);

  Dataset sheet;
  std::vector<float> values = originals;
  Augmenter augmenter(augmentation, {1, shape[1], shape[2], shape[3]}, std::max<int64_t>(1, count));
  ThreadTeam team(1);
  for (int variant = 0; variant <= variants; ++variant) {
    sheet.classes.push_back(variant == 0 ? "as is" : std::to_string(variant));
    sheet.labels.insert(sheet.labels.end(), rows.size(), variant);
    if (variant == 0) continue;
    std::vector<float> changed = originals;
    augmenter.apply(changed.data(), count, seed, static_cast<uint32_t>(variant), rows, team);
    values.insert(values.end(), changed.begin(), changed.end());
  }
  shape[0] = count * (variants + 1);
  sheet.pixels = Pixels(shape, std::move(values), 1);
  return contact_sheet(sheet, columns, cell);
}

}  // namespace mudra
