#include "mudra/data/dataset.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/data/label_index.h"

namespace mudra {

namespace {

// The values of a vector that lives as long as somebody holds them.
template <class T>
std::shared_ptr<const T> held([[maybe_unused]] const Shape& shape, std::vector<T> values) {
  assert(static_cast<int64_t>(values.size()) == shape.elements());
  const auto vector = std::make_shared<const std::vector<T>>(std::move(values));
  return {vector, vector->data()};
}

}  // namespace

Pixels::Pixels(const Shape& shape, std::vector<uint8_t> bytes)
    : Pixels(shape, held(shape, std::move(bytes))) {}

Pixels::Pixels(const Shape& shape, std::vector<float> values, float scale)
    : Pixels(shape, held(shape, std::move(values)), scale) {}

Pixels::Pixels(const Shape& shape, std::shared_ptr<const uint8_t> bytes)
    : shape_(shape), bytes_(std::move(bytes)), factor_(1 / 255.f) {
  assert(shape.rank() == 4);
}

Pixels::Pixels(const Shape& shape, std::shared_ptr<const float> values, float scale)
    : shape_(shape), floats_(std::move(values)), factor_(1 / scale) {
  assert(shape.rank() == 4);
}

Pixels::Pixels(const Shape& shape, std::shared_ptr<const PixelSource> source)
    : shape_(shape), source_(std::move(source)) {
  assert(shape.rank() == 4 && source_ != nullptr);
}

int64_t Pixels::stored_row(int64_t image) const {
  assert(image >= 0 && image < count());
  return rows_ ? (*rows_)[static_cast<size_t>(image)] : image;
}

std::span<const uint8_t> Pixels::bytes(int64_t image) const {
  assert(is_bytes());
  const auto size = static_cast<size_t>(shape_.per_example());
  return {bytes_.get() + static_cast<size_t>(stored_row(image)) * size, size};
}

void Pixels::read(int64_t image, float* out) const {
  const int64_t size = shape_.per_example();
  const int64_t row = stored_row(image);
  if (bytes_) {
    const uint8_t* in = bytes_.get() + row * size;
    for (int64_t i = 0; i < size; ++i) out[i] = static_cast<float>(in[i]) * factor_;
  } else if (floats_) {
    const float* in = floats_.get() + row * size;
    for (int64_t i = 0; i < size; ++i) out[i] = in[i] * factor_;
  } else {
    source_->read(row, out);
  }
}

void Pixels::add_to(Hash128& hash) const {
  std::vector<float> image(static_cast<size_t>(shape_.per_example()));
  for (int64_t at = 0; at < count(); ++at) {
    if (is_bytes()) {
      hash.add_values(bytes(at));
    } else {
      read(at, image.data());
      hash.add_values(image);
    }
  }
}

Pixels Pixels::select(std::span<const Row> rows) const {
  std::vector<Row> stored;
  stored.reserve(rows.size());
  for (const Row row : rows) stored.push_back(static_cast<Row>(stored_row(row)));
  Pixels selected = *this;
  selected.rows_ = std::make_shared<const std::vector<Row>>(std::move(stored));
  selected.shape_[0] = static_cast<int64_t>(rows.size());
  return selected;
}

namespace {

// Which of several parts, one after the other, an image is of.
class Parts {
 public:
  explicit Parts(std::span<const Dataset> parts) {
    for (const Dataset& part : parts) {
      begin_.push_back(images_);
      images_ += part.size();
    }
  }
  int64_t images() const { return images_; }
  size_t part_of(int64_t image) const {
    return static_cast<size_t>(std::ranges::upper_bound(begin_, image) - begin_.begin() - 1);
  }
  int64_t begin(size_t part) const { return begin_[part]; }

 private:
  std::vector<int64_t> begin_;
  int64_t images_ = 0;
};

class JoinedPixels final : public PixelSource {
 public:
  explicit JoinedPixels(std::span<const Dataset> parts) : at_(parts) {
    for (const Dataset& part : parts) parts_.push_back(part.pixels);
  }
  int64_t images() const { return at_.images(); }

  void read(int64_t image, float* out) const override {
    const size_t part = at_.part_of(image);
    parts_[part].read(image - at_.begin(part), out);
  }

 private:
  Parts at_;
  std::vector<Pixels> parts_;
};

class JoinedTargets final : public TargetSource {
 public:
  explicit JoinedTargets(std::span<const Dataset> parts) : at_(parts) {
    for (const Dataset& part : parts) parts_.push_back(part.targets);
  }
  Shape shape() const override { return parts_[0]->shape(); }

  void read(int64_t image, float* out) const override {
    const size_t part = at_.part_of(image);
    parts_[part]->read(image - at_.begin(part), out);
  }

 private:
  Parts at_;
  std::vector<std::shared_ptr<const TargetSource>> parts_;
};

// The targets of all parts, or null.
std::shared_ptr<const TargetSource> joined_targets(std::span<const Dataset> parts) {
  const auto& first = parts[0].targets;
  for (const Dataset& part : parts) {
    if (!part.targets != !first) {
      throw Error("has no targets, unlike what it is joined with", (first ? part : parts[0]).source,
                  "Give all images targets, or none");
    }
    if (first && part.targets->shape() != first->shape()) {
      throw Error("has targets of shape " + part.targets->shape().text() + ", not " + first->shape().text(),
                  part.source);
    }
  }
  return first ? std::make_shared<JoinedTargets>(parts) : nullptr;
}

}  // namespace

Dataset joined(std::span<const Dataset> parts) {
  const auto pixels = std::make_shared<JoinedPixels>(parts);
  Shape shape = parts[0].pixels.shape();
  shape[0] = pixels->images();
  Dataset all;
  all.source = parts[0].source;
  all.classes = parts[0].classes;
  all.pixels = Pixels(shape, pixels);
  all.targets = joined_targets(parts);
  const bool are_weighted =
      std::ranges::any_of(parts, [](const Dataset& d) { return !d.example_weights.empty(); });
  for (const Dataset& part : parts) {
    all.labels.insert(all.labels.end(), part.labels.begin(), part.labels.end());
    if (!are_weighted) continue;
    all.example_weights.insert(all.example_weights.end(), part.example_weights.begin(),
                               part.example_weights.end());
    all.example_weights.resize(all.labels.size(), 1);
  }
  return all;
}

Dataset Dataset::select(std::span<const Row> rows) const {
  const auto pick = [&](const auto& values) {
    std::remove_cvref_t<decltype(values)> picked;
    if (values.empty()) return picked;
    picked.reserve(rows.size());
    for (const Row row : rows) picked.push_back(values[row]);
    return picked;
  };
  Dataset selected;
  selected.source = source;
  selected.pixels = pixels.select(rows);
  if (shown.count() > 0) selected.shown = shown.select(rows);
  selected.classes = classes;
  selected.labels = pick(labels);
  selected.group_names = group_names;
  selected.groups = pick(groups);
  selected.photographs = pick(photographs);
  for (const Column& column : columns)
    selected.columns.push_back({column.name, column.values, pick(column.of)});
  selected.example_weights = pick(example_weights);
  selected.true_labels = pick(true_labels);
  selected.targets = select_targets(targets, rows);
  selected.source_rows = source_rows.empty() ? std::vector<Row>(rows.begin(), rows.end()) : pick(source_rows);
  selected.files = pick(files);
  selected.notes = notes;
  selected.skipped = skipped;
  return selected;
}

Dataset Dataset::keep_classes(std::span<const std::string> keep) const {
  std::vector<int32_t> new_index(classes.size(), no_class);
  for (size_t i = 0; i < keep.size(); ++i) {
    const auto found = std::find(classes.begin(), classes.end(), keep[i]);
    if (found == classes.end()) {
      throw usage_error("there is no class `" + keep[i] + "`", source,
                        "The classes are " + join_names(classes, 40));
    }
    int32_t& index = new_index[static_cast<size_t>(found - classes.begin())];
    if (index >= 0)
      throw usage_error("class `" + keep[i] + "` is named twice", source, "Name each class once");
    index = static_cast<int32_t>(i);
  }
  std::vector<Row> rows;
  for (size_t row = 0; row < labels.size(); ++row) {
    if (new_index[static_cast<size_t>(labels[row])] >= 0) rows.push_back(static_cast<Row>(row));
  }
  Dataset kept = select(rows);
  kept.classes.assign(keep.begin(), keep.end());
  for (int32_t& label : kept.labels) label = new_index[static_cast<size_t>(label)];
  for (int32_t& label : kept.true_labels)
    label = label == no_class ? no_class : new_index[static_cast<size_t>(label)];
  return kept;
}

}  // namespace mudra
