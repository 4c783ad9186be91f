#include "mudra/simd/add.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mudra/simd/add.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "mudra/simd/columns-inl.h"
#include "mudra/simd/map-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace {

void AddArrays(const Scalar* a, const Scalar* b, int64_t count, Scalar* sum) {
  map(
      count, sum, [](auto x, auto y) HWY_ATTR { return hn::Add(x, y); }, a, b);
}

void AddShards(const Scalar* shards, int64_t count, Scalar* sum) {
  for_columns(count, [&](auto d, auto vectors, int64_t k) HWY_ATTR {
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    for (int v = 0; v < vectors; ++v, k += lanes) {
      auto total = hn::LoadU(d, shards + k);
      for (int64_t shard = 1; shard < gradient_shards; ++shard) {
        total = hn::Add(total, hn::LoadU(d, shards + shard * count + k));
      }
      hn::StoreU(total, d, sum + k);
    }
  });
}

}  // namespace
}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mudra {

HWY_EXPORT(AddArrays);
HWY_EXPORT(AddShards);

void add(ThreadTeam& team, const Scalar* a, const Scalar* b, int64_t count, Scalar* sum) {
  constexpr int64_t stretch = 16384;  // scalars a task
  team.run((count + stretch - 1) / stretch, [&](int64_t task) {
    const int64_t begin = task * stretch;
    HWY_DYNAMIC_DISPATCH(AddArrays)(a + begin, b + begin, std::min(stretch, count - begin), sum + begin);
  });
}

void add_shards(const Scalar* shards, int64_t count, Scalar* sum) {
  HWY_DYNAMIC_DISPATCH(AddShards)(shards, count, sum);
}

}  // namespace mudra
#endif
