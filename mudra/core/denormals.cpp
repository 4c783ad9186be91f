#include "mudra/core/denormals.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mudra {

#if defined(__x86_64__)
namespace {
constexpr unsigned exception_flags = 0x3F;
constexpr unsigned flush = 0x8040;  // FTZ: results, DAZ: operands (Intel SDM volume 1, 10.2.3)
}  // namespace

uint64_t floating_point_mode() { return _mm_getcsr() & ~exception_flags; }
void set_floating_point_mode(uint64_t mode) {
  _mm_setcsr((_mm_getcsr() & exception_flags) | static_cast<unsigned>(mode));
}
#elif defined(__aarch64__)
namespace {
constexpr uint64_t flush = uint64_t{1} << 24;  // FZ: operands and results (Arm ARM, FPCR)
}  // namespace

uint64_t floating_point_mode() {
  uint64_t mode = 0;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
void set_floating_point_mode(uint64_t mode) { __asm__ volatile("msr fpcr, %0" ::"r"(mode)); }
#else
namespace {
constexpr uint64_t flush = 0;
}  // namespace

uint64_t floating_point_mode() { return 0; }
void set_floating_point_mode(uint64_t) {}
#endif

FlushDenormals::FlushDenormals() : before_(floating_point_mode()) {
  set_floating_point_mode(before_ | flush);
}

}  // namespace mudra
