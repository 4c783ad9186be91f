// matmul_gradient of a plain matrix: batches are small, so sums over a shard are only a few rows long.
#include <algorithm>

#include "mudra/simd/kernel.h"
#include "mudra/simd/matmul.h"
#include "mudra/simd/panels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mudra/simd/matrix_gradient.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "mudra/simd/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace {

// A tile of columns x panels keeps its sums and its totals in registers.
constexpr int tile_vectors = HWY_TARGET == HWY_NEON || parts == 1 ? 12 : 6;
constexpr int most_panels = parts == 1 ? 2 : 1;
constexpr int most_columns = std::max(1, tile_vectors / (most_panels * parts));
constexpr int64_t stretch = 48;  // columns of a task

struct MatrixGradient {
  const Scalar* x;
  int64_t rows, depth;
  const Scalar* dy;
  int64_t dy_stride;
  ShardBegins begins;  // of the shards
  GradientSink sink;
  Scalar* target;

  // Columns k ... k + K, panels panel ... panel + P.   used: bit s tells that shard s has more than zeros in
  // these columns
  template <int K, int P>
  HWY_NOINLINE void tile(int64_t k, int64_t panel, uint32_t used) const {
    const D d;
    constexpr int vectors = P * parts;
    Scalar* to = target + (panel * depth + k) * panel_width;
    const int64_t panel_stride = depth * panel_width, x_stride = depth, stride = dy_stride;
    unroll<P>([&](auto p) MUDRA_INLINE {  // wanted when the sums are done
      unroll<K>([&](auto i) MUDRA_INLINE { __builtin_prefetch(to + p * panel_stride + i * panel_width, 1); });
    });
    V total[K * vectors];
    unroll<K * vectors>([&](auto i) MUDRA_INLINE { total[i] = hn::Zero(d); });
    for (size_t shard = 0; shard < gradient_shards; ++shard, used >>= 1) {
      if (used % 2 == 0) continue;
      const int64_t begin = begins[shard];
      const Scalar* value = x + begin * x_stride + k;
      const Scalar* from = dy + begin * stride + panel * panel_width;
      V sum[K * vectors];
      unroll<K * vectors>([&](auto i) MUDRA_INLINE { sum[i] = hn::Zero(d); });
      const auto add_row = [&]() MUDRA_INLINE {
        V gradient[vectors];
        unroll<vectors>([&](auto p) MUDRA_INLINE { gradient[p] = hn::Load(d, from + p * lanes); });
        unroll<K>([&](auto i) MUDRA_INLINE {
          const V v = hn::Set(d, value[i]);
          unroll<vectors>([&](auto p) MUDRA_INLINE {
            constexpr int at = i * vectors + p;
            sum[at] = hn::MulAdd(v, gradient[p], sum[at]);
          });
        });
        value += x_stride;
        from += stride;
      };
      int64_t left = begins[shard + 1] - begin;
      for (; left >= 4; left -= 4) unroll<4>([&](auto) MUDRA_INLINE { add_row(); });
      for (; left > 0; --left) add_row();
      unroll<K * vectors>([&](auto i) MUDRA_INLINE { total[i] = hn::Add(total[i], sum[i]); });
    }
    const V rate = hn::Set(d, sink.rate());
    const auto finish = [&](auto value) MUDRA_INLINE {
      unroll<K * vectors>([&](auto n) MUDRA_INLINE {
        constexpr int i = n / vectors, p = n % vectors;
        Scalar* at = to + p / parts * panel_stride + (i * panel_width + int64_t{p % parts} * lanes);
        hn::Store(value(total[n], at), d, at);
      });
    };
    if (sink.descends()) {
      finish([&](V sum, const Scalar* at) MUDRA_INLINE { return hn::NegMulAdd(rate, sum, hn::Load(d, at)); });
    } else {
      finish([](V sum, const Scalar*) MUDRA_INLINE { return sum; });
    }
  }

  // A bit for every shard of every column that has more than zeros.
  void find_used(int64_t first, int64_t columns, uint32_t* used) const {
    std::fill_n(used, columns, 0u);
    for (size_t shard = 0; shard < gradient_shards; ++shard) {
      for (int64_t n = begins[shard]; n < begins[shard + 1]; ++n) {
        const Scalar* row = x + n * depth + first;
        for (int64_t c = 0; c < columns; ++c) used[c] |= static_cast<uint32_t>(row[c] != 0) << shard;
      }
    }
  }

  // Some columns of a group of panels.
  void columns(int64_t k, int64_t count, int64_t panel, int64_t panels, uint32_t used) const {
    with_constant<most_columns>(count, [&](auto c) MUDRA_INLINE {
      with_constant<most_panels>(panels, [&](auto p) MUDRA_INLINE { tile<c, p>(k, panel, used); });
    });
  }

  void run(ThreadTeam& team, int64_t outputs, bool skip_zeros) const {
    const int64_t stretches = (depth + stretch - 1) / stretch;
    team.run(stretches, [&](int64_t task) {
      const int64_t first = task * stretch, width = std::min(stretch, depth - first);
      uint32_t used[stretch];
      if (skip_zeros) {
        find_used(first, width, used);
      } else {
        std::fill_n(used, width, ~0u);
      }
      for (int64_t panel = 0; panel < panel_count(outputs); panel += most_panels) {
        const int64_t panels = std::min<int64_t>(most_panels, panel_count(outputs) - panel);
        for (int64_t k = 0; k < width; k += most_columns) {
          const int64_t count = std::min<int64_t>(most_columns, width - k);
          uint32_t any = 0;
          for (int64_t i = 0; i < count; ++i) any |= used[k + i];
          // Without a term the plain step leaves weights as they are.
          if (any != 0 || !sink.descends()) columns(first + k, count, panel, panels, any);
        }
      }
    });
  }
};

void RunMatrixGradient(ThreadTeam& team, const Scalar* x, int64_t rows, int64_t depth, const Scalar* dy,
                       int64_t outputs, bool skip_zeros, const Shards& shards, const GradientSink& sink,
                       Scalar* target) {
  MatrixGradient{x, rows, depth, dy, padded(outputs), shards.begins(rows), sink, target}.run(team, outputs,
                                                                                             skip_zeros);
}

}  // namespace
}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mudra {

MUDRA_KERNEL(matrix_gradient, RunMatrixGradient);

}  // namespace mudra
#endif
