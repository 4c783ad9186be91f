#include "mudra/data/fingerprint.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "mudra/core/portable_math.h"
#include "mudra/data/image.h"

namespace mudra {

namespace {

constexpr int size = Fingerprint::size;
constexpr double middle = (size - 1) / 2.0;
constexpr int rings = Fingerprint::rings, frequencies = Fingerprint::frequencies;

// A difference of Gaussians.
std::vector<float> band(std::span<const float> grey, double fine, double coarse) {
  std::vector<float> kept(grey.begin(), grey.end()), removed = kept;
  Blur(size, size, 1, fine).apply(kept.data(), fine);
  Blur(size, size, 1, coarse).apply(removed.data(), coarse);
  std::ranges::transform(kept, removed, kept.begin(), std::minus());
  return kept;
}

// Bilinear, zero outside; x and y in pixels from the centre.
float sample(std::span<const float> image, double x, double y) {
  x += middle;
  y += middle;
  const int left = static_cast<int>(std::floor(x)), top = static_cast<int>(std::floor(y));
  const auto at = [&](int column, int row) {
    const bool inside = column >= 0 && column < size && row >= 0 && row < size;
    return inside ? static_cast<double>(image[Fingerprint::place(row, column)]) : 0.0;
  };
  const double fx = x - left, fy = y - top;
  return static_cast<float>((at(left, top) * (1 - fx) + at(left + 1, top) * fx) * (1 - fy) +
                            (at(left, top + 1) * (1 - fx) + at(left + 1, top + 1) * fx) * fy);
}

// The mean place of the detail and its standard deviation: what shift and scale change.
void place_on_detail(std::span<const float> shape, Fingerprint::Rings& view) {
  double total = 1e-12, x_sum = 0, y_sum = 0, square_sum = 0;
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      const double value = shape[Fingerprint::place(y, x)];
      const double energy = value * value, dx = x - middle, dy = y - middle;
      total += energy;
      x_sum += energy * dx;
      y_sum += energy * dy;
      square_sum += energy * (dx * dx + dy * dy);
    }
  }
  const double x = x_sum / total, y = y_sum / total;
  view.center_x = static_cast<float>(x);
  view.center_y = static_cast<float>(y);
  const double deviation = std::sqrt(std::max(square_sum / total - x * x - y * y, 0.0));
  view.scale = static_cast<float>(std::clamp(deviation / 10, 0.5, 1.5));
}

void fill_rings(std::span<const float> shape, Fingerprint::Rings& view) {
  constexpr int angles = 32;
  static const auto circle = [] {
    std::array<std::array<double, 2>, angles> made{};
    for (int a = 0; a < angles; ++a) {
      const double angle = 2 * portable::pi * a / angles;
      made[static_cast<size_t>(a)] = {portable::cos(angle), portable::sin(angle)};
    }
    return made;
  }();
  double energy = 1e-12;
  for (int r = 0; r < rings; ++r) {
    const double radius = 13.0 * (r + 1) / rings;
    std::array<double, angles> ring{};
    for (size_t a = 0; a < angles; ++a) {
      const double scaled = radius * view.scale;
      // A ring counts by its length.
      ring[a] = std::sqrt(radius) *
                sample(shape, view.center_x + scaled * circle[a][0], view.center_y + scaled * circle[a][1]);
    }
    for (int k = 0; k < frequencies; ++k) {
      double real = 0, imaginary = 0;
      for (size_t a = 0; a < angles; ++a) {
        const auto& turn = circle[a * static_cast<size_t>(k) % angles];
        real += ring[a] * turn[0];
        imaginary -= ring[a] * turn[1];
      }
      const double weight = k == 0 ? 1 : std::sqrt(2.0);  // a real signal's frequencies come in pairs
      const auto at = static_cast<size_t>(k) * rings + r;
      view.real[at] = static_cast<float>(weight * real);
      view.imaginary[at] = static_cast<float>(weight * imaginary);
      energy += weight * weight * (real * real + imaginary * imaginary);
    }
  }
  const float length = static_cast<float>(1 / std::sqrt(energy));
  for (float& value : view.real) value *= length;
  for (float& value : view.imaginary) value *= length;
}

// Whether the search may go there: shifts to 6 pixels, scales 0.74 to 1.35.
bool allowed(const Similarity& s) {
  const double square = s.a * s.a + s.b * s.b;
  return std::abs(s.tx) < 6 && std::abs(s.ty) < 6 && square > 0.55 && square < 1.82;
}

// The pixels of a disc that every turn of an image covers.
struct Disc {
  static constexpr int lanes = 8;
  std::vector<float> x, y;
  std::vector<size_t> pixel;
  Disc() {
    for (int row = 0; row < size; ++row) {
      for (int column = 0; column < size; ++column) {
        const double dx = column - middle, dy = row - middle;
        if (dx * dx + dy * dy >= 13.5 * 13.5) continue;
        x.push_back(static_cast<float>(dx));
        y.push_back(static_cast<float>(dy));
        pixel.push_back(Fingerprint::place(row, column));
      }
    }
    x.resize(x.size() / lanes * lanes);
  }
};

const Disc& disc() {
  static const Disc made;
  return made;
}

// Sums over the disc that a step of the alignment needs, each in 8 fixed lanes: of the query w, the candidate
// r and the derivatives g of the query by a, b, tx, ty.
constexpr size_t ww = 0, wr = 1, rr = 2, covered = 3;
constexpr size_t gw = 4, gr = 8;  // four each
constexpr size_t gg = 12;         // g0 g0, g0 g1, ..., g3 g3
constexpr size_t sums = gg + 10;

std::array<double, sums> measure(const Magnified& query, std::span<const float> candidate,
                                 const Similarity& s) {
  const Disc& d = disc();
  const float a = static_cast<float>(s.a), b = static_cast<float>(s.b);
  const float tx = static_cast<float>(s.tx), ty = static_cast<float>(s.ty);
  alignas(64) float total[sums][Disc::lanes] = {};
  for (size_t i = 0; i < d.x.size(); i += Disc::lanes) {
    alignas(64) float w[Disc::lanes], gx[Disc::lanes], gy[Disc::lanes], r[Disc::lanes], in[Disc::lanes];
    for (size_t l = 0; l < Disc::lanes; ++l) {
      const float x = d.x[i + l], y = d.y[i + l];
      const float qx = a * x - b * y + tx, qy = b * x + a * y + ty;
      const float u = 2 * qx + Magnified::centre, v = 2 * qy + Magnified::centre;
      const int left = static_cast<int>(u), top = static_cast<int>(v);
      const float fx = u - static_cast<float>(left), fy = v - static_cast<float>(top);
      const float* p = query.data() + (top * Magnified::side + left);
      const float above = p[0] + fx * (p[1] - p[0]);
      const float below = p[Magnified::side] + fx * (p[Magnified::side + 1] - p[Magnified::side]);
      const float slope_above = p[1] - p[0], slope_below = p[Magnified::side + 1] - p[Magnified::side];
      in[l] = std::max(std::abs(qx), std::abs(qy)) <= 14 ? 1.F : 0.F;
      w[l] = in[l] * (above + fy * (below - above));
      gx[l] = in[l] * 2 * (slope_above + fy * (slope_below - slope_above));
      gy[l] = in[l] * 2 * (below - above);
      r[l] = in[l] * candidate[d.pixel[i + l]];
    }
    alignas(64) float g[4][Disc::lanes];
    for (size_t l = 0; l < Disc::lanes; ++l) {
      const float x = d.x[i + l], y = d.y[i + l];
      g[0][l] = gx[l] * x + gy[l] * y;
      g[1][l] = gy[l] * x - gx[l] * y;
      g[2][l] = gx[l];
      g[3][l] = gy[l];
      total[covered][l] += in[l];
    }
    const auto add = [&](size_t sum, const float* p, const float* q) {
      for (size_t l = 0; l < Disc::lanes; ++l) total[sum][l] += p[l] * q[l];
    };
    add(ww, w, w);
    add(wr, w, r);
    add(rr, r, r);
    for (size_t j = 0, pair = gg; j < 4; ++j) {
      add(gw + j, g[j], w);
      add(gr + j, g[j], r);
      for (size_t k = j; k < 4; ++k) add(pair++, g[j], g[k]);
    }
  }
  std::array<double, sums> result{};
  for (size_t sum = 0; sum < sums; ++sum) {
    for (const float lane : total[sum]) result[sum] += static_cast<double>(lane);
  }
  return result;
}

// H x = v for a symmetric positive 4x4 matrix, by Cholesky; `h` holds its ten values h00, h01, ..., h33.
std::array<double, 4> solve(const double* h, std::array<double, 4> v) {
  double m[4][4];
  for (size_t i = 0, k = 0; i < 4; ++i) {
    for (size_t j = i; j < 4; ++j, ++k) m[j][i] = h[k];
  }
  for (size_t i = 0; i < 4; ++i) m[i][i] *= 1 + 1e-6;
  for (size_t j = 0; j < 4; ++j) {
    for (size_t k = 0; k < j; ++k) {
      for (size_t i = j; i < 4; ++i) m[i][j] -= m[i][k] * m[j][k];
    }
    const double root = std::sqrt(std::max(m[j][j], 1e-12));
    for (size_t i = j; i < 4; ++i) m[i][j] /= root;
  }
  for (size_t i = 0; i < 4; ++i) {
    for (size_t k = 0; k < i; ++k) v[i] -= m[i][k] * v[k];
    v[i] /= m[i][i];
  }
  for (size_t i = 4; i-- > 0;) {
    for (size_t k = i + 1; k < 4; ++k) v[i] -= m[k][i] * v[k];
    v[i] /= m[i][i];
  }
  return v;
}

// One step of Evangelidis and Psarakis 2008, "Parametric image alignment using enhanced correlation
// coefficient maximization", eq. 20: the change of the four numbers that raises the correlation most.
void improve(const std::array<double, sums>& m, Similarity& s) {
  const double norm = 1 / std::sqrt(std::max(m[rr], 1e-12));
  std::array<double, 4> g_w, g_r;
  for (size_t i = 0; i < 4; ++i) {
    g_w[i] = m[gw + i];
    g_r[i] = m[gr + i] * norm;
  }
  const std::array<double, 4> from_w = solve(&m[gg], g_w), from_r = solve(&m[gg], g_r);
  double above = m[ww], below = m[wr] * norm;
  for (size_t i = 0; i < 4; ++i) {
    above -= g_w[i] * from_w[i];
    below -= g_w[i] * from_r[i];
  }
  const double factor = above / std::max(below, 1e-6);
  const auto change = [&](size_t i) { return std::clamp(factor * from_r[i] - from_w[i], -1.0, 1.0); };
  s.a += change(0);
  s.b += change(1);
  s.tx += change(2);
  s.ty += change(3);
}

}  // namespace

Fingerprint make_fingerprint(std::span<const float> grey) {
  Fingerprint fingerprint;
  fingerprint.detail = band(grey, 0.6, 2.5);
  const std::vector<float> shape = band(grey, 1, 4);
  place_on_detail(shape, fingerprint.views[1]);
  for (Fingerprint::Rings& view : fingerprint.views) fill_rings(shape, view);
  return fingerprint;
}

Magnified::Magnified(std::span<const float> image) : values_(size_t{side} * side, 0.F) {
  // u = centre + 2 (p - 13.5): odd u are the pixels, even u lie half way between.
  constexpr int first = centre - size + 1;
  for (int y = 0; y < size; ++y) {
    float* row = &at(first + 2 * y, 0);
    for (int x = 0; x < size; ++x) row[first + 2 * x] = image[Fingerprint::place(y, x)];
    for (int u = first - 1; u <= first + 2 * size - 1; u += 2)
      row[u] = half(row[u - 3], row[u - 1], row[u + 1], row[u + 3]);
  }
  for (int v = first - 1; v <= first + 2 * size - 1; v += 2) {
    for (int u = 0; u < side; ++u) at(v, u) = half(at(v - 3, u), at(v - 1, u), at(v + 1, u), at(v + 3, u));
  }
}

Alignment align(const Magnified& query, std::span<const float> candidate, Similarity s) {
  constexpr int steps = 8;
  Alignment best;
  const auto enough = 0.75 * static_cast<double>(disc().x.size());
  for (int step = 0; step <= steps && allowed(s); ++step) {
    const auto m = measure(query, candidate, s);
    const double length = std::sqrt(m[ww] * m[rr]);
    if (m[covered] < enough || length < 1e-9) break;
    const auto similarity = static_cast<float>(m[wr] / length);
    const float gained = similarity - best.similarity;
    if (gained > 0) {
      best = {similarity, static_cast<float>(portable::atan2(s.b, s.a) * 180 / portable::pi)};
    }
    // Give up where nothing more is gained, and early where a copy would long have been closer.
    if (gained < 0.001F || (step >= 2 && similarity < 0.6F) || (step >= 4 && similarity < 0.88F)) break;
    improve(m, s);
  }
  return best;
}

}  // namespace mudra
