#include "mudra/data/pixel_values.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <utility>

#include "mudra/core/error.h"

namespace mudra {
namespace {

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

}  // namespace

ValueType value_type(const NpyHeader& header) {
  return {header.type_name(), header.kind != 'f', header.item_size == 1};
}

void ValueRange::add(std::span<const float> values, int64_t first, int64_t each, const std::string& where) {
  // Sixteen lanes, so that the loop runs in vectors.
  constexpr size_t lanes = 16;
  std::array<float, lanes> lowest, highest;
  std::array<uint32_t, lanes> special{};  // NaN and infinity: all bits of the exponent set
  lowest.fill(low), highest.fill(high);
  const auto look = [&](size_t lane, float value) {
    lowest[lane] = value < lowest[lane] ? value : lowest[lane];
    highest[lane] = value > highest[lane] ? value : highest[lane];
    special[lane] |= (std::bit_cast<uint32_t>(value) & 0x7F800000U) == 0x7F800000U ? 1U : 0U;
  };
  size_t i = 0;
  for (; i + lanes <= values.size(); i += lanes) {
    for (size_t lane = 0; lane < lanes; ++lane) look(lane, values[i + lane]);
  }
  for (; i < values.size(); ++i) look(0, values[i]);
  low = *std::min_element(lowest.begin(), lowest.end());
  high = *std::max_element(highest.begin(), highest.end());
  if (*std::max_element(special.begin(), special.end()) == 0) return;
  const auto bad = std::find_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
  const int64_t place = first + (bad - values.begin());
  throw Error("image " + std::to_string(place / std::max<int64_t>(1, each)) +
                  " (counted from 0) has a pixel that is " +
                  (std::isnan(*bad) ? "not a number (NaN)" : "infinite"),
              where, "Remove or repair that image");
}

float ValueRange::white(const ValueType& type, const std::string& where) const {
  // A little room for what resizing with splines overshoots.
  const auto within = [&](float most) { return low >= -0.01F * most && high <= 1.01F * most; };
  if (within(1)) return 1;
  if (within(255)) return 255;
  if (type.whole && within(65535)) return 65535;
  throw Error("pixel values run from " + short_number(low) + " to " + short_number(high), where,
              "Rescale them to 0..1 or 0..255");
}

std::string range_note(float white, const ValueType& type, const std::string& rest) {
  return "pixel values 0.." + short_number(white) + " (" + type.name + ")" + rest;
}

Pixels make_pixels(NpyValues values, const Shape& shape, const ValueType& type, const std::string& where,
                   std::vector<std::string>& notes) {
  if (!values.bytes.empty()) {
    const uint8_t highest = *std::max_element(values.bytes.begin(), values.bytes.end());
    if (highest == 1) {
      for (uint8_t& byte : values.bytes) byte = static_cast<uint8_t>(byte * 255);
      notes.push_back(range_note(1, type, ", each black or white"));
    } else {
      notes.push_back(range_note(255, type, type.byte ? "" : ", whole numbers kept as bytes"));
    }
    return Pixels(shape, std::move(values.bytes));
  }
  ValueRange range;
  range.add(values.floats, 0, shape.per_example(), where);
  const float white = range.white(type, where);
  notes.push_back(range_note(white, type, ""));
  return Pixels(shape, std::move(values.floats), white);
}

}  // namespace mudra
