#include "mudra/simd/matmul.h"

#include <algorithm>
#include <cmath>

#include "mudra/simd/panels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mudra/simd/matmul.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "mudra/simd/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace {

// Register tiles: rows x panels of accumulators, with a few registers left for the operands.
constexpr int accumulators = HWY_TARGET == HWY_NEON ? 24 : parts == 1 ? 28 : 12;
constexpr int wide = parts == 1 ? 2 : 1;  // panels taken together
constexpr int row_limit = std::max(1, accumulators / (wide * parts));
constexpr int columns_most = std::min(14, row_limit);

// y[r, o] for R consecutive rows and P panels.
template <int R, int P>
HWY_INLINE void forward_tile(const Scalar* HWY_RESTRICT x, const RowLayout& layout,
                             const Scalar* HWY_RESTRICT w, int64_t panel_stride, V (&sum)[R][P * parts]) {
  const D d;
  const int64_t stride = layout.row_stride;
  for (int r = 0; r < R; ++r) {
    for (int p = 0; p < P * parts; ++p) sum[r][p] = hn::Zero(d);
  }
  for (int64_t run = 0; run < layout.runs; ++run) {
    const Scalar* row = x + run * layout.run_stride;
    for (int64_t k = 0; k < layout.run_length; ++k, ++row, w += panel_width) {
      V weight[P * parts];
      for (int p = 0; p < P * parts; ++p) {
        weight[p] = hn::Load(d, w + p / parts * panel_stride + p % parts * lanes);
      }
      for (int r = 0; r < R; ++r) {
        const V value = hn::Set(d, row[r * stride]);
        for (int p = 0; p < P * parts; ++p) sum[r][p] = hn::MulAdd(value, weight[p], sum[r][p]);
      }
    }
  }
}

struct Forward {
  const RowLayout& layout;
  const Scalar* w;
  int64_t outputs;
  const Scalar* bias;
  ActivationKind activation;

  template <int R, int P>
  void tile(const Scalar* x, int64_t panel, Scalar* y) const {
    const D d;
    V sum[R][P * parts];
    const int64_t panel_stride = layout.depth() * panel_width;
    forward_tile<R, P>(x, layout, w + panel * panel_stride, panel_stride, sum);
    const int64_t first = panel * panel_width;
    const int64_t width = std::min<int64_t>(P * panel_width, outputs - first);
    for (int p = 0; p < P * parts; ++p) {
      const V b = bias ? hn::LoadU(d, bias + first + p * lanes) : hn::Zero(d);
      for (int r = 0; r < R; ++r) sum[r][p] = hn::Add(sum[r][p], b);
    }
    const V floor = hn::Zero(d);
    for (int r = 0; r < R; ++r) {
      Scalar* to = y + r * outputs + first;
      if (activation == ActivationKind::relu) {
        for (int p = 0; p < P * parts; ++p) {  // a NaN stays
          sum[r][p] = hn::IfThenElse(hn::Lt(sum[r][p], floor), floor, sum[r][p]);
        }
      }
      if (width == P * panel_width) {
        for (int p = 0; p < P * parts; ++p) hn::StoreU(sum[r][p], d, to + p * lanes);
      } else {
        HWY_ALIGN Scalar buffer[P * panel_width];
        for (int p = 0; p < P * parts; ++p) hn::Store(sum[r][p], d, buffer + p * lanes);
        std::copy_n(buffer, width, to);
      }
      if (activation != ActivationKind::relu && activation != ActivationKind::none) {
        activate(activation, to, width, to);
      }
    }
  }

  template <int P, int... R>
  void rows(int count, const Scalar* x, int64_t panel, Scalar* y, std::integer_sequence<int, R...>) const {
    (void)((count == R + 1 && (tile<R + 1, P>(x, panel, y), true)) || ...);
  }

  // All rows of one line, in tiles as equal as can be.
  template <int P>
  void line(const Scalar* x, int64_t rows_left, int64_t panel, Scalar* y) const {
    constexpr int limit = P == wide ? row_limit : row_limit * wide;
    constexpr int most = limit > 14 ? 14 : limit;
    for (int64_t tiles = (rows_left + most - 1) / most; tiles > 0; --tiles) {
      const int count = static_cast<int>(rows_left / tiles);
      rows<P>(count, x, panel, y, std::make_integer_sequence<int, most>());
      x += count * layout.row_stride;
      y += count * outputs;
      rows_left -= count;
    }
  }
};

void Matmul(ThreadTeam& team, const Scalar* x, const RowLayout& layout, const Scalar* w, int64_t outputs,
            const Scalar* bias, ActivationKind activation, Scalar* y) {
  // A matrix is one long line, whose tiles may then cross images.
  RowLayout rows = layout;
  if (rows.lines == 1 && rows.line_rows == 1) {
    rows.images = 1;
    rows.line_rows = layout.images;
    rows.row_stride = layout.image_stride;
  }
  const Forward forward{rows, w, outputs, bias, activation};
  const int64_t groups = (panel_count(outputs) + wide - 1) / wide;
  // A task is a stretch of lines, or for a matrix of rows, with one group of panels.
  const bool matrix = rows.images * rows.lines == 1;
  const int64_t units = matrix ? rows.line_rows : rows.images * rows.lines;
  const int64_t unit =
      std::max<int64_t>(1, matrix ? row_limit * 4 : (64 + rows.line_rows - 1) / rows.line_rows);
  const int64_t stretches = (units + unit - 1) / unit;
  team.run(stretches * groups, [&](int64_t task) {
    const int64_t panel = task % groups * wide;
    const int64_t begin = task / groups * unit;
    const int64_t end = std::min(units, begin + unit);
    const auto line = [&](const Scalar* from, int64_t count, Scalar* to) {
      if (wide == 2 && panel + 1 < panel_count(outputs)) {
        forward.line<wide>(from, count, panel, to);
      } else {
        forward.line<1>(from, count, panel, to);
      }
    };
    if (matrix) return line(x + begin * rows.row_stride, end - begin, y + begin * outputs);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t image = i / rows.lines;
      line(x + image * rows.image_stride + i % rows.lines * rows.line_stride, rows.line_rows,
           y + i * rows.line_rows * outputs);
    }
  });
}

// Lines of rows, all alike; a matrix is one long line.
struct Rows {
  const Scalar* x;   // the first row's first column
  const Scalar* dy;  // its slopes
  int64_t images, lines, line_rows;
  int64_t image_stride, line_stride, row_stride, run_stride, dy_stride;
};

// Adds to total [R * K][P * 16] the sum over rows of R runs of K neighbouring columns, times P panels of
// slopes. Alone in a function, the sums stay in registers.
template <int R, int K, int P>
HWY_NOINLINE void add_rows(const Rows& rows, bool is_first, Scalar* HWY_RESTRICT total) {
  const D d;
  V sum[R * K][P * parts];
  for (int i = 0; i < R * K; ++i) {
    for (int p = 0; p < P * parts; ++p) sum[i][p] = hn::Zero(d);
  }
  const Scalar* g = rows.dy;
  const int64_t dy_stride = rows.dy_stride;
  const int64_t row_stride = rows.row_stride;
  const int64_t run_stride = rows.run_stride;
  for (int64_t image = 0; image < rows.images; ++image) {
    for (int64_t line = 0; line < rows.lines; ++line) {
      const Scalar* value = rows.x + image * rows.image_stride + line * rows.line_stride;
      for (int64_t row = 0; row < rows.line_rows; ++row, value += row_stride, g += dy_stride) {
        V slopes[P * parts];
        for (int p = 0; p < P * parts; ++p) slopes[p] = hn::Load(d, g + p * lanes);
        for (int i = 0; i < R * K; ++i) {
          const V v = hn::Set(d, value[i / K * run_stride + i % K]);
          for (int p = 0; p < P * parts; ++p) sum[i][p] = hn::MulAdd(v, slopes[p], sum[i][p]);
        }
      }
    }
  }
  for (int i = 0; i < R * K; ++i) {
    for (int p = 0; p < P * parts; ++p) {
      Scalar* at = total + (i * P * parts + p) * lanes;
      hn::Store(is_first ? sum[i][p] : hn::Add(hn::Load(d, at), sum[i][p]), d, at);
    }
  }
}

struct Gradient {
  const Scalar* x;
  const RowLayout& layout;
  const Scalar* dy;
  int64_t dy_stride;
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
    for (int shard = 0; shard < gradient_shards; ++shard) {
      const int64_t begin = shard_begin(layout.images, shard);
      const int64_t count = shard_begin(layout.images, shard + 1) - begin;
      if (count == 0) continue;
      const Rows rows{x + begin * layout.image_stride + run * layout.run_stride + k,
                      dy + begin * layout.lines * layout.line_rows * dy_stride + panel * panel_width,
                      count,
                      layout.lines,
                      layout.line_rows,
                      layout.image_stride,
                      layout.line_stride,
                      layout.row_stride,
                      layout.run_stride,
                      dy_stride};
      add_rows<R, K, P>(rows, is_first, total);
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
    const V rate = hn::Set(d, sink.rate);
    const int64_t panel = layout.depth() * panel_width, run = layout.run_length * panel_width;
    const auto each = [&](auto value) MUDRA_INLINE {
      unroll<R * K * P * parts>([&](auto n) MUDRA_INLINE {
        constexpr int i = n / (P * parts), p = n % (P * parts);
        Scalar* at = to + p / parts * panel + i / K * run + (i % K * panel_width + p % parts * lanes);
        hn::Store(value(hn::Load(d, total + n * lanes), at), d, at);
      });
    };
    if (sink.descend) {
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

void MatmulGradient(ThreadTeam& team, const Scalar* x, const RowLayout& layout, const Scalar* dy,
                    int64_t outputs, const GradientSink& sink, Scalar* target) {
  const Gradient gradient{x, layout, dy, padded(outputs), sink, target};
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

}  // namespace
}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mudra {

HWY_EXPORT(Matmul);
HWY_EXPORT(MatmulGradient);

void matmul(ThreadTeam& team, const Scalar* x, const RowLayout& layout, const Scalar* w, int64_t outputs,
            const Scalar* bias, ActivationKind activation, Scalar* y) {
  HWY_DYNAMIC_DISPATCH(Matmul)(team, x, layout, w, outputs, bias, activation, y);
}

void matmul_gradient(ThreadTeam& team, const Scalar* x, const RowLayout& layout, const Scalar* dy,
                     int64_t outputs, const GradientSink& sink, Scalar* target) {
  HWY_DYNAMIC_DISPATCH(MatmulGradient)(team, x, layout, dy, outputs, sink, target);
}

void column_sums(const Scalar* dy, int64_t images, int64_t rows_per_image, int64_t columns,
                 const GradientSink& sink, Scalar* target) {
  const int64_t stride = padded(columns);
  for (int64_t first = 0; first < columns; first += panel_width) {
    Scalar total[panel_width] = {};
    for (int shard = 0; shard < gradient_shards; ++shard) {
      Scalar sum[panel_width] = {};
      const int64_t end = shard_begin(images, shard + 1) * rows_per_image;
      for (int64_t row = shard_begin(images, shard) * rows_per_image; row < end; ++row) {
        for (int64_t c = 0; c < panel_width; ++c) sum[c] += dy[row * stride + first + c];
      }
      for (int64_t c = 0; c < panel_width; ++c) total[c] += sum[c];
    }
    for (int64_t c = 0; c < std::min(panel_width, columns - first); ++c) {
      Scalar& to = target[first + c];
      to = sink.descend ? std::fma(-sink.rate, total[c], to) : total[c];
    }
  }
}

}  // namespace mudra
#endif
