#include "fuzz/input.h"
#include "mudra/data/read_files.h"

// The input as images and as the groups of five images.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace mudra;
  const fuzz::InputFile file(bytes, size);
  fuzz::attempt([&] { fuzz::check(read_csv(file.path(), fuzz::small_options())); });
  ReadOptions options = fuzz::small_options();
  options.groups = file.path();
  Dataset data;
  data.pixels = Pixels({5, 1, 1, 1}, std::vector<uint8_t>(5));
  data.classes = {"0"};
  data.labels.resize(5);
  fuzz::attempt([&] {
    read_groups(options.groups, options, data);
    fuzz::check(data);
  });
  data.files = {"5/b.png", "0/a.png", "10/c.png", "9/1.png", "5/a.png"};
  fuzz::attempt([&] {
    read_groups(options.groups, options, data);
    fuzz::check(data);
  });
  return 0;
}
