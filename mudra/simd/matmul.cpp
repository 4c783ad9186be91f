#include "mudra/simd/matmul.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "mudra/simd/panels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mudra/simd/matmul.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<Scalar, 16>;
using V = hn::Vec<D>;
constexpr int lanes = static_cast<int>(hn::MaxLanes(D()));
constexpr int parts = static_cast<int>(panel_width) / lanes;  // vectors in a panel

// Register tiles: rows x panels of accumulators, with a few registers left for the operands.
constexpr int accumulators = HWY_TARGET == HWY_NEON ? 24 : parts == 1 ? 28 : 12;
constexpr int wide = parts == 1 ? 2 : 1;  // panels taken together
constexpr int row_limit = accumulators / (wide * parts) > 0 ? accumulators / (wide * parts) : 1;
constexpr int column_limit = row_limit > 1 ? row_limit / 2 - (row_limit > 12 ? 1 : 0) : 1;

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
  const int64_t unit = std::max<int64_t>(1, matrix ? row_limit * 4 : (64 + rows.line_rows - 1) / rows.line_rows);
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

struct Gradient {
  const Scalar* x;
  const RowLayout& layout;
  const Scalar* dy;
  int64_t dy_stride;
  GradientSink sink;
  Scalar* target;

  // K neighbouring inputs of one run, P panels.
  template <int K, int P>
  void tile(int64_t run, int64_t k, int64_t panel) const {
    const D d;
    V total[K][P * parts];
    for (int i = 0; i < K; ++i) {
      for (int p = 0; p < P * parts; ++p) total[i][p] = hn::Zero(d);
    }
    const Scalar* column = x + run * layout.run_stride + k;
    const Scalar* slope = dy + panel * panel_width;
    for (int shard = 0; shard < gradient_shards; ++shard) {
      const int64_t begin = shard_begin(layout.images, shard);
      const int64_t end = shard_begin(layout.images, shard + 1);
      if (begin == end) continue;
      V sum[K][P * parts];
      for (int i = 0; i < K; ++i) {
        for (int p = 0; p < P * parts; ++p) sum[i][p] = hn::Zero(d);
      }
      const Scalar* g = slope + begin * layout.lines * layout.line_rows * dy_stride;
      const auto add_line = [&](const Scalar* value, int64_t rows, int64_t stride) {
        for (; rows > 0; --rows, value += stride, g += dy_stride) {
          for (int p = 0; p < P * parts; ++p) {
            const V slopes = hn::Load(d, g + p * lanes);
            for (int i = 0; i < K; ++i) sum[i][p] = hn::MulAdd(hn::Set(d, value[i]), slopes, sum[i][p]);
          }
        }
      };
      if (layout.lines * layout.line_rows == 1) {
        add_line(column + begin * layout.image_stride, end - begin, layout.image_stride);
      } else {
        for (int64_t image = begin; image < end; ++image) {
          const Scalar* value = column + image * layout.image_stride;
          for (int64_t line = 0; line < layout.lines; ++line, value += layout.line_stride) {
            add_line(value, layout.line_rows, layout.row_stride);
          }
        }
      }
      for (int i = 0; i < K; ++i) {
        for (int p = 0; p < P * parts; ++p) total[i][p] = hn::Add(total[i][p], sum[i][p]);
      }
    }
    const V rate = hn::Set(d, sink.rate);
    for (int p = 0; p < P * parts; ++p) {
      Scalar* to = target + ((panel + p / parts) * layout.depth() + run * layout.run_length + k) * panel_width +
                   p % parts * lanes;
      for (int i = 0; i < K; ++i, to += panel_width) {
        hn::Store(sink.descend ? hn::NegMulAdd(rate, total[i][p], hn::Load(d, to)) : total[i][p], d, to);
      }
    }
  }

  template <int P, int... K>
  void columns(int count, int64_t run, int64_t k, int64_t panel, std::integer_sequence<int, K...>) const {
    (void)((count == K + 1 && (tile<K + 1, P>(run, k, panel), true)) || ...);
  }
};

void MatmulGradient(ThreadTeam& team, const Scalar* x, const RowLayout& layout, const Scalar* dy,
                    int64_t outputs, const GradientSink& sink, Scalar* target) {
  const Gradient gradient{x, layout, dy, padded(outputs), sink, target};
  const int64_t groups = (panel_count(outputs) + wide - 1) / wide;
  const int64_t tiles = (layout.run_length + column_limit - 1) / column_limit;
  const int64_t tiles_per_task = std::max<int64_t>(1, std::min<int64_t>(tiles, 16));
  const int64_t stretches = (tiles + tiles_per_task - 1) / tiles_per_task;
  team.run(layout.runs * stretches * groups, [&](int64_t task) {
    const int64_t panel = task % groups * wide;
    const int64_t stretch = task / groups % stretches;
    const int64_t run = task / groups / stretches;
    const int64_t last = std::min(tiles, (stretch + 1) * tiles_per_task);
    for (int64_t tile = stretch * tiles_per_task; tile < last; ++tile) {
      const int64_t begin = layout.run_length * tile / tiles;
      const int count = static_cast<int>(layout.run_length * (tile + 1) / tiles - begin);
      constexpr auto sizes = std::make_integer_sequence<int, column_limit>();
      if (wide == 2 && panel + 1 < panel_count(outputs)) {
        gradient.columns<wide>(count, run, begin, panel, sizes);
      } else {
        gradient.columns<1>(count, run, begin, panel, sizes);
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
