// matmul_gradient of lines of rows, such as a convolution's, and column_sums.
#include <algorithm>

#include "mudra/simd/kernel.h"
#include "mudra/simd/matmul.h"
#include "mudra/simd/panels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mudra/simd/matmul_gradient.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "mudra/simd/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace {

// The most columns of a tile. A pooled y is the first layer's, whose images have few channels.
constexpr int columns_most(bool pooled) { return std::min(most_rows(wide), pooled ? 9 : 14); }
// Whether three runs of three columns, a kernel of 3x3 over grey images, are one tile.
constexpr bool joins_runs = most_rows(wide) >= 9;

// The gradient of a vector of outputs; when y was pooled, at pixel `number` of its window.
template <bool pooled>
HWY_INLINE V gradient_at(const Scalar* HWY_RESTRICT values, const Scalar* HWY_RESTRICT argmax, int number) {
  const D d;
  const V gradient = hn::Load(d, values);
  if constexpr (pooled) {
    return hn::IfThenElseZero(hn::Eq(hn::LoadU(d, argmax), hn::Set(d, static_cast<Scalar>(number))),
                              gradient);
  }
  return gradient;
}

// The rows of some images.
struct Rows {
  const Scalar* x;    // the first row's first column
  OutputGradient dy;  // its gradient
  int64_t images;
  const RowLayout& layout;
  int64_t dy_stride;
};

// Adds to total [R * K][P * 16] the sum over rows of R runs of K neighbouring columns, times P panels of
// their gradients. Alone in a function, the sums stay in registers.   pooled: there are 2x2 rows for each row
// of dy
template <int R, int K, int P, bool pooled>
HWY_NOINLINE void add_rows(const Rows& rows, bool is_first, Scalar* HWY_RESTRICT total) {
  const D d;
  constexpr int vectors = P * parts, factor = pooled ? 2 : 1;
  V sum[R * K * vectors];
  unroll<R * K * vectors>([&](auto i) MUDRA_INLINE { sum[i] = hn::Zero(d); });
  const RowLayout& layout = rows.layout;
  const int64_t dy_stride = rows.dy_stride, row_stride = layout.row_stride, run_stride = layout.run_stride;
  const int64_t columns = layout.line_rows / factor, lines = layout.lines / factor;
  for (int64_t image = 0; image < rows.images; ++image) {
    for (int64_t line = 0; line < lines * factor; ++line) {
      const Scalar* value = rows.x + image * layout.image_stride + line * layout.line_stride;
      const int64_t at = (image * lines + line / factor) * columns * dy_stride;
      const Scalar* dy = rows.dy.values + at;
      const Scalar* argmax = pooled ? rows.dy.argmax + at : nullptr;
      const int number = static_cast<int>(line % factor * factor);
      for (int64_t column = 0; column < columns; ++column) {
        unroll<factor>([&](auto right) MUDRA_INLINE {
          V gradient[vectors];
          unroll<vectors>([&](auto p) MUDRA_INLINE {
            gradient[p] = gradient_at<pooled>(dy + p * lanes, argmax + p * lanes, number + right);
          });
          unroll<R * K>([&](auto i) MUDRA_INLINE {
            const V v = hn::Set(d, value[i / K * run_stride + i % K]);
            unroll<vectors>([&](auto p) MUDRA_INLINE {
              constexpr int to = i * vectors + p;
              sum[to] = hn::MulAdd(v, gradient[p], sum[to]);
            });
          });
          value += row_stride;
        });
        dy += dy_stride;
        if (pooled) argmax += dy_stride;
      }
    }
  }
  unroll<R * K * vectors>([&](auto i) MUDRA_INLINE {
    Scalar* to = total + i * lanes;
    hn::Store(is_first ? sum[i] : hn::Add(hn::Load(d, to), sum[i]), d, to);
  });
}

// add_rows of so many runs, columns and panels.
template <bool pooled>
void add_tile(const Rows& rows, int64_t runs, int64_t columns, int64_t panels, bool is_first, Scalar* total) {
  with_constant<wide>(panels, [&](auto p) MUDRA_INLINE {
    if constexpr (joins_runs) {
      if (runs == 3) return add_rows<3, 3, p, pooled>(rows, is_first, total);
    }
    with_constant<columns_most(pooled)>(
        columns, [&](auto k) MUDRA_INLINE { add_rows<1, k, p, pooled>(rows, is_first, total); });
  });
}

struct Gradient {
  const Scalar* x;
  const RowLayout& layout;
  OutputGradient dy;
  int64_t dy_stride;
  ShardBegins begins;  // of the shards
  GradientSink sink;
  Scalar* target;

  // Some columns, from `k` on, of some runs, times some panels.
  void tile(int64_t run, int64_t runs, int64_t k, int64_t columns, int64_t panel, int64_t panels) const {
    const D d;
    // Calls f(a place in the totals, the same in the target) for every column and panel.
    const auto for_places = [&](auto f) {
      Scalar* to = target + (panel * layout.depth() + run * layout.run_length + k) * panel_width;
      for (int64_t i = 0; i < runs * columns; ++i) {
        const int64_t column = i / columns * layout.run_length + i % columns;
        for (int64_t p = 0; p < panels; ++p) {
          f((i * panels + p) * panel_width, to + (p * layout.depth() + column) * panel_width);
        }
      }
    };
    for_places([](int64_t, Scalar* to) { __builtin_prefetch(to, 1); });  // wanted when the sums are done
    HWY_ALIGN Scalar total[columns_most(false) * wide * panel_width];
    bool is_first = true;
    const int64_t factor = dy.argmax ? 2 : 1;
    const int64_t dy_image = layout.lines / factor * (layout.line_rows / factor) * dy_stride;
    for (size_t shard = 0; shard < gradient_shards; ++shard) {
      const int64_t begin = begins[shard], count = begins[shard + 1] - begin;
      if (count == 0) continue;
      const int64_t at = begin * dy_image + panel * panel_width;
      const Scalar* from = x + begin * layout.image_stride + run * layout.run_stride + k;
      const OutputGradient here{dy.values + at, dy.argmax ? dy.argmax + at : nullptr};
      (dy.argmax ? add_tile<true> : add_tile<false>)({from, here, count, layout, dy_stride}, runs, columns,
                                                     panels, is_first, total);
      is_first = false;
    }
    const V rate = hn::Set(d, sink.rate());
    for_places([&](int64_t at, Scalar* to) HWY_ATTR {
      for (int64_t l = 0; l < panel_width; l += lanes) {
        const V sum = hn::Load(d, total + at + l);
        hn::Store(sink.descends() ? hn::NegMulAdd(rate, sum, hn::Load(d, to + l)) : sum, d, to + l);
      }
    });
  }
};

void MatmulGradient(ThreadTeam& team, const Scalar* x, const RowLayout& layout, const OutputGradient& dy,
                    int64_t outputs, const Shards& shards, const GradientSink& sink, Scalar* target) {
  const Gradient gradient{x, layout, dy, padded(outputs), shards.begins(layout.images), sink, target};
  const int64_t groups = (panel_count(outputs) + wide - 1) / wide;
  const int64_t together = joins_runs && layout.run_length == 3 && layout.runs % 3 == 0 ? 3 : 1;
  const int64_t bands = layout.runs / together, most = columns_most(dy.argmax != nullptr);
  const int64_t tiles = (layout.run_length + most - 1) / most;
  const int64_t tiles_per_task = std::min<int64_t>(tiles, 8);
  const int64_t stretches = (tiles + tiles_per_task - 1) / tiles_per_task;
  team.run(bands * stretches * groups, [&](int64_t task) {
    const int64_t panel = task % groups * wide;
    const int64_t panels = std::min<int64_t>(wide, panel_count(outputs) - panel);
    const int64_t stretch = task / groups % stretches;
    const int64_t run = task / groups / stretches * together;
    const int64_t last = std::min(tiles, (stretch + 1) * tiles_per_task);
    for (int64_t tile = stretch * tiles_per_task; tile < last; ++tile) {
      const int64_t begin = layout.run_length * tile / tiles;
      const int64_t columns = layout.run_length * (tile + 1) / tiles - begin;
      gradient.tile(run, together, begin, columns, panel, panels);
    }
  });
}

// Adds up dy of one vector of outputs, of images in K shards at once: a sum waits for the one before it.
template <int K>
HWY_INLINE void add_gradients(const OutputGradient& dy, const int64_t (&images)[K], int64_t lines,
                              int64_t line_rows, int64_t stride, V (&sum)[K]) {
  const D d;
  const int64_t image_size = lines * line_rows * stride;
  for (int64_t line = 0; line < lines; ++line) {
    for (int half = 0; half < (dy.argmax ? 2 : 1); ++half) {  // the windows' upper pixels come first
      for (int64_t row = 0; row < line_rows; ++row) {
        unroll<K>([&](auto k) MUDRA_INLINE {
          const int64_t at = images[k] * image_size + (line * line_rows + row) * stride;
          V gradient = hn::Load(d, dy.values + at);
          if (dy.argmax) {
            const auto is_lower = hn::Ge(hn::LoadU(d, dy.argmax + at), hn::Set(d, Scalar{2}));
            gradient = half ? hn::IfThenElseZero(is_lower, gradient) : hn::IfThenZeroElse(is_lower, gradient);
          }
          sum[k] = hn::Add(sum[k], gradient);
        });
      }
    }
  }
}

void ColumnSums(const OutputGradient& dy, int64_t images, int64_t lines, int64_t line_rows, int64_t columns,
                const Shards& shards, const GradientSink& sink, Scalar* target) {
  const D d;
  const int64_t stride = padded(columns);
  const ShardBegins begins = shards.begins(images);
  int64_t least = images;  // what every shard has; one that is not at hand has none
  for (size_t shard = 0; shard < gradient_shards; ++shard) {
    least = std::min(least, begins[shard + 1] - begins[shard]);
  }
  for (int64_t first = 0; first < columns; first += lanes) {
    const OutputGradient here{dy.values + first, dy.argmax ? dy.argmax + first : nullptr};
    V sum[gradient_shards];
    unroll<gradient_shards>([&](auto shard) MUDRA_INLINE { sum[shard] = hn::Zero(d); });
    for (int64_t n = 0; n < least; ++n) {
      int64_t each[gradient_shards];
      for (size_t shard = 0; shard < gradient_shards; ++shard) each[shard] = begins[shard] + n;
      add_gradients(here, each, lines, line_rows, stride, sum);
    }
    unroll<gradient_shards>([&](auto shard) MUDRA_INLINE {
      V one[1] = {sum[shard]};
      for (int64_t n = begins[shard] + least; n < begins[shard + 1]; ++n) {
        add_gradients<1>(here, {n}, lines, line_rows, stride, one);
      }
      sum[shard] = one[0];
    });
    V total = hn::Zero(d);
    unroll<gradient_shards>([&](auto shard) MUDRA_INLINE { total = hn::Add(total, sum[shard]); });
    HWY_ALIGN Scalar sums[lanes];
    hn::Store(total, d, sums);
    for (int64_t c = 0; c < std::min<int64_t>(lanes, columns - first); ++c)
      sink.put(sums[c], target[first + c]);
  }
}

}  // namespace
}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mudra {

MUDRA_KERNEL(matmul_gradient, MatmulGradient);
MUDRA_KERNEL(column_sums, ColumnSums);

}  // namespace mudra
#endif
