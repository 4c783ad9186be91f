#include "mudra/report/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mudra/core/text.h"
#include "mudra/core/utf8.h"
#include "mudra/report/gnuplot.h"
#include "mudra/report/pictures.h"

namespace mudra {
namespace {

namespace fs = std::filesystem;

// A class's name, or where the font lacks letters of it, its number: squares would not tell two such apart.
std::string figure_name(const std::vector<std::string>& classes, size_t c, size_t most) {
  const std::string name = shorten(classes[c], most);
  return std::ranges::all_of(code_points(name), in_font) ? name : fmt::format("#{}", c + 1);
}

constexpr const char* held_out_colour = "#0b62b5";
constexpr const char* training_colour = "#b35900";

Figure loss_figure(const std::vector<Epoch>& history) {
  std::string data = "$history << EOD\n";
  double highest = 0, lowest = 1e300;
  for (const Epoch& epoch : history) {
    data += fmt::format("{} {} {} {} {}\n", epoch.number, epoch.loss_train, epoch.loss_held_out,
                        100 * epoch.accuracy_train, 100 * epoch.accuracy_held_out);
    for (const double loss : {epoch.loss_train, epoch.loss_held_out}) {
      if (std::isfinite(loss) && loss > 0) highest = std::max(highest, loss), lowest = std::min(lowest, loss);
    }
  }
  // On a linear axis a curve that falls a hundredfold is a corner.
  const bool log_axis = highest > 30 * lowest;
  const char* style = history.size() == 1 ? "linespoints pt 7" : "lines";
  const auto lines = [&](int train, int held_out) {
    return fmt::format(
        "plot $history using 1:{} with {} lw 2 dt 2 lc rgb '{}' title 'training', "
        "$history using 1:{} with {} lw 2.5 lc rgb '{}' title 'held out'\n",
        train, style, training_colour, held_out, style, held_out_colour);
  };
  return {"loss", 1000, 420,
          "set datafile missing 'nan'\n" + data +
              "EOD\nset multiplot layout 1,2\n"
              "set border 3 lc rgb '#57606a'\nset tics nomirror out\nset grid ytics lc rgb '#d8dee4' lw 1\n"
              "set key top right\nset xlabel 'epoch'\n" +
              fmt::format("set xrange [{}:{}]\n", history.size() == 1 ? 0 : 1,
                          std::max<int64_t>(2, history.back().number)) +
              (log_axis ? "set logscale y\nset title 'Loss (logarithmic)'\n"
                        : "set yrange [0:*]\nset title 'Loss'\n") +
              lines(2, 3) +
              "unset logscale y\nset yrange [*:100]\nset format y '%g%%'\nset key bottom right\n"
              "set title 'Accuracy'\n" +
              lines(4, 5) + "unset multiplot\n"};
}

// ColorBrewer's Blues (Brewer and Harrower), nine classes.
constexpr const char* blues[] = {"#f7fbff", "#deebf7", "#c6dbef", "#9ecae1", "#6baed6",
                                 "#4292c6", "#2171b5", "#08519c", "#08306b"};

// Counts summed over squares of `per_cell` classes each way, so that 1,000 classes stay a picture.
struct DrawnMatrix {
  explicit DrawnMatrix(const Evaluation& evaluation) {
    constexpr size_t most_cells = 50;
    const size_t classes = evaluation.classes.size();
    per_cell = (classes + most_cells - 1) / most_cells;
    cells = (classes + per_cell - 1) / per_cell;
    counts.resize(cells * cells);
    std::vector<int64_t> totals(cells);
    for (size_t i = 0; i < classes; ++i) {
      for (size_t j = 0; j < classes; ++j) {
        counts[i / per_cell * cells + j / per_cell] += evaluation.count(i, j);
        totals[i / per_cell] += evaluation.count(i, j);
      }
    }
    for (size_t at = 0; at < counts.size(); ++at) {
      const double share =
          static_cast<double>(counts[at]) / static_cast<double>(std::max<int64_t>(1, totals[at / cells]));
      shades.push_back(counts[at] == 0 ? 0 : std::min(8, 1 + static_cast<int>(share * 8)));
    }
  }
  size_t per_cell, cells;
  std::vector<int64_t> counts;  // [cells, cells]
  std::vector<int> shades;      // of the share within the true class
};

// As separate squares with their counts.
void add_cells_with_counts(const DrawnMatrix& matrix, double font_size, Figure& figure) {
  for (size_t at = 0; at < matrix.counts.size(); ++at) {
    const size_t i = at / matrix.cells, j = at % matrix.cells;
    const int shade = matrix.shades[at];
    figure.body += fmt::format(
        "set object rectangle from {},{} to {},{} fc rgb '{}' fs solid border lc rgb '#ffffff'\n"
        "set label '{}' at {}.5,{}.5 center front tc rgb '{}' font ',{:.0f}'\n",
        j, i, j + 1, i + 1, blues[shade], thousands(matrix.counts[at]), j, i,
        shade > 5 ? "#ffffff" : "#08182b", font_size);
  }
  figure.plots = {"NaN"};
}

// As one picture: thousands of squares take seconds to draw.
void add_cells_without_counts(const DrawnMatrix& matrix, Figure& figure) {
  const auto side = static_cast<int>(matrix.cells);
  Image image{side, side, 3, {}};
  for (const int shade : matrix.shades) {
    const auto colour = std::stoul(blues[shade] + 1, nullptr, 16);
    for (const int bits : {16, 8, 0}) image.bytes.push_back(static_cast<uint8_t>(colour >> bits));
  }
  figure.add("confusion.raw", image, 0, 0, 1);
}

Figure confusion_figure(const Evaluation& evaluation) {
  constexpr size_t most_counts = 20;
  const DrawnMatrix matrix(evaluation);
  const size_t cells = matrix.cells;
  const auto name = [&](size_t i) {
    return matrix.per_cell == 1 ? figure_name(evaluation.classes, i, 12)
                                : fmt::format("{}", i * matrix.per_cell);
  };
  size_t longest = 1;  // characters of a name
  for (size_t i = 0; i < cells; ++i) longest = std::max(longest, code_points(name(i)).size());
  const bool slant = cells > 4 && longest > 2;
  const int side = std::clamp(static_cast<int>(cells) * 62, 560, 640);
  const double size = std::clamp(static_cast<double>(side) / static_cast<double>(cells) / 4, 7.0, 28.0);
  const double font = std::clamp(size, 9.0, longest > 4 ? 12.0 : 16.0);  // of the names
  const double reach = font * static_cast<double>(longest);
  const int left = 60 + static_cast<int>(0.85 * reach), right = 40, top = 50;
  const int bottom = slant ? 50 + static_cast<int>(0.6 * reach) : 62;
  const int width = left + side + right, height = top + side + bottom;
  Figure figure{"confusion", width, height, {}};
  const size_t every = cells > 25 ? 5 : 1;
  for (size_t i = 0; i < cells; i += every) {
    figure.body += fmt::format(
        "set label {0} at {1}.5,graph 0 offset 0,-0.9 {2} noenhanced font ',{3:.0f}'\n"
        "set label {0} at graph 0,first {1}.5 offset -1,0 right noenhanced font ',{3:.0f}'\n",
        gnuplot_text(name(i)), i, slant ? "rotate by 40 right" : "center", font);
  }
  const std::string title = matrix.per_cell == 1
                                ? "Confusion matrix"
                                : fmt::format("Confusion matrix, {} classes a cell", matrix.per_cell);
  figure.body += fmt::format(
      "set title '{}'\nunset border\nunset tics\nunset key\nset xrange [0:{}]\nset yrange [{}:0]\n"
      "set lmargin at screen {}\nset rmargin at screen {}\nset bmargin at screen {}\nset tmargin at screen "
      "{}\n"
      "set label 'predicted' at graph 0.5,screen {} center\n"
      "set label 'true' at screen {},graph 0.5 center rotate by 90\n",
      title, cells, cells, static_cast<double>(left) / width, static_cast<double>(left + side) / width,
      static_cast<double>(bottom) / height, static_cast<double>(bottom + side) / height, 16.0 / height,
      18.0 / width);
  if (cells <= most_counts) {
    add_cells_with_counts(matrix, size, figure);
  } else {
    add_cells_without_counts(matrix, figure);
  }
  return figure;
}

Figure examples_figure(const RunRecord& record) {
  constexpr int columns = 6, tile = 120, gap = 24, caption = 46;
  const std::vector<Row> rows = dealt_rows(record, 24, 24).examples();
  const int lines = static_cast<int>(rows.size() + columns - 1) / columns;
  const int across = std::min<int>(columns, static_cast<int>(rows.size()));
  const int width = std::max(3, across) * (tile + gap) + gap, height = lines * (tile + caption) + 40;
  Figure figure{"examples", width, height, {}};
  const auto& names = record.evaluation.classes;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Row row = rows[i];
    const Image image = thumbnail(record.test, row, tile);
    const int column = static_cast<int>(i) % columns, line = static_cast<int>(i) / columns;
    const double left = gap + column * (tile + gap);
    const double top = 40 + line * (tile + caption);
    figure.add(fmt::format("example-{}.raw", i), image, left, top,
               static_cast<double>(tile) / std::max(image.width, image.height));
    const int32_t truth = record.test.labels[row], guess = record.answers.labels[row];
    const auto add_line = [&](const std::string& text, int below) {
      figure.body +=
          fmt::format("set label {} at {},{} center noenhanced tc rgb '{}' font ',10'\n", gnuplot_text(text),
                      left + tile / 2.0, top + tile + below, truth == guess ? "#1b1f24" : "#a40e26");
    };
    add_line(fmt::format("{} {}",
                         guess == refused ? "refused" : figure_name(names, static_cast<size_t>(guess), 10),
                         percent(static_cast<double>(record.answers.confidence(row)))),
             11);
    add_line(truth == guess ? "right" : "labelled " + figure_name(names, static_cast<size_t>(truth), 10), 26);
  }
  figure.body += fmt::format("set label 'Predictions, mistakes first' at {},18 left\n", gap);
  figure.use_pixels();
  return figure;
}

Figure weights_figure(const WeightImages& weights) {
  constexpr int columns = 8, panel = 330, gap = 30;
  const int64_t units = std::min<int64_t>(weights.shape[0], 128);
  std::vector<std::pair<WeightView, std::string>> views = {{WeightView::after, "after"}};
  if (!weights.before.empty())
    views = {{WeightView::before, "before"}, {WeightView::after, "after"}, {WeightView::change, "change"}};
  Figure figure{"weights", gap + static_cast<int>(views.size()) * (panel + gap), 0, {}};
  figure.body = fmt::format("set label 'Weights of {} of {} hidden units' at {},16 left\n", units,
                            weights.shape[0], gap);
  for (size_t i = 0; i < views.size(); ++i) {
    const auto& [view, title] = views[i];
    // Before and after share a scale; the change has its own, or it would be too pale to see.
    float limit = weight_limit(weights, view, units);
    if (views.size() > 1 && view != WeightView::change) {
      limit = std::max(weight_limit(weights, WeightView::before, units),
                       weight_limit(weights, WeightView::after, units));
    }
    const Image sheet =
        weight_sheet(weights, view, units, std::min<int>(columns, static_cast<int>(units)), limit);
    const double scale = static_cast<double>(panel) / std::max(sheet.width, sheet.height / 2),
                 left = gap + static_cast<double>(i) * (panel + gap);
    figure.height = std::max(figure.height, static_cast<int>(sheet.height * scale) + 70);
    figure.add("weights-" + title + ".raw", sheet, left, 55, scale);
    figure.body += fmt::format("set label '{}: blue -{:.3g}, white 0, red {:.3g}' at {},38 left font ',10'\n",
                               title, limit, limit, left);
  }
  figure.use_pixels();
  return figure;
}

}  // namespace

std::vector<std::string> draw_figures(const RunRecord& record, const fs::path& folder) {
  std::vector<Figure> figures;
  if (!record.history.empty()) figures.push_back(loss_figure(record.history));
  figures.push_back(confusion_figure(record.evaluation));
  figures.push_back(examples_figure(record));
  if (record.weights.shape.rank() == 4) figures.push_back(weights_figure(record.weights));
  return draw(figures, folder);
}

}  // namespace mudra
