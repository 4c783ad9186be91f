#include "mudra/simd/normalize.h"

#include <algorithm>
#include <cmath>

#include "mudra/simd/add.h"
#include "mudra/simd/kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mudra/simd/normalize.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "mudra/simd/columns-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace {

constexpr int64_t small = 8192;  // scalars that are not worth waking a second thread for

// Runs work(task) for every task, alone if all of them together are small.
template <class Work>
void run_tasks(ThreadTeam& team, int64_t tasks, int64_t scalars, const Work& work) {
  if (scalars > small) return team.run(tasks, work);
  for (int64_t task = 0; task < tasks; ++task) work(task);
}

// Calls work(first row, last row) for stretches of rows.
template <class Work>
void run_stretches(ThreadTeam& team, const PixelRows& size, const Work& work) {
  const int64_t stretch = std::max<int64_t>(1, small / size.columns);
  team.run((size.rows() + stretch - 1) / stretch,
           [&](int64_t task) { work(task * stretch, std::min(size.rows(), (task + 1) * stretch)); });
}

// Calls work(shard, first row, last row), shards being of the images.
template <class Work>
void run_shards(ThreadTeam& team, const PixelRows& size, const Shards& shards, const Work& work) {
  const ShardBegins begins = shards.begins(size.images);
  run_tasks(team, gradient_shards, size.rows() * size.columns, [&](int64_t shard) {
    const size_t s = static_cast<size_t>(shard);
    work(shard, begins[s] * size.rows_per_image, begins[s + 1] * size.rows_per_image);
  });
}

// out[c] = sum over rows [begin, end) of x, or of its squared distance from center[c].
template <bool Squares>
void SumRows(const Scalar* HWY_RESTRICT x, int64_t columns, int64_t begin, int64_t end,
             const Scalar* HWY_RESTRICT center, Scalar* HWY_RESTRICT out) {
  for_columns(columns, [&](auto d, auto vectors, int64_t c) HWY_ATTR {
    using V = hn::Vec<decltype(d)>;
    constexpr int count = decltype(vectors)::value;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    V sum[count];
    V middle[count];
    for (int v = 0; v < count; ++v) {
      sum[v] = hn::Zero(d);
      middle[v] = Squares ? hn::LoadU(d, center + c + v * lanes) : hn::Zero(d);
    }
    const Scalar* row = x + begin * columns + c;
    for (int64_t r = begin; r < end; ++r, row += columns) {
      for (int v = 0; v < count; ++v) {
        const V value = hn::LoadU(d, row + v * lanes);
        if (Squares) {
          const V distance = hn::Sub(value, middle[v]);
          sum[v] = hn::MulAdd(distance, distance, sum[v]);
        } else {
          sum[v] = hn::Add(sum[v], value);
        }
      }
    }
    for (int v = 0; v < count; ++v) hn::StoreU(sum[v], d, out + c + v * lanes);
  });
}

// Sums over the batch of x or, with a center, of its squared distance from center[c].
void SumColumns(ThreadTeam& team, const Scalar* x, const PixelRows& size, const Scalar* center,
                const Shards& shards, Scalar* partial, Scalar* sum) {
  run_shards(team, size, shards, [&](int64_t shard, int64_t begin, int64_t end) {
    (center ? SumRows<true> : SumRows<false>)(x, size.columns, begin, end, center,
                                              partial + shard * size.columns);
  });
  add_shards(partial, size.columns, sum);
}

void ScaleColumns(ThreadTeam& team, const Scalar* x, const PixelRows& size, const Scalar* mean,
                  const Scalar* scale, const Scalar* shift, ActivationKind activation, Scalar* y) {
  const int64_t columns = size.columns;
  run_stretches(team, size, [&](int64_t begin, int64_t end) {
    for_vectors(columns, [&](auto d, int64_t c) HWY_ATTR {
      const auto m = hn::LoadU(d, mean + c);
      const auto a = hn::LoadU(d, scale + c);
      const auto b = hn::LoadU(d, shift + c);
      for (int64_t at = begin * columns + c; at < end * columns; at += columns) {
        hn::StoreU(hn::MulAdd(hn::Sub(hn::LoadU(d, x + at), m), a, b), d, y + at);
      }
    });
    activate(activation, y + begin * columns, (end - begin) * columns, y + begin * columns);
  });
}

// sum[c] = sum over rows of dy;  product[c] = sum of dy times what centered(d, row, c, x) makes of x.
template <class Centered>
void SumGradients(const Scalar* HWY_RESTRICT x, const Scalar* HWY_RESTRICT dy, int64_t columns, int64_t begin,
                  int64_t end, const Centered& centered, Scalar* HWY_RESTRICT sum,
                  Scalar* HWY_RESTRICT product) {
  for_columns(columns, [&](auto d, auto vectors, int64_t c) HWY_ATTR {
    using V = hn::Vec<decltype(d)>;
    constexpr int count = decltype(vectors)::value;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    V sums[count], products[count];
    for (int v = 0; v < count; ++v) sums[v] = products[v] = hn::Zero(d);
    for (int64_t r = begin; r < end; ++r) {
      for (int v = 0; v < count; ++v) {
        const int64_t at = r * columns + c + v * lanes;
        const V gradient = hn::LoadU(d, dy + at);
        sums[v] = hn::Add(sums[v], gradient);
        products[v] = hn::MulAdd(gradient, centered(d, r, c + v * lanes, hn::LoadU(d, x + at)), products[v]);
      }
    }
    for (int v = 0; v < count; ++v) {
      hn::StoreU(sums[v], d, sum + c + v * lanes);
      hn::StoreU(products[v], d, product + c + v * lanes);
    }
  });
}

template <class Centered>
void ShardGradients(ThreadTeam& team, const Scalar* x, const Scalar* dy, const PixelRows& size,
                    const Shards& shards, const Centered& centered, Scalar* partial, Scalar* sum,
                    Scalar* product) {
  const int64_t columns = size.columns;
  Scalar* const products = partial + gradient_shards * columns;
  run_shards(team, size, shards, [&](int64_t shard, int64_t begin, int64_t end) {
    SumGradients(x, dy, columns, begin, end, centered, partial + shard * columns, products + shard * columns);
  });
  add_shards(partial, columns, sum);
  add_shards(products, columns, product);
}

void ColumnGradients(ThreadTeam& team, const Scalar* x, const Scalar* dy, const PixelRows& size,
                     const Scalar* mean, const Shards& shards, Scalar* partial, Scalar* sum,
                     Scalar* product) {
  const auto centered = [mean](auto d, int64_t, int64_t c, auto value)
                            HWY_ATTR { return hn::Sub(value, hn::LoadU(d, mean + c)); };
  ShardGradients(team, x, dy, size, shards, centered, partial, sum, product);
}

void ScaleColumnsBackward(ThreadTeam& team, const Scalar* x, const Scalar* dy, const PixelRows& size,
                          const Scalar* mean, const Scalar* scale, const Scalar* dy_mean,
                          const Scalar* correlation, Scalar* dx) {
  const int64_t columns = size.columns;
  run_stretches(team, size, [&](int64_t begin, int64_t end) {
    for_vectors(columns, [&](auto d, int64_t c) HWY_ATTR {
      const auto m = hn::LoadU(d, mean + c);
      const auto a = hn::LoadU(d, scale + c);
      const auto o = hn::LoadU(d, dy_mean + c);
      const auto t = hn::LoadU(d, correlation + c);
      for (int64_t at = begin * columns + c; at < end * columns; at += columns) {
        const auto gradient = hn::Sub(hn::LoadU(d, dy + at), o);
        const auto distance = hn::Sub(hn::LoadU(d, x + at), m);
        hn::StoreU(hn::Mul(a, hn::NegMulAdd(distance, t, gradient)), d, dx + at);
      }
    });
  });
}

constexpr int virtual_lanes = 16;

// sum over c of term: add(d, c, sum) adds the terms from column c on. Lane l takes columns l, l + 16, ...
template <class Add>
HWY_INLINE Scalar sum_along(int64_t columns, const Add& add) {
  using D = hn::CappedTag<Scalar, virtual_lanes>;
  constexpr int lanes = static_cast<int>(hn::MaxLanes(D()));
  constexpr int parts = virtual_lanes / lanes;
  const D d;
  const hn::CappedTag<Scalar, 1> one;
  hn::Vec<D> sum[parts];
  for (int p = 0; p < parts; ++p) sum[p] = hn::Zero(d);
  int64_t c = 0;
  for (; c + virtual_lanes <= columns; c += virtual_lanes) {
    for (int p = 0; p < parts; ++p) sum[p] = add(d, c + p * lanes, sum[p]);
  }
  HWY_ALIGN Scalar total[virtual_lanes];
  for (int p = 0; p < parts; ++p) hn::Store(sum[p], d, total + p * lanes);
  for (int l = 0; c < columns; ++c, ++l) total[l] = hn::GetLane(add(one, c, hn::Set(one, total[l])));
  for (int half = virtual_lanes / 2; half > 0; half /= 2) {
    for (int l = 0; l < half; ++l) total[l] += total[l + half];
  }
  return total[0];
}

void NormalizeRows(ThreadTeam& team, const Scalar* x, const PixelRows& size, Scalar epsilon,
                   const Scalar* weight, const Scalar* bias, ActivationKind activation, Scalar* mean,
                   Scalar* inverse, Scalar* y) {
  const int64_t columns = size.columns;
  const Scalar width = static_cast<Scalar>(columns);
  run_stretches(team, size, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const Scalar* from = x + r * columns;
      Scalar* to = y + r * columns;
      const Scalar middle =
          sum_along(columns, [&](auto d, int64_t c, auto sum)
                                 HWY_ATTR { return hn::Add(sum, hn::LoadU(d, from + c)); }) /
          width;
      const Scalar variance = sum_along(columns,
                                        [&](auto d, int64_t c, auto sum) HWY_ATTR {
                                          const auto distance =
                                              hn::Sub(hn::LoadU(d, from + c), hn::Set(d, middle));
                                          return hn::MulAdd(distance, distance, sum);
                                        }) /
                              width;
      const Scalar scale = 1 / std::sqrt(variance + epsilon);
      mean[r] = middle;
      inverse[r] = scale;
      for_vectors(columns, [&](auto d, int64_t c) HWY_ATTR {
        const auto h = hn::Mul(hn::Sub(hn::LoadU(d, from + c), hn::Set(d, middle)), hn::Set(d, scale));
        hn::StoreU(hn::MulAdd(h, hn::LoadU(d, weight + c), hn::LoadU(d, bias + c)), d, to + c);
      });
    }
    activate(activation, y + begin * columns, (end - begin) * columns, y + begin * columns);
  });
}

void NormalizeRowsBackward(ThreadTeam& team, const Scalar* x, const Scalar* dy, const PixelRows& size,
                           const Scalar* weight, const Scalar* mean, const Scalar* inverse, Scalar* dx) {
  const int64_t columns = size.columns;
  const Scalar width = static_cast<Scalar>(columns);
  run_stretches(team, size, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const Scalar* values = x + r * columns;
      const Scalar* gradients = dy + r * columns;
      const auto h = [&](auto d, int64_t c) HWY_ATTR {
        return hn::Mul(hn::Sub(hn::LoadU(d, values + c), hn::Set(d, mean[r])), hn::Set(d, inverse[r]));
      };
      const auto g = [&](auto d, int64_t c)
                         HWY_ATTR { return hn::Mul(hn::LoadU(d, gradients + c), hn::LoadU(d, weight + c)); };
      const Scalar g_mean =
          sum_along(columns, [&](auto d, int64_t c, auto sum) HWY_ATTR { return hn::Add(sum, g(d, c)); }) /
          width;
      const Scalar gh_mean = sum_along(columns, [&](auto d, int64_t c, auto sum)
                                                    HWY_ATTR { return hn::MulAdd(g(d, c), h(d, c), sum); }) /
                             width;
      for_vectors(columns, [&](auto d, int64_t c) HWY_ATTR {
        const auto rest = hn::NegMulAdd(h(d, c), hn::Set(d, gh_mean), hn::Sub(g(d, c), hn::Set(d, g_mean)));
        hn::StoreU(hn::Mul(hn::Set(d, inverse[r]), rest), d, dx + r * columns + c);
      });
    }
  });
}

void RowNormGradients(ThreadTeam& team, const Scalar* x, const Scalar* dy, const PixelRows& size,
                      const Scalar* mean, const Scalar* inverse, const Shards& shards, Scalar* partial,
                      Scalar* sum, Scalar* product) {
  const auto centered = [mean, inverse](auto d, int64_t r, int64_t, auto value) HWY_ATTR {
    return hn::Mul(hn::Sub(value, hn::Set(d, mean[r])), hn::Set(d, inverse[r]));
  };
  ShardGradients(team, x, dy, size, shards, centered, partial, sum, product);
}

void MeanOfRows(ThreadTeam& team, const Scalar* x, const PixelRows& size, Scalar* y) {
  const Scalar rows = static_cast<Scalar>(size.rows_per_image);
  run_tasks(team, size.images, size.rows() * size.columns, [&](int64_t n) {
    Scalar* to = y + n * size.columns;
    SumRows<false>(x, size.columns, n * size.rows_per_image, (n + 1) * size.rows_per_image, nullptr, to);
    for (int64_t c = 0; c < size.columns; ++c) to[c] /= rows;
  });
}

void MeanOfRowsBackward(ThreadTeam& team, const Scalar* dy, const PixelRows& size, Scalar* dx) {
  const Scalar rows = static_cast<Scalar>(size.rows_per_image);
  run_tasks(team, size.images, size.rows() * size.columns, [&](int64_t n) {
    Scalar* first = dx + n * size.rows_per_image * size.columns;
    for (int64_t c = 0; c < size.columns; ++c) first[c] = dy[n * size.columns + c] / rows;
    for (int64_t r = 1; r < size.rows_per_image; ++r)
      std::copy_n(first, size.columns, first + r * size.columns);
  });
}

}  // namespace
}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mudra {

MUDRA_KERNEL(sum_columns, SumColumns);
MUDRA_KERNEL(scale_columns, ScaleColumns);
MUDRA_KERNEL(column_gradients, ColumnGradients);
MUDRA_KERNEL(scale_columns_backward, ScaleColumnsBackward);
MUDRA_KERNEL(normalize_rows, NormalizeRows);
MUDRA_KERNEL(normalize_rows_backward, NormalizeRowsBackward);
MUDRA_KERNEL(row_norm_gradients, RowNormGradients);
MUDRA_KERNEL(mean_of_rows, MeanOfRows);
MUDRA_KERNEL(mean_of_rows_backward, MeanOfRowsBackward);

}  // namespace mudra
#endif
