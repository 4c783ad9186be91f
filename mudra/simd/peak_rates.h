// What one thread of this machine can do at most: no kernel is faster (the roofline of Williams et al. 2009).
#pragma once

#include <cstdint>

namespace mudra {

// Floating-point operations a second of fused multiply-adds in registers; two for each multiply-add.
double fma_rate();

// Bytes a second read from an array of this size that has been read before.
double read_rate(int64_t bytes);

}  // namespace mudra
