// Figures as files, drawn by gnuplot.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mudra/data/image.h"

namespace mudra {

// One figure: what to do between `set output` and the next figure.
struct Figure {
  std::string name;
  int width, height;  // pixels
  std::string body;
  std::vector<std::string> plots = {};                           // what is plotted then
  std::vector<std::pair<std::string, std::string>> images = {};  // files of raw pixels, which plots read

  // `scale`: pixels of the figure to one of the image.
  void add(const std::string& file, const Image& image, double left, double top, double scale);
  // Coordinates are pixels from the upper left corner, without axes.
  void use_pixels();
};

// What the figures' font can draw.
bool in_font(char32_t point);

// A text as gnuplot takes it literally: no substitution happens between single quotes. Characters the
// figures' font lacks become squares, for their stand-ins cover the whole figure.
std::string gnuplot_text(std::string_view text);

// Writes each as .png and .svg into `folder`, which is made if need be: all of them or none. Returns notes:
// why there are none. Throws Error when the folder cannot be written to.
std::vector<std::string> draw(const std::vector<Figure>& figures, const std::filesystem::path& folder);

}  // namespace mudra
