// How sure a model says it is, brought in line with how often it is right, and below which it refuses. Values
// in, values out, from as many threads as wanted.
#pragma once

#include <cstdint>
#include <span>

#include "mudra/inference/answer.h"

namespace mudra {

// The probabilities p^power of each image, scaled to add up to 1: those of logits times `power`. 1/T brings
// answers of temperature 1 to temperature T. Labels stay.
Answers tempered(const Answers& answers, double power);

// The temperature, from 0.05 to 20, that the answers of temperature 1 should be given at so that their mean
// log loss is least (Guo et al. 2017). `truth`: one label an image, which must not have trained the model.
// `independent`: how many observations the images are, at least 1. As Platt (1999) has it, each of n counts
// as if its truth were known with probability (n + 1) / (n + K) only, or images that all are right would ask
// for a temperature of 0.
double fit_temperature(std::span<const int32_t> truth, const Answers& answers, int64_t independent);

// The confidence below which a `share` (0 to below 1) of these images lies, at most: a rejection threshold
// that refuses those.
double rejection_threshold(const Answers& answers, double share);

}  // namespace mudra
