#include "mudra/data/targets.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace mudra {
namespace {

class SelectedTargets final : public TargetSource {
 public:
  SelectedTargets(std::shared_ptr<const TargetSource> from, std::span<const uint32_t> rows)
      : from_(std::move(from)), rows_(rows.begin(), rows.end()) {}
  Shape shape() const override { return from_->shape(); }
  void read(int64_t image, float* out) const override { from_->read(rows_[static_cast<size_t>(image)], out); }

 private:
  std::shared_ptr<const TargetSource> from_;
  std::vector<uint32_t> rows_;
};

}  // namespace

StoredTargets::StoredTargets(const Shape& of_one, std::vector<float> values)
    : shape_(of_one), values_(std::move(values)) {
  assert(static_cast<int64_t>(values_.size()) % shape_.elements() == 0);
}

void StoredTargets::read(int64_t image, float* out) const {
  std::copy_n(values_.data() + image * shape_.elements(), shape_.elements(), out);
}

std::shared_ptr<const TargetSource> select_targets(std::shared_ptr<const TargetSource> from,
                                                   std::span<const uint32_t> rows) {
  if (!from) return nullptr;
  return std::make_shared<SelectedTargets>(std::move(from), rows);
}

void add_targets(const TargetSource* targets, int64_t images, Hash128& hash) {
  if (!targets) return;
  hash.add("targets " + targets->shape().text());
  std::vector<float> values(static_cast<size_t>(targets->shape().elements()));
  for (int64_t image = 0; image < images; ++image) {
    targets->read(image, values.data());
    hash.add_values(values);
  }
}

}  // namespace mudra
