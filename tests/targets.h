// Trying what kernels do on every instruction set.
#pragma once

#include <hwy/targets.h>

#include <cstdint>

namespace mudra {

// Calls work(target) for every instruction set that is built and that this machine has, best first; the
// choice is free again at the end.
template <class Work>
void for_each_target(const Work& work) {
  const int64_t all = hwy::SupportedTargets() & HWY_TARGETS;
  for (int64_t left = all; left != 0; left &= left - 1) {
    const int64_t target = left & -left;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    work(target);
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

// Whether a target has fused multiply-add. Without it (SSE4, and the least an x86 has) every step rounds once
// more.
inline bool is_fused(int64_t target) { return (target & (HWY_SSE4 | HWY_STATIC_TARGET)) == 0; }

}  // namespace mudra
