#include "mudra/layers/dropout.h"

#include <algorithm>
#include <charconv>

namespace mudra {

std::string Dropout::text() const {
  char digits[32];
  return "dropout " + std::string(digits, std::to_chars(digits, digits + sizeof digits, rate).ptr);
}

void Dropout::infer(const Tensor& x, Tensor& y, Saved&, const Context&) const {
  std::copy_n(x.data(), x.size(), y.data());
}

// The mask of an example depends on where it stands in the epoch, not on the batch it is in.
void Dropout::forward(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const {
  const int64_t size = x.shape().per_example();
  const uint32_t bound = static_cast<uint32_t>(rate * 4294967296.0);
  const Scalar kept = static_cast<Scalar>(1 / (1 - rate));
  context.team.run(x.shape()[0], [&](int64_t n) {
    Rng rng(context.seed, Purpose::dropout, static_cast<uint32_t>(context.epoch),
            static_cast<uint64_t>(context.first_example + n) * 256 + static_cast<uint64_t>(context.layer));
    for (int64_t i = n * size; i < (n + 1) * size; ++i) {
      saved.factors[i] = rng.bits() < bound ? 0 : kept;
      y[i] = x[i] * saved.factors[i];
    }
  });
}

// dx = dy m / (1 - rate); of the identity, dx = dy
void Dropout::backward(const Pass& pass, Saved& saved, Tensor& dx) const {
  const bool drops = saved.factors.data() != nullptr;
  for (int64_t i = 0; i < pass.dy.size(); ++i) dx[i] = drops ? pass.dy[i] * saved.factors[i] : pass.dy[i];
}

}  // namespace mudra
