#include "mudra/data/near_copies.h"

#include <algorithm>
#include <cmath>

#include "mudra/core/portable_math.h"

namespace mudra {
namespace {

constexpr int size = Print::size;
constexpr size_t pixels = size_t{size} * size;
constexpr double middle = (size - 1) / 2.0;
constexpr int rings = Print::rings, frequencies = Print::frequencies;
constexpr int coefficients = rings * frequencies;

// The place of a pixel in an image.
constexpr size_t place(int row, int column) {
  return static_cast<size_t>(row) * size + static_cast<size_t>(column);
}

// ---- preparation

// Gaussian blur; the edge is repeated. The kernel ends at 3 sigma.
void blur(std::span<const float> in, double sigma, std::vector<float>& out) {
  const int reach = static_cast<int>(std::ceil(3 * sigma));
  std::vector<float> kernel(static_cast<size_t>(2 * reach + 1));
  double total = 0;
  for (int i = -reach; i <= reach; ++i) total += portable::exp(-i * i / (2 * sigma * sigma));
  for (int i = -reach; i <= reach; ++i) {
    kernel[static_cast<size_t>(i + reach)] =
        static_cast<float>(portable::exp(-i * i / (2 * sigma * sigma)) / total);
  }
  std::vector<float> down(pixels, 0.F);
  for (int y = 0; y < size; ++y) {
    for (int i = -reach; i <= reach; ++i) {
      const float* row = in.data() + place(std::clamp(y + i, 0, size - 1), 0);
      const float weight = kernel[static_cast<size_t>(i + reach)];
      for (int x = 0; x < size; ++x) down[place(y, x)] += weight * row[x];
    }
  }
  out.assign(pixels, 0.F);
  std::vector<float> padded(static_cast<size_t>(size + 2 * reach));
  for (int y = 0; y < size; ++y) {
    const float* row = down.data() + place(y, 0);
    for (int x = -reach; x < size + reach; ++x)
      padded[static_cast<size_t>(x + reach)] = row[std::clamp(x, 0, size - 1)];
    for (int i = 0; i <= 2 * reach; ++i) {
      const float weight = kernel[static_cast<size_t>(i)];
      for (int x = 0; x < size; ++x) out[place(y, x)] += weight * padded[static_cast<size_t>(x + i)];
    }
  }
}

std::vector<float> band(std::span<const float> grey, double fine, double coarse) {
  std::vector<float> kept, removed;
  blur(grey, fine, kept);
  blur(grey, coarse, removed);
  for (size_t i = 0; i < kept.size(); ++i) kept[i] -= removed[i];
  return kept;
}

// Bilinear, zero outside; x and y in pixels from the centre.
float sample(std::span<const float> image, double x, double y) {
  x += middle;
  y += middle;
  const int left = static_cast<int>(std::floor(x)), top = static_cast<int>(std::floor(y));
  const auto at = [&](int column, int row) {
    const bool inside = column >= 0 && column < size && row >= 0 && row < size;
    return inside ? static_cast<double>(image[place(row, column)]) : 0.0;
  };
  const double fx = x - left, fy = y - top;
  return static_cast<float>((at(left, top) * (1 - fx) + at(left + 1, top) * fx) * (1 - fy) +
                            (at(left, top + 1) * (1 - fx) + at(left + 1, top + 1) * fx) * fy);
}

// Where the detail is and how far it spreads: what shift and scale change.
void place_on_detail(std::span<const float> shape, Print::Rings& view) {
  double total = 1e-12, x_sum = 0, y_sum = 0, square_sum = 0;
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      const double value = shape[place(y, x)];
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
  const double spread = std::sqrt(std::max(square_sum / total - x * x - y * y, 0.0));
  view.scale = static_cast<float>(std::clamp(spread / 10, 0.5, 1.5));
}

void fill_rings(std::span<const float> shape, Print::Rings& view) {
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
      const double reach = radius * view.scale;
      // A ring counts by its length.
      ring[a] = std::sqrt(radius) *
                sample(shape, view.center_x + reach * circle[a][0], view.center_y + reach * circle[a][1]);
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

// ---- coarse search: a query against a block of candidates at every angle

constexpr int block_size = 64;
constexpr int half_angles = 13;  // 0, 6, ..., 72 degrees, both ways
constexpr double angle_step = 6;

// [coefficient][candidate]
struct Block {
  alignas(64) float real[coefficients][block_size] = {};
  alignas(64) float imaginary[coefficients][block_size] = {};
};

struct Scores {
  alignas(64) float best[block_size];
  alignas(64) float angle[block_size];  // in steps
};

void compare(const Print::Rings& query, const Block& block, Scores& scores) {
  static const auto turns = [] {
    std::array<std::array<std::array<float, 2>, frequencies>, half_angles> made{};
    for (size_t a = 0; a < half_angles; ++a) {
      for (size_t k = 0; k < frequencies; ++k) {
        const double angle = static_cast<double>(a * k) * angle_step * portable::pi / 180;
        made[a][k] = {static_cast<float>(portable::cos(angle)), static_cast<float>(portable::sin(angle))};
      }
    }
    return made;
  }();
  // Cross spectrum, summed over the rings: query times conjugate of the candidate.
  alignas(64) float real[frequencies][block_size] = {};
  alignas(64) float imaginary[frequencies][block_size] = {};
  for (size_t k = 0; k < frequencies; ++k) {
    for (size_t r = 0; r < rings; ++r) {
      const size_t c = k * rings + r;
      const float qr = query.real[c], qi = query.imaginary[c];
      for (size_t j = 0; j < block_size; ++j) {
        real[k][j] += qr * block.real[c][j] + qi * block.imaginary[c][j];
        imaginary[k][j] += qi * block.real[c][j] - qr * block.imaginary[c][j];
      }
    }
  }
  for (size_t j = 0; j < block_size; ++j) {
    scores.best[j] = -2;
    scores.angle[j] = 0;
  }
  for (size_t a = 0; a < half_angles; ++a) {
    alignas(64) float even[block_size] = {};
    alignas(64) float odd[block_size] = {};
    for (size_t k = 0; k < frequencies; ++k) {
      const float cosine = turns[a][k][0], sine = turns[a][k][1];
      for (size_t j = 0; j < block_size; ++j) {
        even[j] += real[k][j] * cosine;
        odd[j] += imaginary[k][j] * sine;
      }
    }
    const float step = static_cast<float>(a);
    for (size_t j = 0; j < block_size; ++j) {
      const float forward = even[j] - odd[j], backward = even[j] + odd[j];
      const float score = std::max(forward, backward);
      const float angle = forward >= backward ? step : -step;
      scores.angle[j] = score > scores.best[j] ? angle : scores.angle[j];
      scores.best[j] = std::max(score, scores.best[j]);
    }
  }
}

struct Candidate {
  float score;
  int64_t row;
  float angle;  // in steps
  size_t view;
};

bool better(const Candidate& a, const Candidate& b) {
  return a.score != b.score ? a.score > b.score : a.row < b.row;
}

// The best few of all seen, best first.
class Shortlist {
 public:
  explicit Shortlist(size_t length) : length_(length) { kept_.reserve(length + 1); }
  void offer(const Candidate& candidate) {
    if (kept_.size() == length_ && !better(candidate, kept_.back())) return;
    kept_.insert(std::upper_bound(kept_.begin(), kept_.end(), candidate, better), candidate);
    if (kept_.size() > length_) kept_.pop_back();
  }
  float worst() const { return kept_.size() < length_ ? -2.F : kept_.back().score; }
  const std::vector<Candidate>& kept() const { return kept_; }

 private:
  size_t length_;
  std::vector<Candidate> kept_;
};

// ---- alignment

// x' = a x - b y + tx, y' = b x + a y + ty: from the candidate to the query, pixels from the centre
struct Similarity {
  double a = 1, b = 0, tx = 0, ty = 0;
};

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
        pixel.push_back(place(row, column));
      }
    }
    while (x.size() % lanes != 0) {
      x.pop_back();
      y.pop_back();
      pixel.pop_back();
    }
  }
};

const Disc& disc() {
  static const Disc made;
  return made;
}

// The query at twice the resolution (Catmull-Rom), surrounded by nothing.
class Magnified {
 public:
  static constexpr int side = 128, centre = 64;

  explicit Magnified(std::span<const float> image) : values_(size_t{side} * side, 0.F) {
    // u = centre + 2 (p - 13.5): odd u are the pixels, even u lie half way between.
    constexpr int first = centre - size + 1;
    for (int y = 0; y < size; ++y) {
      float* row = &at(first + 2 * y, 0);
      for (int x = 0; x < size; ++x) row[first + 2 * x] = image[place(y, x)];
      for (int u = first - 1; u <= first + 2 * size - 1; u += 2)
        row[u] = half(row[u - 3], row[u - 1], row[u + 1], row[u + 3]);
    }
    for (int v = first - 1; v <= first + 2 * size - 1; v += 2) {
      for (int u = 0; u < side; ++u) at(v, u) = half(at(v - 3, u), at(v - 1, u), at(v + 1, u), at(v + 3, u));
    }
  }
  const float* data() const { return values_.data(); }

 private:
  static float half(float a, float b, float c, float d) { return (9 * (b + c) - (a + d)) * (1 / 16.F); }
  float& at(int v, int u) { return values_[static_cast<size_t>(v) * side + static_cast<size_t>(u)]; }
  std::vector<float> values_;
};

// Sums over the disc that a step of the alignment needs, each in 8 fixed lanes.
enum Sum {
  ww,
  wr,
  rr,
  g0w,
  g1w,
  g2w,
  g3w,
  g0r,
  g1r,
  g2r,
  g3r,
  h00,
  h01,
  h02,
  h03,
  h11,
  h12,
  h13,
  h22,
  h23,
  h33,
  covered,
  sums
};

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
    for (size_t l = 0; l < Disc::lanes; ++l) {
      const float x = d.x[i + l], y = d.y[i + l];
      // Derivatives of the aligned query by a, b, tx, ty.
      const float g0 = gx[l] * x + gy[l] * y, g1 = gy[l] * x - gx[l] * y, g2 = gx[l], g3 = gy[l];
      total[ww][l] += w[l] * w[l];
      total[wr][l] += w[l] * r[l];
      total[rr][l] += r[l] * r[l];
      total[g0w][l] += g0 * w[l];
      total[g1w][l] += g1 * w[l];
      total[g2w][l] += g2 * w[l];
      total[g3w][l] += g3 * w[l];
      total[g0r][l] += g0 * r[l];
      total[g1r][l] += g1 * r[l];
      total[g2r][l] += g2 * r[l];
      total[g3r][l] += g3 * r[l];
      total[h00][l] += g0 * g0;
      total[h01][l] += g0 * g1;
      total[h02][l] += g0 * g2;
      total[h03][l] += g0 * g3;
      total[h11][l] += g1 * g1;
      total[h12][l] += g1 * g2;
      total[h13][l] += g1 * g3;
      total[h22][l] += g2 * g2;
      total[h23][l] += g2 * g3;
      total[h33][l] += g3 * g3;
      total[covered][l] += in[l];
    }
  }
  std::array<double, sums> result{};
  for (size_t s_ = 0; s_ < sums; ++s_) {
    for (const float lane : total[s_]) result[s_] += static_cast<double>(lane);
  }
  return result;
}

// H x = v for a symmetric positive 4x4 matrix, by Cholesky.
std::array<double, 4> solve(const std::array<double, 10>& h, std::array<double, 4> v) {
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
  const std::array<double, 10> h{m[h00], m[h01], m[h02], m[h03], m[h11],
                                 m[h12], m[h13], m[h22], m[h23], m[h33]};
  const double norm = 1 / std::sqrt(std::max(m[rr], 1e-12));
  const std::array<double, 4> gw{m[g0w], m[g1w], m[g2w], m[g3w]};
  const std::array<double, 4> gr{m[g0r] * norm, m[g1r] * norm, m[g2r] * norm, m[g3r] * norm};
  const std::array<double, 4> from_w = solve(h, gw), from_r = solve(h, gr);
  double above = m[ww], below = m[wr] * norm;
  for (size_t i = 0; i < 4; ++i) {
    above -= gw[i] * from_w[i];
    below -= gw[i] * from_r[i];
  }
  const double factor = above / std::max(below, 1e-6);
  const auto change = [&](size_t i) { return std::clamp(factor * from_r[i] - from_w[i], -1.0, 1.0); };
  s.a += change(0);
  s.b += change(1);
  s.tx += change(2);
  s.ty += change(3);
}

// Similarity and angle of the best alignment found from a start.
Match align(const Magnified& query, std::span<const float> candidate, int64_t row, Similarity s) {
  constexpr int steps = 8;
  Match best{row, -1, 0};
  const auto enough = 0.75 * static_cast<double>(disc().x.size());
  for (int step = 0; step <= steps && allowed(s); ++step) {
    const auto m = measure(query, candidate, s);
    const double length = std::sqrt(m[ww] * m[rr]);
    if (m[covered] < enough || length < 1e-9) break;
    const auto similarity = static_cast<float>(m[wr] / length);
    const float gained = similarity - best.similarity;
    if (gained > 0) {
      best = {row, similarity, static_cast<float>(portable::atan2(s.b, s.a) * 180 / portable::pi)};
    }
    // Give up where nothing more is gained, and early where a copy would long have been closer.
    if (gained < 0.001F || (step >= 2 && similarity < 0.6F) || (step >= 4 && similarity < 0.88F)) break;
    improve(m, s);
  }
  return best;
}

Similarity start(const Print::Rings& query, const Print::Rings& candidate, double steps) {
  const double angle = steps * angle_step * portable::pi / 180;
  const double scale = static_cast<double>(query.scale) / candidate.scale;
  Similarity s{scale * portable::cos(angle), scale * portable::sin(angle), 0, 0};
  s.tx = query.center_x - (s.a * candidate.center_x - s.b * candidate.center_y);
  s.ty = query.center_y - (s.b * candidate.center_x + s.a * candidate.center_y);
  return s;
}

constexpr size_t shortlist_length = 12;  // of each view

std::vector<Match> copies_of(std::span<const Print> prints, int64_t query,
                             const std::array<Shortlist, 2>& shortlists) {
  const Print& print = prints[static_cast<size_t>(query)];
  const Magnified magnified(print.detail);
  std::vector<Match> copies;
  for (const Shortlist& list : shortlists) {
    for (const Candidate& candidate : list.kept()) {
      const auto is_it = [&](const Match& match) { return match.row == candidate.row; };
      if (std::any_of(copies.begin(), copies.end(), is_it)) continue;
      const Print& other = prints[static_cast<size_t>(candidate.row)];
      const Match match =
          align(magnified, other.detail, candidate.row,
                start(print.views[candidate.view], other.views[candidate.view], candidate.angle));
      if (match.similarity >= copy_similarity) copies.push_back(match);
    }
  }
  std::sort(copies.begin(), copies.end(), [](const Match& a, const Match& b) {
    return a.similarity != b.similarity ? a.similarity > b.similarity : a.row < b.row;
  });
  return copies;
}

}  // namespace

Print make_print(std::span<const float> grey) {
  Print print;
  print.detail = band(grey, 0.6, 2.5);
  const std::vector<float> shape = band(grey, 1, 4);
  place_on_detail(shape, print.views[1]);
  for (Print::Rings& view : print.views) fill_rings(shape, view);
  return print;
}

std::vector<std::vector<Match>> find_copies(std::span<const Print> prints, std::span<const int64_t> queries,
                                            std::span<const int64_t> candidates, ThreadTeam& team) {
  const size_t block_count = (candidates.size() + block_size - 1) / block_size;
  std::vector<std::array<Block, 2>> blocks(block_count);
  for (size_t i = 0; i < candidates.size(); ++i) {
    const Print& print = prints[static_cast<size_t>(candidates[i])];
    for (size_t view = 0; view < 2; ++view) {
      Block& block = blocks[i / block_size][view];
      for (size_t c = 0; c < coefficients; ++c) {
        block.real[c][i % block_size] = print.views[view].real[c];
        block.imaginary[c][i % block_size] = print.views[view].imaginary[c];
      }
    }
  }
  std::vector<std::vector<Match>> copies(queries.size());
  constexpr size_t together = 8;  // queries that share a block while it is in the cache
  const auto tasks = static_cast<int64_t>((queries.size() + together - 1) / together);
  team.run(tasks, [&](int64_t task) {
    const size_t first = static_cast<size_t>(task) * together;
    const size_t last = std::min(first + together, queries.size());
    std::vector<std::array<Shortlist, 2>> lists(last - first,
                                                {Shortlist(shortlist_length), Shortlist(shortlist_length)});
    Scores scores;
    for (size_t b = 0; b < block_count; ++b) {
      const size_t count = std::min<size_t>(block_size, candidates.size() - b * block_size);
      for (size_t view = 0; view < 2; ++view) {
        for (size_t q = first; q < last; ++q) {
          compare(prints[static_cast<size_t>(queries[q])].views[view], blocks[b][view], scores);
          Shortlist& list = lists[q - first][view];
          for (size_t j = 0; j < count; ++j) {
            if (scores.best[j] < list.worst()) continue;
            list.offer({scores.best[j], candidates[b * block_size + j], scores.angle[j], view});
          }
        }
      }
    }
    for (size_t q = first; q < last; ++q) copies[q] = copies_of(prints, queries[q], lists[q - first]);
  });
  return copies;
}

}  // namespace mudra
