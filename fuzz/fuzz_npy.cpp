#include "fuzz/input.h"
#include "mudra/data/read_files.h"

// The input as images with itself as labels, and as one image.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace mudra;
  const fuzz::InputFile file(bytes, size);
  ReadOptions options = fuzz::small_options();
  options.labels = file.path();
  fuzz::attempt([&] { fuzz::check(read_npy(file.path(), options)); });
  std::vector<std::string> notes;
  options.height = 3, options.width = 5;
  options.stream_above = 1 << 20;
  fuzz::attempt([&] { fuzz::check(read_npy(file.path(), options)); });
  fuzz::attempt([&] { read_npy_images(file.path(), options, notes); });
  return 0;
}
