#include "mudra/data/contact_sheet.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "mudra/core/utf8.h"
#include "mudra/data/canvas.h"

namespace mudra {
namespace {

constexpr int dot = 2;  // pixels a dot of a letter
constexpr int letter = letter_width(dot), text_height = glyph_height * dot;
constexpr size_t longest_name = 10;
constexpr int gap = 4;
constexpr uint8_t paper = 24;
constexpr Colour ink = {230, 230, 230};

// Rows of one class, spread over its groups and over their order.
std::vector<Row> choose_rows(const Dataset& data, int32_t label, int most) {
  std::vector<Row> rows;
  for (size_t row = 0; row < data.labels.size(); ++row) {
    if (data.labels[row] == label) rows.push_back(static_cast<Row>(row));
  }
  if (!data.groups.empty()) {
    std::stable_sort(rows.begin(), rows.end(), [&](Row a, Row b) { return data.groups[a] < data.groups[b]; });
  }
  std::vector<Row> chosen;
  const size_t count = std::min(rows.size(), static_cast<size_t>(most));
  for (size_t i = 0; i < count; ++i) chosen.push_back(rows[i * rows.size() / count]);
  return chosen;
}

// Pictures of a data set brought to the size of a sheet's cells.
class Cells {
 public:
  Cells(const Dataset& data, int longest)
      : data_(data),
        shape_(data.pixels.shape()),
        to{scaled(shape_[1], longest), scaled(shape_[2], longest), static_cast<int>(shape_[3]), Fit::stretch},
        fitter_(static_cast<int>(shape_[1]), static_cast<int>(shape_[2]), to.channels, to),
        values_(static_cast<size_t>(shape_.per_example())),
        whole_{static_cast<int>(shape_[1]), static_cast<int>(shape_[2]), to.channels,
               std::vector<uint8_t>(values_.size())},
        small_{to.height, to.width, to.channels, {}} {
    small_.bytes.resize(static_cast<size_t>(to.height) * to.width * to.channels);
  }

  // Until the next call.
  const Image& operator()(Row row) {
    data_.pixels.read(row, values_.data());
    std::transform(values_.begin(), values_.end(), whole_.bytes.begin(), to_byte);
    fitter_.apply(whole_.bytes.data(), small_.bytes.data());
    return small_;
  }

 private:
  int scaled(int64_t side, int longest) const {
    return static_cast<int>(std::max<int64_t>(1, side * longest / std::max(shape_[1], shape_[2])));
  }

  const Dataset& data_;
  const Shape& shape_;

 public:
  const Preprocessing to;

 private:
  Fitter fitter_;
  std::vector<float> values_;
  Image whole_, small_;
};

}  // namespace

std::string sheet_label(const Dataset& data, size_t c) {
  const std::u32string name = code_points(data.classes[c]).substr(0, longest_name);
  return !name.empty() && std::ranges::all_of(name, is_written) ? std::string(name.begin(), name.end())
                                                                : "#" + std::to_string(c + 1);
}

Image contact_sheet(const Dataset& data, int columns, int cell) {
  Cells cells(data, cell);
  std::vector<std::u32string> names;
  size_t longest = 1;
  for (size_t c = 0; c < data.classes.size(); ++c) {
    names.push_back(code_points(sheet_label(data, c)));
    longest = std::max(longest, names.back().size());
  }
  const int margin = static_cast<int>(longest) * letter + 2 * gap;
  const int row_height = std::max(cells.to.height, text_height) + gap;
  Canvas sheet(gap + row_height * static_cast<int>(names.size()), margin + columns * (cells.to.width + gap),
               cells.to.channels, paper);
  for (size_t c = 0; c < names.size(); ++c) {
    const int top = gap + static_cast<int>(c) * row_height;
    sheet.write(names[c], top + (row_height - gap - text_height) / 2, gap, ink, dot);
    int left = margin;
    for (const Row row : choose_rows(data, static_cast<int32_t>(c), columns)) {
      sheet.paste(cells(row), top, left);
      left += cells.to.width + gap;
    }
  }
  return std::move(sheet.image);
}

Image correction_sheet(const Dataset& data, std::span<const Correction> corrections, int columns, int cell) {
  Cells cells(data, cell);
  std::vector<std::u32string> captions;
  int width = cells.to.width;
  for (const Correction& each : corrections) {
    captions.push_back(code_points(sheet_label(data, static_cast<size_t>(data.labels[each.row])) + ">" +
                                   sheet_label(data, static_cast<size_t>(each.label))));
    width = std::max(width, static_cast<int>(captions.back().size()) * letter);
  }
  columns = std::clamp(static_cast<int>(corrections.size()), 1, columns);
  const int rows = std::max(1, (static_cast<int>(corrections.size()) + columns - 1) / columns);
  const int caption_height = text_height + gap, row_height = cells.to.height + caption_height + 2 * gap;
  Canvas sheet(gap + rows * row_height, gap + columns * (width + gap), cells.to.channels, paper);
  for (size_t i = 0; i < corrections.size(); ++i) {
    const int top = gap + static_cast<int>(i) / columns * row_height;
    const int left = gap + static_cast<int>(i) % columns * (width + gap);
    const auto middle = [&](int of) { return left + (width - of) / 2; };
    sheet.paste(cells(corrections[i].row), top, middle(cells.to.width));
    sheet.write(captions[i], top + cells.to.height + gap,
                middle(static_cast<int>(captions[i].size()) * letter - dot), ink, dot);
  }
  return std::move(sheet.image);
}

}  // namespace mudra
