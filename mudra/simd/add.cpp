#include "mudra/simd/add.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mudra/simd/add.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "mudra/simd/map-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace {

void AddArrays(const Scalar* a, const Scalar* b, int64_t count, Scalar* sum) {
  map(
      count, sum, [](auto x, auto y) HWY_ATTR { return hn::Add(x, y); }, a, b);
}

}  // namespace
}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mudra {

HWY_EXPORT(AddArrays);

void add(ThreadTeam& team, const Scalar* a, const Scalar* b, int64_t count, Scalar* sum) {
  constexpr int64_t stretch = 16384;  // scalars a task
  team.run((count + stretch - 1) / stretch, [&](int64_t task) {
    const int64_t begin = task * stretch;
    HWY_DYNAMIC_DISPATCH(AddArrays)(a + begin, b + begin, std::min(stretch, count - begin), sum + begin);
  });
}

void add_shards(const Scalar* shards, int64_t count, Scalar* sum) {
  std::copy_n(shards, count, sum);
  for (int64_t shard = 1; shard < gradient_shards; ++shard) {
    HWY_DYNAMIC_DISPATCH(AddArrays)(sum, shards + shard * count, count, sum);
  }
}

}  // namespace mudra
#endif
