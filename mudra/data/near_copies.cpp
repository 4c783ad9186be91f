#include "mudra/data/near_copies.h"

#include <algorithm>
#include <array>

#include "mudra/core/portable_math.h"
#include "mudra/data/fingerprint.h"

namespace mudra {
namespace {

constexpr int rings = Fingerprint::rings, frequencies = Fingerprint::frequencies;
constexpr int coefficients = rings * frequencies;

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

void compare(const Fingerprint::Rings& query, const Block& block, Scores& scores) {
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

// ---- alignment of the closest

Similarity start(const Fingerprint::Rings& query, const Fingerprint::Rings& candidate, double steps) {
  const double angle = steps * angle_step * portable::pi / 180;
  const double scale = static_cast<double>(query.scale) / candidate.scale;
  Similarity s{scale * portable::cos(angle), scale * portable::sin(angle), 0, 0};
  s.tx = query.center_x - (s.a * candidate.center_x - s.b * candidate.center_y);
  s.ty = query.center_y - (s.b * candidate.center_x + s.a * candidate.center_y);
  return s;
}

constexpr size_t shortlist_length = 12;  // of each view

std::vector<Match> copies_of(std::span<const Fingerprint> fingerprints, int64_t query,
                             const std::array<Shortlist, 2>& shortlists) {
  const Fingerprint& fingerprint = fingerprints[static_cast<size_t>(query)];
  const Magnified magnified(fingerprint.detail);
  std::vector<Match> copies;
  for (const Shortlist& list : shortlists) {
    for (const Candidate& candidate : list.kept()) {
      const auto is_it = [&](const Match& match) { return match.row == candidate.row; };
      if (std::any_of(copies.begin(), copies.end(), is_it)) continue;
      const Fingerprint& other = fingerprints[static_cast<size_t>(candidate.row)];
      const Alignment found =
          align(magnified, other.detail,
                start(fingerprint.views[candidate.view], other.views[candidate.view], candidate.angle));
      if (found.similarity >= copy_similarity)
        copies.push_back({candidate.row, found.similarity, found.degrees});
    }
  }
  std::sort(copies.begin(), copies.end(), [](const Match& a, const Match& b) {
    return a.similarity != b.similarity ? a.similarity > b.similarity : a.row < b.row;
  });
  return copies;
}

}  // namespace

std::vector<std::vector<Match>> find_copies(std::span<const Fingerprint> fingerprints,
                                            std::span<const Row> queries, std::span<const Row> candidates,
                                            ThreadTeam& team) {
  const size_t block_count = (candidates.size() + block_size - 1) / block_size;
  std::vector<std::array<Block, 2>> blocks(block_count);
  for (size_t i = 0; i < candidates.size(); ++i) {
    const Fingerprint& fingerprint = fingerprints[static_cast<size_t>(candidates[i])];
    for (size_t view = 0; view < 2; ++view) {
      Block& block = blocks[i / block_size][view];
      for (size_t c = 0; c < coefficients; ++c) {
        block.real[c][i % block_size] = fingerprint.views[view].real[c];
        block.imaginary[c][i % block_size] = fingerprint.views[view].imaginary[c];
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
          compare(fingerprints[static_cast<size_t>(queries[q])].views[view], blocks[b][view], scores);
          Shortlist& list = lists[q - first][view];
          for (size_t j = 0; j < count; ++j) {
            if (scores.best[j] < list.worst()) continue;
            list.offer({scores.best[j], candidates[b * block_size + j], scores.angle[j], view});
          }
        }
      }
    }
    for (size_t q = first; q < last; ++q) copies[q] = copies_of(fingerprints, queries[q], lists[q - first]);
  });
  return copies;
}

}  // namespace mudra
