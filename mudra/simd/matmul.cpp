#include "mudra/simd/matmul.h"

#include <algorithm>

#include "mudra/simd/kernel.h"
#include "mudra/simd/panels.h"
#include "mudra/simd/pool.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mudra/simd/matmul.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "mudra/simd/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace {

struct Forward {
  const RowLayout& layout;
  const Scalar* w;
  int64_t outputs;
  const Scalar* bias;
  ActivationKind activation;

  template <int R, int P>
  void tile(const Scalar* x, int64_t panel, Scalar* y) const {
    const D d;
    constexpr int vectors = P * parts;
    V sum[R * vectors];
    const int64_t panel_stride = layout.depth() * panel_width;
    product_tile<R, P>(x, layout, w + panel * panel_stride, panel_stride, sum);
    const int64_t first = panel * panel_width, stride = outputs;
    const int64_t width = std::min<int64_t>(P * panel_width, outputs - first);
    y += first;
    V b[vectors];  // without a bias zero: a sum of -0 becomes 0, too
    unroll<vectors>([&](auto p)
                        MUDRA_INLINE { b[p] = bias ? hn::LoadU(d, bias + first + p * lanes) : hn::Zero(d); });
    unroll<R * vectors>([&](auto i) MUDRA_INLINE { sum[i] = hn::Add(sum[i], b[i % vectors]); });
    if (activation == ActivationKind::relu) {
      const V floor = hn::Zero(d);
      unroll<R * vectors>([&](auto i) MUDRA_INLINE {  // a NaN stays
        sum[i] = hn::IfThenElse(hn::Lt(sum[i], floor), floor, sum[i]);
      });
    }
    if (width == P * panel_width) {
      unroll<R * vectors>([&](auto i) MUDRA_INLINE {
        hn::StoreU(sum[i], d, y + i / vectors * stride + i % vectors * lanes);
      });
    } else {
      HWY_ALIGN Scalar buffer[R * P * panel_width];
      unroll<R * vectors>([&](auto i) MUDRA_INLINE { hn::Store(sum[i], d, buffer + i * lanes); });
      for (int r = 0; r < R; ++r) std::copy_n(buffer + r * P * panel_width, width, y + r * stride);
    }
    if (activation != ActivationKind::relu && activation != ActivationKind::none) {
      for (int r = 0; r < R; ++r) activate(activation, y + r * stride, width, y + r * stride);
    }
  }

  // Rows of one line for `wide` panels or, at the end, fewer.
  void line(const Scalar* x, int64_t rows, int64_t panel, Scalar* y) const {
    with_constant<wide>(std::min<int64_t>(wide, panel_count(outputs) - panel), [&](auto p) MUDRA_INLINE {
      for_tiles<p>(rows, [&](auto r, int64_t first) MUDRA_INLINE {
        tile<r, p>(x + first * layout.row_stride, panel, y + first * outputs);
      });
    });
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
      std::max<int64_t>(1, matrix ? most_rows(wide) * 4 : (64 + rows.line_rows - 1) / rows.line_rows);
  const int64_t stretches = (units + unit - 1) / unit;
  team.run(stretches * groups, [&](int64_t task) {
    const int64_t panel = task % groups * wide;
    const int64_t begin = task / groups * unit;
    const int64_t end = std::min(units, begin + unit);
    if (matrix) return forward.line(x + begin * rows.row_stride, end - begin, panel, y + begin * outputs);
    for (int64_t i = begin; i < end; ++i) {
      forward.line(x + i / rows.lines * rows.image_stride + i % rows.lines * rows.line_stride, rows.line_rows,
                   panel, y + i * rows.line_rows * outputs);
    }
  });
}

// Two lines at a time, which stay in the cache until they are pooled.
void MatmulPooled(ThreadTeam& team, const Scalar* x, const RowLayout& layout, const Scalar* w,
                  int64_t outputs, const Scalar* bias, ActivationKind activation, Scalar* y, Scalar* argmax) {
  const Forward forward{layout, w, outputs, bias, activation};
  const int64_t line = layout.line_rows * outputs, lines = layout.lines / 2, columns = layout.line_rows / 2;
  const PoolShape pool{2, layout.line_rows, outputs, 2, 2, 2, 1, columns};
  const int64_t unit = std::max<int64_t>(1, 32 / layout.line_rows), tasks = (lines + unit - 1) / unit;
  team.run(layout.images * tasks, [&](int64_t task) {
    HWY_ALIGN Scalar values[pooled_space];
    const int64_t image = task / tasks, begin = task % tasks * unit, end = std::min(lines, begin + unit);
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t u = 0; u < 2; ++u) {
        const Scalar* from = x + image * layout.image_stride + (2 * i + u) * layout.line_stride;
        for (int64_t panel = 0; panel < panel_count(outputs); panel += wide) {
          forward.line(from, layout.line_rows, panel, values + u * line);
        }
      }
      const int64_t at = (image * lines + i) * columns * outputs;
      max_pool(pool, values, y + at, argmax ? argmax + at : nullptr);
    }
  });
}

}  // namespace
}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mudra {

MUDRA_KERNEL(matmul, Matmul);
MUDRA_KERNEL(matmul_pooled, MatmulPooled);

}  // namespace mudra
#endif
