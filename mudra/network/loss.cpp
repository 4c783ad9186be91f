#include "mudra/network/loss.h"

#include <cassert>

#include "mudra/core/portable_math.h"
#include "mudra/simd/activation.h"
#include "mudra/simd/losses.h"

namespace mudra {

SoftmaxRow::SoftmaxRow(int64_t classes, double smoothing)
    : classes_(classes),
      smoothed_(static_cast<Scalar>(smoothing / static_cast<double>(classes))),
      peak_(static_cast<Scalar>(1 - smoothing)) {}

double SoftmaxRow::loss(const Scalar* z, const Scalar* e, Scalar maximum, int32_t label) {
  sum_ = 0;
  double target_logit = static_cast<double>(peak_) * static_cast<double>(z[label]);
  for (int64_t c = 0; c < classes_; ++c) {
    sum_ += static_cast<double>(e[c]);
    if (smoothed_ != 0) target_logit += static_cast<double>(smoothed_) * static_cast<double>(z[c]);
  }
  return portable::log(sum_) + static_cast<double>(maximum) - target_logit;
}

void SoftmaxRow::gradient(const Scalar* e, int32_t label, Scalar weight, Scalar divisor, Scalar* dz) const {
  const Scalar inverse = static_cast<Scalar>(1 / sum_);
  for (int64_t c = 0; c < classes_; ++c)
    dz[c] = weight * (e[c] * inverse - (smoothed_ + (c == label ? peak_ : 0))) / divisor;
}

Loss::Loss(int64_t classes, int64_t max_batch, LossOptions options)
    : classes_(classes),
      options_(options),
      losses_({max_batch}),
      targets_({max_batch}),
      gradient_({max_batch, classes == 2 ? 1 : classes}),
      example_losses_(static_cast<size_t>(max_batch)),
      answers_(static_cast<size_t>(max_batch)) {}

BatchLoss Loss::operator()(const Tensor& logits, std::span<const int32_t> labels, Tensor& dlogits,
                           Weights weights, const Shards& shards, std::span<int64_t> answered) {
  const int64_t images = logits.shape()[0];
  assert(images == static_cast<int64_t>(labels.size()));
  assert(weights.empty() || weights.size() == labels.size());
  const int64_t batch_size = shards.batch_size(images);
  const auto n = static_cast<Scalar>(batch_size);
  BatchLoss result;
  result.counted = images;
  classes_ == 2 ? binary(logits, labels, dlogits, weights, n)
                : categorical(logits, labels, dlogits, weights, n);
  for (size_t i = 0; i < labels.size(); ++i) {
    result.right += answers_[i] == labels[i];
    if (!answered.empty()) ++answered[static_cast<size_t>(answers_[i])];
  }
  const ShardBegins begins = shards.begins(images);
  for (size_t shard = 0; shard < gradient_shards; ++shard) {
    double sum = 0;
    for (int64_t i = begins[shard]; i < begins[shard + 1]; ++i)
      sum += example_losses_[static_cast<size_t>(i)];
    result.sum += sum;
  }
  result.mean = result.sum / static_cast<double>(batch_size);
  return result;
}

// L = -Σₙ wₙ [t log p + (1 - t) log(1 - p)] / N,  p = sigmoid(z)      dz = wₙ (p - t) / N
void Loss::binary(const Tensor& logits, std::span<const int32_t> labels, Tensor& dlogits, Weights weights,
                  Scalar batch_size) {
  const int64_t n = logits.shape()[0];
  const Scalar smoothing = static_cast<Scalar>(options_.label_smoothing);
  for (int64_t i = 0; i < n; ++i) {
    const Scalar label = static_cast<Scalar>(labels[static_cast<size_t>(i)]);
    targets_[i] = label * (1 - smoothing) + smoothing / 2;
    answers_[static_cast<size_t>(i)] = logits[i] > 0 ? 1 : 0;
  }
  binary_cross_entropy(logits.data(), targets_.data(), n, losses_.data(), gradient_.data());
  for (int64_t i = 0; i < n; ++i) {
    const Scalar weight = weights.empty() ? 1 : weights[static_cast<size_t>(i)];
    example_losses_[static_cast<size_t>(i)] = static_cast<double>(losses_[i] * weight);
    if (dlogits.data()) dlogits[i] = gradient_[i] * weight / batch_size;
  }
}

// L = -Σₙ wₙ Σ_c t_c log p_c / N,  p = softmax(z)      dz_c = wₙ (p_c - t_c) / N
void Loss::categorical(const Tensor& logits, std::span<const int32_t> labels, Tensor& dlogits,
                       Weights weights, Scalar batch_size) {
  const int64_t n = logits.shape()[0];
  SoftmaxRow row(classes_, options_.label_smoothing);
  exp_minus_maximum(logits.data(), n, classes_, gradient_.data(), losses_.data());
  for (int64_t i = 0; i < n; ++i) {
    const Scalar* z = logits.data() + i * classes_;
    const Scalar* e = gradient_.data() + i * classes_;
    const int32_t label = labels[static_cast<size_t>(i)];
    const Scalar weight = weights.empty() ? 1 : weights[static_cast<size_t>(i)];
    example_losses_[static_cast<size_t>(i)] = static_cast<double>(weight) * row.loss(z, e, losses_[i], label);
    answers_[static_cast<size_t>(i)] = argmax(z, classes_);
    if (dlogits.data()) row.gradient(e, label, weight, batch_size, dlogits.data() + i * classes_);
  }
}

void probabilities(const Tensor& logits, int64_t classes, Tensor& out, Scalar temperature) {
  const int64_t n = logits.shape()[0];
  if (classes == 2) {
    for (int64_t i = 0; i < n; ++i) {  // both by sigmoid: 1 - p would lose small values
      out[2 * i] = -logits[i] / temperature;
      out[2 * i + 1] = logits[i] / temperature;
    }
    activate(ActivationKind::sigmoid, out.data(), 2 * n, out.data());
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    Scalar* row = out.data() + i * classes;
    for (int64_t c = 0; c < classes; ++c) row[c] = logits[i * classes + c] / temperature;
    Scalar maximum = 0;
    exp_minus_maximum(row, 1, classes, row, &maximum);
    double sum = 0;
    for (int64_t c = 0; c < classes; ++c) sum += static_cast<double>(row[c]);
    const Scalar inverse = static_cast<Scalar>(1 / sum);
    for (int64_t c = 0; c < classes; ++c) row[c] *= inverse;
  }
}

int32_t argmax(const Scalar* row, int64_t classes) {
  int32_t best = 0;
  for (int64_t c = 1; c < classes; ++c) {
    if (row[c] > row[best]) best = static_cast<int32_t>(c);
  }
  return best;
}

}  // namespace mudra
