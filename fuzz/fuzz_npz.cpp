#include "fuzz/input.h"
#include "mudra/data/read_files.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace mudra;
  const fuzz::InputFile file(bytes, size);
  fuzz::attempt([&] { fuzz::check(read_npz(file.path(), fuzz::small_options())); });
  return 0;
}
