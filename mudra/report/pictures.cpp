#include "mudra/report/pictures.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <ranges>
#include <set>

namespace mudra {
namespace {

uint8_t byte(float value) {
  return static_cast<uint8_t>(std::isnan(value) ? 0 : std::clamp(value, 0.F, 1.F) * 255 + 0.5F);
}

// Of one of all units' pixels.
float weight_at(const WeightImages& weights, WeightView view, int64_t pixel) {
  const int64_t channels = weights.shape[3];
  float sum = 0;
  for (int64_t c = 0; c < channels; ++c) {
    const auto at = static_cast<size_t>(pixel * channels + c);
    if (view != WeightView::before) sum += weights.after[at];
    if (view == WeightView::before) sum += weights.before[at];
    if (view == WeightView::change) sum -= weights.before[at];
  }
  return sum / static_cast<float>(channels);
}

// Blue, white, red: ends readable by people who confuse red and green.
constexpr int strengths = 31;  // of either colour in a palette; more are not told apart, but take bytes
constexpr int gap_colour = 2 * strengths + 1;

void diverging(float value, uint8_t* rgb) {
  const float strength = std::isnan(value) ? 0 : std::min(1.F, std::fabs(value));
  const float end_blue[3] = {33, 102, 172}, end_red[3] = {178, 24, 43};
  const float* end = value < 0 ? end_blue : end_red;
  for (int c = 0; c < 3; ++c) rgb[c] = static_cast<uint8_t>(std::lround(247 + (end[c] - 247) * strength));
}

}  // namespace

Image thumbnail(const Dataset& data, int64_t row, int longest) {
  const Pixels& pixels = data.shown.count() > 0 ? data.shown : data.pixels;
  const Shape& shape = pixels.shape();
  std::vector<float> values(static_cast<size_t>(shape.per_example()));
  pixels.read(row, values.data());
  const int channels = shape[3] == 3 ? 3 : 1;  // of other counts only the first is shown
  Image image{static_cast<int>(shape[1]), static_cast<int>(shape[2]), channels, {}};
  const auto step = static_cast<size_t>(shape[3]);
  for (size_t at = 0; at < values.size(); at += step) {
    for (size_t c = 0; c < static_cast<size_t>(channels); ++c) image.bytes.push_back(byte(values[at + c]));
  }
  const int longer = std::max(image.height, image.width);
  if (longer <= longest) return image;
  const auto scaled = [&](int side) {
    return static_cast<int>(std::max<int64_t>(1, int64_t{side} * longest / longer));
  };
  return fit(image, {scaled(image.height), scaled(image.width), channels, Fit::stretch});
}

DealtRows dealt_rows(const RunRecord& record, size_t examples, size_t most) {
  std::vector<Row> wrong_rows, right_rows;
  std::vector<float> confidences;
  for (size_t row = 0; row < record.answers.size(); ++row) {
    const bool is_right = record.answers.labels[row] == record.test.labels[row];
    (is_right ? right_rows : wrong_rows).push_back(static_cast<Row>(row));
    confidences.push_back(record.answers.confidence(row));
  }
  const auto confidence = [&](Row row) { return confidences[row]; };
  std::ranges::stable_sort(wrong_rows, std::greater{}, confidence);
  std::ranges::stable_sort(right_rows, std::less{}, confidence);
  std::set<int32_t> shown;  // photographs
  const auto is_new = [&](Row row) {
    return record.test.photographs.empty() || shown.insert(record.test.photographs[row]).second;
  };
  std::vector<Row> dealt, right_examples;
  std::ranges::copy_if(wrong_rows, std::back_inserter(dealt), is_new);
  std::ranges::copy_if(right_rows, std::back_inserter(right_examples), is_new);
  dealt.resize(std::min(dealt.size(), examples - std::min(right_examples.size(), examples / 4)));
  right_examples.resize(std::min(right_examples.size(), examples - dealt.size()));
  dealt.insert(dealt.end(), right_examples.begin(), right_examples.end());
  const size_t example_count = dealt.size();
  const std::set<Row> taken(dealt.begin(), dealt.end());
  struct Cell {
    size_t size = 0;
    std::vector<Row> rows;  // no more of them than could be dealt
  };
  std::map<std::pair<int32_t, int32_t>, Cell> cells;
  for (const auto* rows : {&wrong_rows, &right_rows}) {
    for (const Row row : *rows) {
      if (taken.contains(row)) continue;
      Cell& cell = cells[{record.test.labels[row], record.answers.labels[row]}];
      if (++cell.size <= most) cell.rows.push_back(row);
    }
  }
  std::vector<const Cell*> wrong, right;
  for (auto& [place, cell] : cells) std::stable_partition(cell.rows.begin(), cell.rows.end(), is_new);
  for (const auto& [place, cell] : cells) (place.first == place.second ? right : wrong).push_back(&cell);
  for (auto* kind : {&wrong, &right}) {
    std::ranges::stable_sort(*kind, std::greater{}, [](const Cell* cell) { return cell->size; });
  }
  wrong.insert(wrong.end(), right.begin(), right.end());
  for (size_t turn = 0, before = 0; before != dealt.size() || turn == 0; ++turn) {
    before = dealt.size();
    for (const Cell* cell : wrong) {
      if (turn < cell->rows.size() && dealt.size() < most) dealt.push_back(cell->rows[turn]);
    }
  }
  return {dealt, example_count};
}

float weight_limit(const WeightImages& weights, WeightView view, int64_t units) {
  float limit = 1e-12F;
  for (int64_t pixel = 0; pixel < units * weights.shape[1] * weights.shape[2]; ++pixel) {
    const float value = std::fabs(weight_at(weights, view, pixel));
    if (std::isfinite(value)) limit = std::max(limit, value);
  }
  return limit;
}

Image weight_sheet(const WeightImages& weights, WeightView view, int64_t units, int columns, float limit) {
  constexpr int gap = 2;
  const auto height = static_cast<int>(weights.shape[1]), width = static_cast<int>(weights.shape[2]);
  const int rows = static_cast<int>((units + columns - 1) / columns);
  Image sheet{rows * (height + gap) - gap, columns * (width + gap) - gap, 3, {}};
  sheet.bytes.assign(static_cast<size_t>(sheet.height) * static_cast<size_t>(sheet.width) * 3, 255);
  for (int64_t unit = 0; unit < units; ++unit) {
    const int top = static_cast<int>(unit) / columns * (height + gap);
    const int left = static_cast<int>(unit) % columns * (width + gap);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const auto at =
            static_cast<size_t>(top + y) * static_cast<size_t>(sheet.width) + static_cast<size_t>(left + x);
        diverging(weight_at(weights, view, (unit * height + y) * width + x) / limit, &sheet.bytes[at * 3]);
      }
    }
  }
  return sheet;
}

const Palette& sheet_palette() {
  static const Palette colours = [] {
    Palette made;
    for (int i = -strengths; i <= strengths; ++i)
      diverging(static_cast<float>(i) / strengths, made.emplace_back().data());
    made.push_back({255, 255, 255});
    return made;
  }();
  return colours;
}

Image indexed_sheet(const Shape& shape, const std::vector<float>& values, float limit) {
  constexpr int64_t gap = 2, most_columns = 8, least_side = 24;
  const int64_t units = shape[0], height = shape[1], width = shape[2];
  const int64_t larger = std::max<int64_t>(1, least_side / std::max(height, width));
  const int64_t columns = std::min(units, most_columns), rows = (units + columns - 1) / columns;
  const int64_t down = height * larger + gap, across = width * larger + gap;
  Image sheet{static_cast<int>(rows * down - gap), static_cast<int>(columns * across - gap), 1, {}};
  sheet.bytes.assign(static_cast<size_t>(sheet.height) * static_cast<size_t>(sheet.width), gap_colour);
  for (int64_t unit = 0; unit < units; ++unit) {
    for (int64_t y = 0; y < height * larger; ++y) {
      for (int64_t x = 0; x < width * larger; ++x) {
        const int64_t pixel = (unit * height + y / larger) * width + x / larger;
        const float part = std::clamp(values[static_cast<size_t>(pixel)] / limit, -1.F, 1.F);
        const int64_t at = (unit / columns * down + y) * sheet.width + unit % columns * across + x;
        sheet.bytes[static_cast<size_t>(at)] =
            static_cast<uint8_t>(std::lround(part * strengths) + strengths);
      }
    }
  }
  return sheet;
}

}  // namespace mudra
