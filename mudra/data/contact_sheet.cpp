#include "mudra/data/contact_sheet.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "mudra/core/utf8.h"

namespace mudra {
namespace {

// Letters of 5x7 dots, a row in the low five bits of each byte. Lower case is shown as upper case.
constexpr int glyph_width = 5, glyph_height = 7;
struct Glyph {
  char32_t character;
  uint8_t rows[glyph_height];
};
constexpr Glyph glyphs[] = {
    {'?', {0x0E, 0x11, 0x01, 0x02, 0x04, 0x00, 0x04}}, {'0', {0x0E, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0E}},
    {'1', {0x04, 0x0C, 0x04, 0x04, 0x04, 0x04, 0x0E}}, {'2', {0x0E, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1F}},
    {'3', {0x1F, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0E}}, {'4', {0x02, 0x06, 0x0A, 0x12, 0x1F, 0x02, 0x02}},
    {'5', {0x1F, 0x10, 0x1E, 0x01, 0x01, 0x11, 0x0E}}, {'6', {0x06, 0x08, 0x10, 0x1E, 0x11, 0x11, 0x0E}},
    {'7', {0x1F, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08}}, {'8', {0x0E, 0x11, 0x11, 0x0E, 0x11, 0x11, 0x0E}},
    {'9', {0x0E, 0x11, 0x11, 0x0F, 0x01, 0x02, 0x0C}}, {'A', {0x0E, 0x11, 0x11, 0x1F, 0x11, 0x11, 0x11}},
    {'B', {0x1E, 0x11, 0x11, 0x1E, 0x11, 0x11, 0x1E}}, {'C', {0x0E, 0x11, 0x10, 0x10, 0x10, 0x11, 0x0E}},
    {'D', {0x1C, 0x12, 0x11, 0x11, 0x11, 0x12, 0x1C}}, {'E', {0x1F, 0x10, 0x10, 0x1E, 0x10, 0x10, 0x1F}},
    {'F', {0x1F, 0x10, 0x10, 0x1E, 0x10, 0x10, 0x10}}, {'G', {0x0E, 0x11, 0x10, 0x17, 0x11, 0x11, 0x0F}},
    {'H', {0x11, 0x11, 0x11, 0x1F, 0x11, 0x11, 0x11}}, {'I', {0x0E, 0x04, 0x04, 0x04, 0x04, 0x04, 0x0E}},
    {'J', {0x07, 0x02, 0x02, 0x02, 0x02, 0x12, 0x0C}}, {'K', {0x11, 0x12, 0x14, 0x18, 0x14, 0x12, 0x11}},
    {'L', {0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x1F}}, {'M', {0x11, 0x1B, 0x15, 0x15, 0x11, 0x11, 0x11}},
    {'N', {0x11, 0x11, 0x19, 0x15, 0x13, 0x11, 0x11}}, {'O', {0x0E, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0E}},
    {'P', {0x1E, 0x11, 0x11, 0x1E, 0x10, 0x10, 0x10}}, {'Q', {0x0E, 0x11, 0x11, 0x11, 0x15, 0x12, 0x0D}},
    {'R', {0x1E, 0x11, 0x11, 0x1E, 0x14, 0x12, 0x11}}, {'S', {0x0F, 0x10, 0x10, 0x0E, 0x01, 0x01, 0x1E}},
    {'T', {0x1F, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04}}, {'U', {0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0E}},
    {'V', {0x11, 0x11, 0x11, 0x11, 0x11, 0x0A, 0x04}}, {'W', {0x11, 0x11, 0x11, 0x15, 0x15, 0x15, 0x0A}},
    {'X', {0x11, 0x11, 0x0A, 0x04, 0x0A, 0x11, 0x11}}, {'Y', {0x11, 0x11, 0x11, 0x0A, 0x04, 0x04, 0x04}},
    {'Z', {0x1F, 0x01, 0x02, 0x04, 0x08, 0x10, 0x1F}}, {'-', {0x00, 0x00, 0x00, 0x1F, 0x00, 0x00, 0x00}},
    {'_', {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x1F}}, {'.', {0x00, 0x00, 0x00, 0x00, 0x00, 0x0C, 0x0C}},
    {'>', {0x08, 0x04, 0x02, 0x01, 0x02, 0x04, 0x08}}, {' ', {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00}},
    {'#', {0x0A, 0x0A, 0x1F, 0x0A, 0x1F, 0x0A, 0x0A}},
};

const Glyph* glyph_of(char32_t character) {
  const char32_t upper = character >= 'a' && character <= 'z' ? character - 32 : character;
  const auto* found = std::ranges::find(glyphs, upper, &Glyph::character);
  return found == std::end(glyphs) ? nullptr : found;
}

constexpr int dot = 2;  // pixels a dot of a letter
constexpr int letter = (glyph_width + 1) * dot;
constexpr size_t longest_name = 10;
constexpr int gap = 4;
constexpr uint8_t paper = 24, ink = 230;

class Sheet {
 public:
  Sheet(int height, int width, int channels) : image{height, width, channels, {}} {
    image.bytes.assign(static_cast<size_t>(height) * width * channels, paper);
  }
  void set(int y, int x, uint8_t value) {
    const size_t at = (static_cast<size_t>(y) * image.width + x) * image.channels;
    std::fill_n(image.bytes.begin() + static_cast<std::ptrdiff_t>(at), image.channels, value);
  }
  void paste(const Image& small, int top, int left) {
    const auto row_bytes = static_cast<size_t>(small.width) * small.channels;
    for (int y = 0; y < small.height; ++y) {
      const size_t at = (static_cast<size_t>(top + y) * image.width + left) * image.channels;
      std::copy_n(small.bytes.begin() + static_cast<std::ptrdiff_t>(y * row_bytes), row_bytes,
                  image.bytes.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
  void write(std::u32string_view text, int top, int left) {
    for (const char32_t character : text) {
      const Glyph& glyph = *glyph_of(character);
      for (int y = 0; y < glyph_height * dot; ++y) {
        for (int x = 0; x < glyph_width * dot; ++x) {
          if (glyph.rows[y / dot] >> (glyph_width - 1 - x / dot) & 1) set(top + y, left + x, ink);
        }
      }
      left += letter;
    }
  }
  Image image;
};

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
  const bool is_written = !name.empty() && std::ranges::all_of(name, glyph_of);
  return is_written ? std::string(name.begin(), name.end()) : "#" + std::to_string(c + 1);
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
  const int row_height = std::max(cells.to.height, glyph_height * dot) + gap;
  Sheet sheet(gap + row_height * static_cast<int>(names.size()), margin + columns * (cells.to.width + gap),
              cells.to.channels);
  for (size_t c = 0; c < names.size(); ++c) {
    const int top = gap + static_cast<int>(c) * row_height;
    sheet.write(names[c], top + (row_height - gap - glyph_height * dot) / 2, gap);
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
  const int caption_height = glyph_height * dot + gap,
            row_height = cells.to.height + caption_height + 2 * gap;
  Sheet sheet(gap + rows * row_height, gap + columns * (width + gap), cells.to.channels);
  for (size_t i = 0; i < corrections.size(); ++i) {
    const int top = gap + static_cast<int>(i) / columns * row_height;
    const int left = gap + static_cast<int>(i) % columns * (width + gap);
    const auto middle = [&](int of) { return left + (width - of) / 2; };
    sheet.paste(cells(corrections[i].row), top, middle(cells.to.width));
    sheet.write(captions[i], top + cells.to.height + gap,
                middle(static_cast<int>(captions[i].size()) * letter - dot));
  }
  return std::move(sheet.image);
}

}  // namespace mudra
