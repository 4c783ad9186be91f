// What an image is trained to give where one class does not say it: numbers at the places of a grid over it,
// such as where a hand is. How they are laid out is the business of the network's heads
// (mudra/network/heads.h).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "mudra/core/hash.h"
#include "mudra/core/shape.h"

namespace mudra {

// Thread-safe: read() changes no member.
class TargetSource {
 public:
  virtual ~TargetSource() = default;
  virtual Shape shape() const = 0;                         // of one image: [H', W', T]
  virtual void read(int64_t image, float* out) const = 0;  // H'*W'*T values
};

// Targets in memory, of N images.   values: N*H'*W'*T
class StoredTargets final : public TargetSource {
 public:
  StoredTargets(const Shape& of_one, std::vector<float> values);
  Shape shape() const override { return shape_; }
  void read(int64_t image, float* out) const override;

 private:
  Shape shape_;
  std::vector<float> values_;
};

// Those at `rows`, in that order; shares the memory. Nothing for nothing.
std::shared_ptr<const TargetSource> select_targets(std::shared_ptr<const TargetSource> from,
                                                   std::span<const uint32_t> rows);

// The values of so many images, for a hash that tells these targets from others. Nothing for nothing.
void add_targets(const TargetSource* targets, int64_t images, Hash128& hash);

}  // namespace mudra
