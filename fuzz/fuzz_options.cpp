#include "fuzz/input.h"
#include "mudra/core/atomic_file.h"
#include "mudra/experiment/options.h"

// An options file: what is read writes itself so that it is read the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace mudra;
  const fuzz::InputFile file(bytes, size);
  fuzz::attempt([&] {
    const Options options = make_options(file.path(), {});
    const std::string text = to_toml(options);
    const fuzz::InputFile written(reinterpret_cast<const uint8_t*>(text.data()), text.size());
    Options again;
    try {
      again = make_options(written.path(), {});
    } catch (const Error& error) {
      fuzz::require(false, error.what());
    }
    fuzz::require(again == options, "options are read as they were written");
  });
  return 0;
}
