// CSV with one image a line, as Sign Language MNIST has it: label,pixel1,...,pixel784. A header may name the
// columns `label` and `group`; all others are pixels, in order. Without a header the label comes first.
#include <cmath>
#include <optional>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/data/array_data.h"
#include "mudra/data/csv.h"
#include "mudra/data/image_codec.h"
#include "mudra/data/label_index.h"
#include "mudra/data/read_files.h"

namespace mudra {
namespace {

// What a line costs in memory beside its pixels: label, group and what a training keeps for an image.
constexpr int64_t beside_pixels = 16;

constexpr std::string_view form = "Give one image a line: label,pixel1,pixel2,...";

struct Columns {
  size_t count = 0, label = 0;
  std::optional<size_t> group;
  size_t pixels() const { return count - (group ? 2 : 1); }
  bool is_pixel(size_t column) const { return column != label && column != group; }
};

Columns columns_of(const std::vector<std::string_view>& first, bool has_header, const std::string& where) {
  Columns columns;
  columns.count = first.size();
  if (has_header) {
    const std::optional<size_t> label = csv_column(first, "label");
    if (!label) {
      throw Error("has no column `label`", where,
                  "The first line names the columns: label,pixel1,pixel2,...");
    }
    columns.label = *label;
    columns.group = csv_column(first, "group");
  }
  if (columns.count < (columns.group ? 3U : 2U)) {
    throw Error("has no columns of pixels", where, form);
  }
  return columns;
}

// What white is when pixels are bytes, and how far beyond values may lie: see ValueRange::white.
constexpr float byte_low = -2.55F, byte_high = 257.55F;

// The pixels of all lines that can be used.
struct LinePixels {
  const Columns columns;
  const bool refuse_beyond_bytes;
  Numbers values{};
  int64_t beyond_bytes = 0;  // lines with a pixel that no byte holds
  std::vector<float> line{};

  // Puts a line's pixels at the end; nothing, and the reason, when the line cannot be used.
  std::optional<std::string> add(const std::vector<std::string_view>& fields) {
    if (fields.size() != columns.count)
      return "has " + std::to_string(fields.size()) + " fields, not " + std::to_string(columns.count);
    if (fields[columns.label].empty()) return "has no label";
    if (columns.group && fields[*columns.group].empty()) return "has no group";
    const auto quoted = [](std::string_view field) { return "`" + std::string(field.substr(0, 40)) + "`"; };
    line.clear();
    bool beyond = false;
    for (size_t i = 0; i < fields.size(); ++i) {
      if (!columns.is_pixel(i)) continue;
      const std::optional<double> value = parse_number<double>(fields[i]);
      if (!value || !std::isfinite(*value)) return quoted(fields[i]) + " is not a pixel";
      line.push_back(static_cast<float>(*value));
      beyond = beyond || line.back() < byte_low || line.back() > byte_high;
      if (beyond && refuse_beyond_bytes) return quoted(fields[i]) + " is not within 0..255 as most lines are";
    }
    beyond_bytes += beyond;
    values.add(line);
    return std::nullopt;
  }
};

void skip_line(const CsvReader& csv, const std::string& problem, const ReadOptions& options, size_t good,
               Dataset& data) {
  skip(data, csv.where() + ": line " + std::to_string(csv.line()) + ": " + problem, options);
  if (data.skipped.size() <= 1000 || data.skipped.size() <= good) return;
  throw Error("most lines are no images; the first: " + data.skipped.front(), csv.where(), form);
}

// Nothing when the range of the pixels, which is that of all lines, would be that of a few: then those are to
// be refused.
std::optional<Dataset> read_lines(const std::string& path, const ReadOptions& options,
                                  bool refuse_beyond_bytes) {
  CsvReader csv(open_plain_or_gzip(path));
  std::vector<std::string_view> fields;
  if (!csv.next(fields)) throw Error("holds no lines", path, form);
  const bool has_header = fields.size() < 2 || !parse_number<double>(fields[1]);
  const Columns columns = columns_of(fields, has_header, path);
  const auto each = static_cast<int64_t>(columns.pixels());
  Shape shape = flat_image_shape(1, each, options, path);
  check_image_size(shape[1], shape[2], path);

  Dataset data;
  data.source = path;
  LinePixels pixels{columns, refuse_beyond_bytes};
  LabelIndex labels, groups;
  for (bool more = !has_header || csv.next(fields); more; more = csv.next(fields)) {
    if (csv.line() % 1024 == 0) options.progress(csv.line(), 0);
    if (const std::optional<std::string> problem = pixels.add(fields)) {
      skip_line(csv, *problem, options, labels.size(), data);
      continue;
    }
    labels.add(fields[columns.label]);
    if (columns.group) groups.add(fields[*columns.group]);
    if (static_cast<int64_t>(labels.size()) > 4 * options.stream_above / (each + beside_pixels)) {
      throw Error("is larger than memory should hold", path,
                  "Save the images as .npy, which is read piece by piece");
    }
  }
  shape[0] = static_cast<int64_t>(labels.size());
  if (pixels.beyond_bytes > 0 && 2 * pixels.beyond_bytes < shape[0]) return std::nullopt;
  note_skipped(data, shape[0], "lines");
  data.pixels = make_pixels(std::move(pixels.values), shape, options, {"text", true, true}, path, data.notes);
  labels.finish(data.classes, data.labels);
  if (columns.group) groups.finish(data.group_names, data.groups);
  return data;
}

}  // namespace

Dataset read_csv(const std::string& path, const ReadOptions& options) {
  std::optional<Dataset> data = read_lines(path, options, false);
  if (!data) data = read_lines(path, options, true);
  return *std::move(data);
}

}  // namespace mudra
