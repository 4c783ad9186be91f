#include "mudra/simd/plain.h"

#include <algorithm>
#include <cmath>

#include "mudra/simd/panels.h"

namespace mudra::plain {
namespace {

// A sum over a batch: add(n, sum) adds the terms of image n to a shard's sum.
template <class Add>
Scalar sum_over_batch(int64_t images, const Add& add) {
  Scalar total = 0;
  for (int64_t shard = 0; shard < 8; ++shard) {
    Scalar sum = 0;
    for (int64_t n = images * shard / 8; n < images * (shard + 1) / 8; ++n) add(n, sum);
    total += sum;
  }
  return total;
}

// A sum along a row of so many columns: add(c, sum) adds the term of column c.
template <class Add>
Scalar sum_along_row(int64_t columns, const Add& add) {
  Scalar sums[16] = {};
  for (int64_t c = 0; c < columns; ++c) add(c, sums[c % 16]);
  for (int half = 8; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
  }
  return sums[0];
}

// Where row r of a product's left side begins, and where its column k lies from there.
int64_t row_offset(const RowLayout& layout, int64_t r) {
  const int64_t row = r % layout.line_rows, line = r / layout.line_rows % layout.lines;
  const int64_t image = r / layout.line_rows / layout.lines;
  return image * layout.image_stride + line * layout.line_stride + row * layout.row_stride;
}
int64_t column_offset(const RowLayout& layout, int64_t k) {
  return k / layout.run_length * layout.run_stride + k % layout.run_length;
}

// Value (n, i, j, c) of images of channels last.
int64_t pixel(int64_t height, int64_t width, int64_t channels, int64_t n, int64_t i, int64_t j, int64_t c) {
  return ((n * height + i) * width + j) * channels + c;
}

// Calls visit(window, c, number, at) for every pixel of every window: `number` in the window, `at` in x.
template <class Visit>
void for_each_pixel(const PoolShape& s, const Visit& visit) {
  for (int64_t i = 0; i < s.out_height; ++i) {
    for (int64_t j = 0; j < s.out_width; ++j) {
      for (int64_t c = 0; c < s.channels; ++c) {
        for (int64_t u = 0; u < s.window_height; ++u) {
          for (int64_t v = 0; v < s.window_width; ++v) {
            visit((i * s.out_width + j) * s.channels + c, u * s.window_width + v,
                  ((i * s.stride + u) * s.width + j * s.stride + v) * s.channels + c);
          }
        }
      }
    }
  }
}

}  // namespace

void matmul(const Scalar* x, const RowLayout& layout, const Scalar* w, int64_t outputs, const Scalar* bias,
            Scalar* y) {
  for (int64_t n = 0; n < layout.rows(); ++n) {
    for (int64_t o = 0; o < outputs; ++o) {
      Scalar sum = 0;
      for (int64_t k = 0; k < layout.depth(); ++k) {
        const Scalar value = x[row_offset(layout, n) + column_offset(layout, k)];
        sum = std::fma(value, w[panel_index(k, o, layout.depth())], sum);
      }
      y[n * outputs + o] = sum + (bias ? bias[o] : 0);
    }
  }
}

void matmul_gradient(const Scalar* x, const RowLayout& layout, const Scalar* dy, int64_t outputs,
                     Scalar* gradient) {
  const int64_t rows_per_image = layout.lines * layout.line_rows;
  for (int64_t o = 0; o < padded(outputs); ++o) {
    for (int64_t k = 0; k < layout.depth(); ++k) {
      gradient[panel_index(k, o, layout.depth())] =
          sum_over_batch(layout.images, [&](int64_t image, Scalar& sum) {
            for (int64_t n = image * rows_per_image; n < (image + 1) * rows_per_image; ++n) {
              const Scalar value = x[row_offset(layout, n) + column_offset(layout, k)];
              sum = std::fma(value, dy[n * padded(outputs) + o], sum);
            }
          });
    }
  }
}

void column_sums(const Scalar* dy, int64_t images, int64_t rows_per_image, int64_t columns,
                 Scalar* gradient) {
  for (int64_t o = 0; o < columns; ++o) {
    gradient[o] = sum_over_batch(images, [&](int64_t image, Scalar& sum) {
      for (int64_t n = image * rows_per_image; n < (image + 1) * rows_per_image; ++n) {
        sum += dy[n * padded(columns) + o];
      }
    });
  }
}

void convolution(const ConvShape& s, const Scalar* x, const Scalar* w, const Scalar* bias, Scalar* y) {
  const int64_t depth = s.taps() * s.channels;
  for (int64_t n = 0; n < s.images; ++n) {
    for (int64_t i = 0; i < s.out_height; ++i) {
      for (int64_t j = 0; j < s.out_width; ++j) {
        for (int64_t o = 0; o < s.outputs; ++o) {
          Scalar sum = 0;
          for (int64_t u = 0; u < s.kernel_height; ++u) {
            for (int64_t v = 0; v < s.kernel_width; ++v) {
              for (int64_t c = 0; c < s.channels; ++c) {
                const int64_t at =
                    pixel(s.height, s.width, s.channels, n, i * s.stride + u, j * s.stride + v, c);
                const int64_t k = (u * s.kernel_width + v) * s.channels + c;
                sum = std::fma(x[at], w[panel_index(k, o, depth)], sum);
              }
            }
          }
          y[pixel(s.out_height, s.out_width, s.outputs, n, i, j, o)] = sum + (bias ? bias[o] : 0);
        }
      }
    }
  }
}

void convolution_dx(const ConvShape& s, const Scalar* dy, const Scalar* w, Scalar* dx) {
  const int64_t depth = s.taps() * s.channels;
  const int64_t height = s.height - 2 * s.pad_height, width = s.width - 2 * s.pad_width;
  for (int64_t n = 0; n < s.images; ++n) {
    for (int64_t row = 0; row < height; ++row) {
      for (int64_t column = 0; column < width; ++column) {
        for (int64_t c = 0; c < s.channels; ++c) {
          Scalar sum = 0;
          for (int64_t i = 0; i < s.out_height; ++i) {
            for (int64_t j = 0; j < s.out_width; ++j) {
              const int64_t u = row + s.pad_height - i * s.stride, v = column + s.pad_width - j * s.stride;
              if (u < 0 || u >= s.kernel_height || v < 0 || v >= s.kernel_width) continue;
              const int64_t k = (u * s.kernel_width + v) * s.channels + c;
              for (int64_t o = 0; o < s.outputs; ++o) {
                const Scalar gradient = dy[pixel(s.out_height, s.out_width, padded(s.outputs), n, i, j, o)];
                sum = std::fma(gradient, w[panel_index(k, o, depth)], sum);
              }
            }
          }
          dx[pixel(height, width, s.channels, n, row, column, c)] = sum;
        }
      }
    }
  }
}

void convolution_dw(const ConvShape& s, const Scalar* x, const Scalar* dy, Scalar* dw) {
  const int64_t depth = s.taps() * s.channels;
  for (int64_t o = 0; o < padded(s.outputs); ++o) {
    for (int64_t u = 0; u < s.kernel_height; ++u) {
      for (int64_t v = 0; v < s.kernel_width; ++v) {
        for (int64_t c = 0; c < s.channels; ++c) {
          const int64_t k = (u * s.kernel_width + v) * s.channels + c;
          dw[panel_index(k, o, depth)] = sum_over_batch(s.images, [&](int64_t n, Scalar& sum) {
            for (int64_t i = 0; i < s.out_height; ++i) {
              for (int64_t j = 0; j < s.out_width; ++j) {
                const int64_t at =
                    pixel(s.height, s.width, s.channels, n, i * s.stride + u, j * s.stride + v, c);
                const Scalar gradient = dy[pixel(s.out_height, s.out_width, padded(s.outputs), n, i, j, o)];
                sum = std::fma(x[at], gradient, sum);
              }
            }
          });
        }
      }
    }
  }
}

void depthwise(const ConvShape& s, const Scalar* x, const Scalar* w, const Scalar* bias, Scalar* y) {
  for (int64_t n = 0; n < s.images; ++n) {
    for (int64_t i = 0; i < s.out_height; ++i) {
      for (int64_t j = 0; j < s.out_width; ++j) {
        for (int64_t c = 0; c < s.channels; ++c) {
          Scalar sum = 0;
          for (int64_t u = 0; u < s.kernel_height; ++u) {
            for (int64_t v = 0; v < s.kernel_width; ++v) {
              const int64_t at =
                  pixel(s.height, s.width, s.channels, n, i * s.stride + u, j * s.stride + v, c);
              sum = std::fma(x[at], w[panel_index(u * s.kernel_width + v, c, s.taps())], sum);
            }
          }
          y[pixel(s.out_height, s.out_width, s.channels, n, i, j, c)] = sum + (bias ? bias[c] : 0);
        }
      }
    }
  }
}

void depthwise_gradient(const ConvShape& s, const Scalar* x, const Scalar* dy, Scalar* dw) {
  for (int64_t c = 0; c < s.channels; ++c) {
    for (int64_t u = 0; u < s.kernel_height; ++u) {
      for (int64_t v = 0; v < s.kernel_width; ++v) {
        dw[panel_index(u * s.kernel_width + v, c, s.taps())] =
            sum_over_batch(s.images, [&](int64_t n, Scalar& sum) {
              for (int64_t i = 0; i < s.out_height; ++i) {
                for (int64_t j = 0; j < s.out_width; ++j) {
                  const int64_t at =
                      pixel(s.height, s.width, s.channels, n, i * s.stride + u, j * s.stride + v, c);
                  sum = std::fma(x[at], dy[pixel(s.out_height, s.out_width, s.channels, n, i, j, c)], sum);
                }
              }
            });
      }
    }
  }
}

void max_pool(const PoolShape& s, const Scalar* x, Scalar* y, Scalar* argmax) {
  for_each_pixel(s, [&](int64_t window, int64_t number, int64_t at) {
    if (number > 0 && x[at] <= y[window]) return;
    y[window] = x[at];
    argmax[window] = static_cast<Scalar>(number);
  });
}

void max_pool_backward(const PoolShape& s, const Scalar* argmax, const Scalar* dy, Scalar* dx) {
  std::fill_n(dx, s.x_size(), Scalar{0});
  for_each_pixel(s, [&](int64_t window, int64_t number, int64_t at) {
    if (argmax[window] == static_cast<Scalar>(number)) dx[at] += dy[window];
  });
}

void average_pool(const PoolShape& s, const Scalar* x, Scalar* y) {
  std::fill_n(y, s.y_size(), Scalar{0});
  for_each_pixel(s, [&](int64_t window, int64_t, int64_t at) { y[window] += x[at]; });
  const Scalar share = Scalar{1} / static_cast<Scalar>(s.window_height * s.window_width);
  for (int64_t window = 0; window < s.y_size(); ++window) y[window] *= share;
}

void average_pool_backward(const PoolShape& s, const Scalar* dy, Scalar* dx) {
  const Scalar share = Scalar{1} / static_cast<Scalar>(s.window_height * s.window_width);
  std::fill_n(dx, s.x_size(), Scalar{0});
  for_each_pixel(s, [&](int64_t window, int64_t, int64_t at) { dx[at] += dy[window] * share; });
}

long double activation(ActivationKind kind, long double x) {
  switch (kind) {
    case ActivationKind::none:
      return x;
    case ActivationKind::sigmoid:
      return 1 / (1 + std::exp(-x));
    case ActivationKind::tanh:
      return std::tanh(x);
    case ActivationKind::relu:
      return std::max(x, 0.0L);
    case ActivationKind::leaky_relu:
      return x < 0 ? 0.01L * x : x;
    case ActivationKind::gelu:
      return x * std::erfc(-x / std::sqrt(2.0L)) / 2;
    case ActivationKind::silu:
      return x / (1 + std::exp(-x));
    case ActivationKind::hard_swish:
      return x * std::clamp(x + 3, 0.0L, 6.0L) / 6;
  }
  return x;
}

long double derivative(ActivationKind kind, long double x) {
  const long double y = activation(kind, x), s = 1 / (1 + std::exp(-x));
  switch (kind) {
    case ActivationKind::none:
      return 1;
    case ActivationKind::sigmoid:
      return y * (1 - y);
    case ActivationKind::tanh:
      return 1 - y * y;
    case ActivationKind::relu:
      return x > 0 ? 1 : 0;
    case ActivationKind::leaky_relu:
      return x > 0 ? 1 : 0.01L;
    case ActivationKind::gelu:
      return std::erfc(-x / std::sqrt(2.0L)) / 2 + x * std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0L));
    case ActivationKind::silu:
      return s * (1 + x * (1 - s));
    case ActivationKind::hard_swish:
      return x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5L;
  }
  return 1;
}

long double binary_cross_entropy(long double z, long double t) {
  return std::max(z, 0.0L) - z * t + std::log1p(std::exp(-std::abs(z)));
}

void column_moments(const Scalar* x, const PixelRows& size, Scalar* mean, Scalar* variance) {
  const int64_t rows = size.rows_per_image, columns = size.columns;
  for (int64_t c = 0; c < columns; ++c) {
    const Scalar sum = sum_over_batch(size.images, [&](int64_t n, Scalar& part) {
      for (int64_t r = n * rows; r < (n + 1) * rows; ++r) part += x[r * columns + c];
    });
    mean[c] = sum / static_cast<Scalar>(size.rows());
    const Scalar squares = sum_over_batch(size.images, [&](int64_t n, Scalar& part) {
      for (int64_t r = n * rows; r < (n + 1) * rows; ++r) {
        const Scalar distance = x[r * columns + c] - mean[c];
        part = std::fma(distance, distance, part);
      }
    });
    variance[c] = squares / static_cast<Scalar>(size.rows());
  }
}

void scale_columns(const Scalar* x, const PixelRows& size, const Scalar* mean, const Scalar* scale,
                   const Scalar* shift, Scalar* y) {
  for (int64_t i = 0; i < size.rows() * size.columns; ++i) {
    const int64_t c = i % size.columns;
    y[i] = std::fma(x[i] - mean[c], scale[c], shift[c]);
  }
}

void column_gradients(const Scalar* x, const Scalar* dy, const PixelRows& size, const Scalar* mean,
                      Scalar* sum, Scalar* product) {
  const int64_t rows = size.rows_per_image, columns = size.columns;
  for (int64_t c = 0; c < columns; ++c) {
    sum[c] = sum_over_batch(size.images, [&](int64_t n, Scalar& part) {
      for (int64_t r = n * rows; r < (n + 1) * rows; ++r) part += dy[r * columns + c];
    });
    product[c] = sum_over_batch(size.images, [&](int64_t n, Scalar& part) {
      for (int64_t r = n * rows; r < (n + 1) * rows; ++r) {
        part = std::fma(dy[r * columns + c], x[r * columns + c] - mean[c], part);
      }
    });
  }
}

void scale_columns_backward(const Scalar* x, const Scalar* dy, const PixelRows& size, const Scalar* mean,
                            const Scalar* scale, const Scalar* dy_mean, const Scalar* correlation,
                            Scalar* dx) {
  for (int64_t i = 0; i < size.rows() * size.columns; ++i) {
    const int64_t c = i % size.columns;
    dx[i] = scale[c] * std::fma(-(x[i] - mean[c]), correlation[c], dy[i] - dy_mean[c]);
  }
}

void normalize_rows(const Scalar* x, const PixelRows& size, Scalar epsilon, const Scalar* weight,
                    const Scalar* bias, Scalar* mean, Scalar* inverse, Scalar* y) {
  const Scalar width = static_cast<Scalar>(size.columns);
  for (int64_t r = 0; r < size.rows(); ++r) {
    const Scalar* row = x + r * size.columns;
    mean[r] = sum_along_row(size.columns, [&](int64_t c, Scalar& sum) { sum += row[c]; }) / width;
    const Scalar squares = sum_along_row(size.columns, [&](int64_t c, Scalar& sum) {
      sum = std::fma(row[c] - mean[r], row[c] - mean[r], sum);
    });
    inverse[r] = 1 / std::sqrt(squares / width + epsilon);
    for (int64_t c = 0; c < size.columns; ++c) {
      y[r * size.columns + c] = std::fma((row[c] - mean[r]) * inverse[r], weight[c], bias[c]);
    }
  }
}

void normalize_rows_backward(const Scalar* x, const Scalar* dy, const PixelRows& size, const Scalar* weight,
                             const Scalar* mean, const Scalar* inverse, Scalar* dx) {
  const Scalar width = static_cast<Scalar>(size.columns);
  for (int64_t r = 0; r < size.rows(); ++r) {
    const int64_t first = r * size.columns;
    const auto h = [&](int64_t c) { return (x[first + c] - mean[r]) * inverse[r]; };
    const auto g = [&](int64_t c) { return dy[first + c] * weight[c]; };
    const Scalar g_mean = sum_along_row(size.columns, [&](int64_t c, Scalar& sum) { sum += g(c); }) / width;
    const Scalar gh_mean =
        sum_along_row(size.columns, [&](int64_t c, Scalar& sum) { sum = std::fma(g(c), h(c), sum); }) / width;
    for (int64_t c = 0; c < size.columns; ++c) {
      dx[first + c] = inverse[r] * std::fma(-h(c), gh_mean, g(c) - g_mean);
    }
  }
}

void row_norm_gradients(const Scalar* x, const Scalar* dy, const PixelRows& size, const Scalar* mean,
                        const Scalar* inverse, Scalar* sum, Scalar* product) {
  const int64_t rows = size.rows_per_image, columns = size.columns;
  for (int64_t c = 0; c < columns; ++c) {
    sum[c] = sum_over_batch(size.images, [&](int64_t n, Scalar& part) {
      for (int64_t r = n * rows; r < (n + 1) * rows; ++r) part += dy[r * columns + c];
    });
    product[c] = sum_over_batch(size.images, [&](int64_t n, Scalar& part) {
      for (int64_t r = n * rows; r < (n + 1) * rows; ++r) {
        part = std::fma(dy[r * columns + c], (x[r * columns + c] - mean[r]) * inverse[r], part);
      }
    });
  }
}

void mean_of_rows(const Scalar* x, const PixelRows& size, Scalar* y) {
  for (int64_t n = 0; n < size.images; ++n) {
    for (int64_t c = 0; c < size.columns; ++c) {
      Scalar sum = 0;
      for (int64_t r = 0; r < size.rows_per_image; ++r) {
        sum += x[(n * size.rows_per_image + r) * size.columns + c];
      }
      y[n * size.columns + c] = sum / static_cast<Scalar>(size.rows_per_image);
    }
  }
}

void mean_of_rows_backward(const Scalar* dy, const PixelRows& size, Scalar* dx) {
  for (int64_t r = 0; r < size.rows(); ++r) {
    for (int64_t c = 0; c < size.columns; ++c) {
      const Scalar gradient = dy[r / size.rows_per_image * size.columns + c];
      dx[r * size.columns + c] = gradient / static_cast<Scalar>(size.rows_per_image);
    }
  }
}

void descend(Scalar rate, Scalar gradient, Scalar& weight) { weight = std::fma(-rate, gradient, weight); }

void momentum_step(const Momentum& m, Scalar gradient, Scalar& velocity, Scalar& weight) {
  const Scalar decayed = std::fma(m.decay, weight, gradient);
  velocity = std::fma(m.momentum, velocity, decayed);
  descend(m.rate, m.nesterov ? std::fma(m.momentum, velocity, decayed) : velocity, weight);
}

void adam_step(const Adam& a, Scalar gradient, Scalar& mean, Scalar& square, Scalar& weight) {
  const Scalar g = a.decoupled ? gradient : std::fma(a.decay, weight, gradient);
  mean = std::fma(a.beta1, mean, (1 - a.beta1) * g);
  square = std::fma(a.beta2, square, (1 - a.beta2) * (g * g));
  const Scalar step = mean * a.correction1 / (std::sqrt(square * a.correction2) + a.epsilon);
  const Scalar decayed = a.decoupled ? std::fma(-(a.rate * a.decay), weight, weight) : weight;
  weight = std::fma(-a.rate, step, decayed);
}

}  // namespace mudra::plain
