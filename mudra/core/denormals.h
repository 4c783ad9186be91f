// Denormal numbers (below 1.2e-38 for float) cost a hundred times the time of others and matter to no
// network.
#pragma once

#include <cstdint>

namespace mudra {

// How the calling thread rounds and treats denormals, without the flags of past exceptions.
uint64_t floating_point_mode();
void set_floating_point_mode(uint64_t mode);

// While it lives, the calling thread takes denormals for zero and makes none; a ThreadTeam's members follow
// the thread that calls it. Restores what was before.
class FlushDenormals {
 public:
  FlushDenormals();
  ~FlushDenormals() { set_floating_point_mode(before_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  uint64_t before_;
};

}  // namespace mudra
