#include "mudra/data/pixel_values.h"

#include <algorithm>
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
  float lowest = low, highest = high, sum = 0;
  for (const float value : values) {
    lowest = value < lowest ? value : lowest;
    highest = value > highest ? value : highest;
    sum += value * 0;  // NaN if any value is NaN or infinite
  }
  low = lowest, high = highest;
  if (sum == 0) return;
  const auto bad = std::find_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
  const int64_t place = first + (bad - values.begin());
  throw Error("image " + std::to_string(place / each) + " (counted from 0) has a pixel that is " +
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
