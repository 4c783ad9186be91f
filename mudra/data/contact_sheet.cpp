#include <algorithm>
#include <cctype>
#include <string_view>

#include "mudra/core/utf8.h"
#include "mudra/data/inspect.h"

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
    {' ', {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00}},
};

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
      const char32_t upper = character >= 'a' && character <= 'z' ? character - 32 : character;
      const auto* found = std::find_if(std::begin(glyphs), std::end(glyphs),
                                       [&](const Glyph& glyph) { return glyph.character == upper; });
      const Glyph& glyph = found == std::end(glyphs) ? glyphs[0] : *found;
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

}  // namespace

Image contact_sheet(const Dataset& data, int columns, int cell) {
  const Shape& shape = data.pixels.shape();
  const int channels = static_cast<int>(shape[3]);
  const int64_t longer = std::max(shape[1], shape[2]);
  const auto scaled = [&](int64_t side) {
    return static_cast<int>(std::max<int64_t>(1, side * cell / longer));
  };
  const Preprocessing to{scaled(shape[1]), scaled(shape[2]), channels, Fit::stretch};
  std::vector<std::u32string> names;
  size_t longest = 1;
  for (const std::string& name : data.classes) {
    names.push_back(code_points(name).substr(0, longest_name));
    longest = std::max(longest, names.back().size());
  }
  const int margin = static_cast<int>(longest) * letter + 2 * gap;
  const int row_height = std::max(to.height, glyph_height * dot) + gap;
  Sheet sheet(gap + row_height * static_cast<int>(names.size()), margin + columns * (to.width + gap),
              channels);
  Fitter fitter(static_cast<int>(shape[1]), static_cast<int>(shape[2]), channels, to);
  std::vector<float> values(static_cast<size_t>(shape.per_example()));
  Image whole{static_cast<int>(shape[1]), static_cast<int>(shape[2]), channels,
              std::vector<uint8_t>(values.size())};
  Image small{to.height, to.width, channels, {}};
  small.bytes.resize(static_cast<size_t>(to.height) * to.width * channels);
  for (size_t c = 0; c < names.size(); ++c) {
    const int top = gap + static_cast<int>(c) * row_height;
    sheet.write(names[c], top + (row_height - gap - glyph_height * dot) / 2, gap);
    int left = margin;
    for (const int64_t row : choose_rows(data, static_cast<int32_t>(c), columns)) {
      data.pixels.read(row, values.data());
      std::transform(values.begin(), values.end(), whole.bytes.begin(), to_byte);
      fitter.apply(whole.bytes.data(), small.bytes.data());
      sheet.paste(small, top, left);
      left += to.width + gap;
    }
  }
  return std::move(sheet.image);
}

}  // namespace mudra
