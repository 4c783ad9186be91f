// A picture that is drawn on: lines, frames, and text in letters of 5x7 dots. What lies outside is left out.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "mudra/data/image.h"
#include "mudra/data/point.h"

namespace mudra {

using Colour = std::array<uint8_t, 3>;  // of which a grey picture takes the first

inline constexpr int glyph_width = 5, glyph_height = 7;  // dots
constexpr int letter_width(int dot) { return (glyph_width + 1) * dot; }

// Whether there is a letter for it; others are written as a question mark. Lower case looks as upper case.
bool is_written(char32_t character);

class Canvas {
 public:
  Canvas(int height, int width, int channels, uint8_t paper);

  void blend(int y, int x, Colour colour, float share);
  void paste(const Image& small, int top, int left);  // of as many channels, inside
  // dot: pixels a dot of a letter
  void write(std::u32string_view text, int top, int left, Colour ink, int dot);
  void line(Point from, Point to, float width, Colour colour);  // with round ends
  void frame(Point from, Point to, float width, Colour colour);
  void fill(int top, int left, int height, int width, Colour colour, float share = 1);

  Image image;
};

}  // namespace mudra
