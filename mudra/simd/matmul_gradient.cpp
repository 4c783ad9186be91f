// matmul_gradient of lines of rows, such as a convolution's, and column_sums.
#include <algorithm>
#include <cmath>

#include "mudra/simd/matmul.h"
#include "mudra/simd/panels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mudra/simd/matmul_gradient.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "mudra/simd/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace {

constexpr int columns_most = most_rows(wide);

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

struct Gradient {
  const Scalar* x;
  const RowLayout& layout;
  OutputGradient dy;
  int64_t dy_stride;
  ShardBegins begins;  // of the shards
  GradientSink sink;
  Scalar* target;

  template <int R, int K, int P>
  void tile(int64_t run, int64_t k, int64_t panel) const {
    Scalar* to = target + (panel * layout.depth() + run * layout.run_length + k) * panel_width;
    for (int i = 0; i < R * K; ++i) {  // wanted when the sums are done
      for (int p = 0; p < P * parts; p += parts) __builtin_prefetch(to + offset<K>(i, p), 1);
    }
    HWY_ALIGN Scalar total[R * K * P * panel_width];
    bool is_first = true;
    const int64_t factor = dy.argmax ? 2 : 1;
    const int64_t dy_image = layout.lines / factor * (layout.line_rows / factor) * dy_stride;
    for (size_t shard = 0; shard < gradient_shards; ++shard) {
      const int64_t begin = begins[shard], count = begins[shard + 1] - begin;
      if (count == 0) continue;
      const int64_t at = begin * dy_image + panel * panel_width;
      const Scalar* from = x + begin * layout.image_stride + run * layout.run_stride + k;
      const OutputGradient here{dy.values + at, dy.argmax ? dy.argmax + at : nullptr};
      const Rows rows{from, here, count, layout, dy_stride};
      if (dy.argmax) {
        add_rows<R, K, P, true>(rows, is_first, total);
      } else {
        add_rows<R, K, P, false>(rows, is_first, total);
      }
      is_first = false;
    }
    finish<R, K, P>(total, to);
  }

  // Where column i, vector p of a tile lies in the target.
  template <int K>
  int64_t offset(int i, int p) const {
    return (p / parts * layout.depth() + i / K * layout.run_length + i % K) * panel_width + p % parts * lanes;
  }

  template <int R, int K, int P>
  HWY_INLINE void finish(const Scalar* HWY_RESTRICT total, Scalar* HWY_RESTRICT to) const {
    const D d;
    const V rate = hn::Set(d, sink.rate());
    const int64_t panel = layout.depth() * panel_width, run = layout.run_length * panel_width;
    const auto each = [&](auto value) MUDRA_INLINE {
      unroll<R * K * P * parts>([&](auto n) MUDRA_INLINE {
        constexpr int i = n / (P * parts), p = n % (P * parts);
        Scalar* at = to + p / parts * panel + i / K * run + (i % K * panel_width + p % parts * lanes);
        hn::Store(value(hn::Load(d, total + n * lanes), at), d, at);
      });
    };
    if (sink.descends()) {
      each([&](V sum, const Scalar* at) MUDRA_INLINE { return hn::NegMulAdd(rate, sum, hn::Load(d, at)); });
    } else {
      each([](V sum, const Scalar*) MUDRA_INLINE { return sum; });
    }
  }

  template <int R, int P, int... K>
  void columns(int count, int64_t run, int64_t k, int64_t panel, std::integer_sequence<int, K...>) const {
    (void)((count == K + 1 && (tile<R, K + 1, P>(run, k, panel), true)) || ...);
  }

  template <int P>
  void runs(int run_count, int count, int64_t run, int64_t k, int64_t panel) const {
    constexpr auto narrow = std::make_integer_sequence<int, std::max(1, columns_most / 3)>();
    if (run_count == 3) return columns<3, P>(count, run, k, panel, narrow);
    if (run_count == 2) return columns<2, P>(count, run, k, panel, narrow);
    columns<1, P>(count, run, k, panel, std::make_integer_sequence<int, columns_most>());
  }
};

void MatmulGradient(ThreadTeam& team, const Scalar* x, const RowLayout& layout, const OutputGradient& dy,
                    int64_t outputs, const Shards& shards, const GradientSink& sink, Scalar* target) {
  const Gradient gradient{x, layout, dy, padded(outputs), shards.begins(layout.images), sink, target};
  const int64_t groups = (panel_count(outputs) + wide - 1) / wide;
  // Short runs are taken two or three together, long ones in stretches of columns.
  const int most = columns_most;
  const int64_t together = layout.run_length <= most / 3 ? std::min<int64_t>(3, layout.runs) : 1;
  const int64_t bands = (layout.runs + together - 1) / together;
  const int64_t tiles = together > 1 ? 1 : (layout.run_length + most - 1) / most;
  const int64_t tiles_per_task = std::min<int64_t>(tiles, 8);
  const int64_t stretches = (tiles + tiles_per_task - 1) / tiles_per_task;
  team.run(bands * stretches * groups, [&](int64_t task) {
    const int64_t panel = task % groups * wide;
    const int64_t stretch = task / groups % stretches;
    const int64_t run = task / groups / stretches * together;
    const int run_count = static_cast<int>(std::min(together, layout.runs - run));
    const int64_t last = std::min(tiles, (stretch + 1) * tiles_per_task);
    for (int64_t tile = stretch * tiles_per_task; tile < last; ++tile) {
      const int64_t begin = layout.run_length * tile / tiles;
      const int count = static_cast<int>(layout.run_length * (tile + 1) / tiles - begin);
      if (wide == 2 && panel + 1 < panel_count(outputs)) {
        gradient.runs<wide>(run_count, count, run, begin, panel);
      } else {
        gradient.runs<1>(run_count, count, run, begin, panel);
      }
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
    for (int64_t c = 0; c < std::min<int64_t>(lanes, columns - first); ++c) {
      Scalar& to = target[first + c];
      to = sink.descends() ? std::fma(-sink.rate(), sums[c], to) : sums[c];
    }
  }
}

}  // namespace
}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mudra {

HWY_EXPORT(MatmulGradient);
HWY_EXPORT(ColumnSums);

void matmul_gradient(ThreadTeam& team, const Scalar* x, const RowLayout& layout, const OutputGradient& dy,
                     int64_t outputs, const Shards& shards, const GradientSink& sink, Scalar* target) {
  HWY_DYNAMIC_DISPATCH(MatmulGradient)(team, x, layout, dy, outputs, shards, sink, target);
}

void column_sums(const OutputGradient& dy, int64_t images, int64_t lines, int64_t line_rows, int64_t columns,
                 const Shards& shards, const GradientSink& sink, Scalar* target) {
  HWY_DYNAMIC_DISPATCH(ColumnSums)(dy, images, lines, line_rows, columns, shards, sink, target);
}

}  // namespace mudra
#endif
