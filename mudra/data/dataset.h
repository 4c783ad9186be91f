// Labelled images of one size, as read: what every reader makes and everything else takes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/core/hash.h"
#include "mudra/core/progress.h"
#include "mudra/core/shape.h"
#include "mudra/data/targets.h"

namespace mudra {

// A true label that is none of the classes.
inline constexpr int32_t no_class = -1;

// The class of images that show no sign, where data have one.
inline constexpr std::string_view none_name = "none";

// The longer side of pictures as pages show them, in pixels.
inline constexpr int shown_side = 96;

// A place in a data set. 32 bits: every list of rows is as long as the data.
using Row = uint32_t;
inline constexpr int64_t most_images = int64_t{1} << 32;

// Images that stay on the disk, for data larger than memory. Thread-safe: read() changes no member.
class PixelSource {
 public:
  virtual ~PixelSource() = default;
  virtual void read(int64_t image, float* out) const = 0;  // H*W*C values, nominally 0..1
};

// Pixels of N images [N, H, W, C]: bytes (0..255), floats, or streamed from a file. Cheap to copy and
// to select from: memory is shared and never changed once made.
class Pixels {
 public:
  Pixels() = default;
  Pixels(const Shape& shape, std::vector<uint8_t> bytes);
  // `scale` is the value that means white: 1, or 255 for pixels counted in bytes.
  Pixels(const Shape& shape, std::vector<float> values, float scale);
  // The same of memory that a program has already: nothing is copied, and nobody may change it meanwhile.
  Pixels(const Shape& shape, std::shared_ptr<const uint8_t> bytes);
  Pixels(const Shape& shape, std::shared_ptr<const float> values, float scale);
  Pixels(const Shape& shape, std::shared_ptr<const PixelSource> source);

  const Shape& shape() const { return shape_; }  // [N, H, W, C]
  int64_t count() const { return shape_.rank() == 0 ? 0 : shape_[0]; }
  bool is_bytes() const { return bytes_ != nullptr; }
  bool is_floats() const { return floats_ != nullptr; }
  bool is_streamed() const { return source_ != nullptr; }
  std::span<const uint8_t> bytes(int64_t image) const;  // only if is_bytes(): H*W*C values, 0..255

  // Writes image `image` as H*W*C values, nominally 0..1 (a byte b becomes b * (1/255.f)).
  void read(int64_t image, float* out) const;

  // The values of all images, one after the other, for a hash that tells these images from others.
  void add_to(Hash128& hash) const;

  // The images at `rows`, in that order; shares the memory.
  Pixels select(std::span<const Row> rows) const;

 private:
  int64_t stored_row(int64_t image) const;

  Shape shape_;
  std::shared_ptr<const uint8_t> bytes_;
  std::shared_ptr<const float> floats_;
  std::shared_ptr<const PixelSource> source_;
  std::shared_ptr<const std::vector<Row>> rows_;  // selected images, or null for all in order
  float factor_ = 1;
};

// Something else that is known of every image, such as the light: a text for each.
struct Column {
  std::string name;
  std::vector<std::string> values;  // distinct, in the same order as classes
  std::vector<int32_t> of;          // N indices into values
};

struct Dataset {
  std::string source;                    // as the user named it: "digits.npz", "synth:2000"
  Pixels pixels;                         // [N, H, W, C]
  Pixels shown;                          // the whole pictures, small, if `pixels` are cut out of them
  std::vector<std::string> classes;      // distinct label texts; numbers in numeric order, else by bytes
  std::vector<int32_t> labels;           // N indices into classes
  std::vector<std::string> group_names;  // hands or signers, in the same order as classes; may be empty
  std::vector<int32_t> groups;           // N indices into group_names, or empty when unknown
  std::vector<int32_t> photographs;      // N numbers, equal for images made from one photograph; or empty
  std::vector<Column> columns;           // those asked for
  std::vector<float> example_weights;    // N: what each image counts in the loss, or empty: 1 each
  // N classes that the images truly show, where that is known beside their labels; no_class: none of them. Or
  // empty.
  std::vector<int32_t> true_labels;
  // What a network with heads is trained to give for the images; null: nothing but their labels.
  std::shared_ptr<const TargetSource> targets;
  // N places of the images in the source, counted from 0 among those that could be read; empty when they are
  // the same as here: nothing was selected.
  std::vector<Row> source_rows;
  std::vector<std::string> files;    // N file names, or empty when all images come from one array
  std::vector<std::string> notes;    // what the reader recognised or left out, one sentence each
  std::vector<std::string> skipped;  // bad files or rows that were left out: one message each, naming it

  int64_t size() const { return pixels.count(); }
  // Where example `row` stands in the source.   0 <= row < size()
  Row source_row(Row row) const { return source_rows.empty() ? row : source_rows[row]; }

  // The examples at `rows`, in that order. Keeps classes and groups as they are, and where each example came
  // from.
  Dataset select(std::span<const Row> rows) const;
  // Only the examples of these classes; classes become exactly `keep`, in that order. Throws a usage
  // Error that lists the classes there are when one is not in the data.
  Dataset keep_classes(std::span<const std::string> keep) const;
};

// The examples of all parts one after the other, to train on: pixels, labels, example weights (1 where a
// part has none) and targets. Shares the parts' memory. All have images of one size and the first part's
// classes. Throws Error when only some have targets, or of different shapes.
Dataset joined(std::span<const Dataset> parts);

}  // namespace mudra
