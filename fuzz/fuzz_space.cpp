#include "fuzz/input.h"
#include "mudra/tuning/sampler.h"

// The space of a search: what is drawn from one that is read can have been drawn, and its options are
// options.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace mudra;
  fuzz::attempt([&] {
    const SearchSpace space = SearchSpace::parse({reinterpret_cast<const char*>(bytes), size}, "space.toml");
    for (int trial = 1; trial <= 3; ++trial) {
      const Draw draw = draw_trial(space, SamplerKind::random, {}, 1, trial);
      fuzz::require(space.could_draw(draw), "what was drawn can have been drawn");
      fuzz::attempt([&] { space.applied({}, draw); });
    }
  });
  return 0;
}
