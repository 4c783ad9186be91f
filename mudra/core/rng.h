// Counter-based random numbers: the same on every machine, for any number of threads.
// Philox4x32-10, Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace mudra {

// What a stream of random numbers is for; two purposes never share numbers.
enum class Purpose : uint32_t {
  split = 1,
  initialize = 2,
  shuffle = 3,
  dropout = 4,
  augment = 5,
  synth = 6,
  bootstrap = 7,
  search = 8,
  test = 99,
};

// Ten rounds of Philox on one counter block.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// One stream, named by (seed, purpose, epoch, example). Cheap to construct; copy to replay.
class Rng {
 public:
  Rng(uint64_t seed, Purpose purpose, uint32_t epoch = 0, uint64_t example = 0);

  uint32_t bits();                 // 32 random bits
  uint64_t below(uint64_t bound);  // uniform in [0, bound), unbiased
  double uniform();                // [0, 1), 53 bits
  double uniform(double low, double high);
  double normal();  // N(0, 1), polar method; no libm
  double normal(double mean, double deviation) { return mean + deviation * normal(); }
  bool chance(double probability) { return uniform() < probability; }

  // Fisher-Yates; std::shuffle differs between standard libraries.
  template <class T>
  void shuffle(std::span<T> values) {
    for (size_t left = values.size(); left > 1; --left) {
      std::swap(values[left - 1], values[below(left)]);
    }
  }

 private:
  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> counter_;
  std::array<uint32_t, 4> block_{};
  int used_ = 4;
  bool has_spare_ = false;
  double spare_ = 0;
};

}  // namespace mudra
