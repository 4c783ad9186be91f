#include "mudra/core/rng.h"

#include <cmath>

#include "mudra/core/portable_math.h"

namespace mudra {

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53} * counter[0];
    const uint64_t b = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

Rng::Rng(uint64_t seed, Purpose purpose, uint32_t epoch, uint64_t example) {
  // The first block folds the stream's name into a key of its own; blocks of the stream then count.
  const auto name = philox({static_cast<uint32_t>(purpose), epoch, static_cast<uint32_t>(example),
                            static_cast<uint32_t>(example >> 32)},
                           {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  key_ = {name[0], name[1]};
  counter_ = {0, 0, name[2], name[3]};
}

uint32_t Rng::bits() {
  if (used_ == 4) {
    block_ = philox(counter_, key_);
    if (++counter_[0] == 0) ++counter_[1];
    used_ = 0;
  }
  return block_[used_++];
}

uint64_t Rng::below(uint64_t bound) {
  // Rejection keeps it unbiased: accept only the largest multiple of bound below 2^64.
  const uint64_t limit = bound * (UINT64_MAX / bound);
  for (;;) {
    const uint64_t high = bits();
    const uint64_t value = high << 32 | bits();
    if (value < limit) return value % bound;
  }
}

double Rng::uniform() {
  const uint64_t high = bits();
  return static_cast<double>((high << 32 | bits()) >> 11) * 0x1p-53;
}

double Rng::uniform(double low, double high) { return low + (high - low) * uniform(); }

double Rng::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  for (;;) {
    const double u = 2 * uniform() - 1;
    const double v = 2 * uniform() - 1;
    const double s = u * u + v * v;
    if (s >= 1 || s == 0) continue;
    const double scale = std::sqrt(-2 * portable::log(s) / s);
    spare_ = v * scale;
    has_spare_ = true;
    return u * scale;
  }
}

}  // namespace mudra
