#include "fuzz/input.h"
#include "mudra/data/read_files.h"

// The input as images and as their labels.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace mudra;
  const fuzz::InputFile file(bytes, size);
  ReadOptions options = fuzz::small_options();
  options.labels = file.path();
  fuzz::attempt([&] { fuzz::check(read_idx(file.path(), options)); });
  return 0;
}
