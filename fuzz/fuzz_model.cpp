#include <xxhash.h>

#include <cstring>

#include "fuzz/input.h"
#include "mudra/network/model.h"
#include "mudra/network/plan.h"

namespace {

// The input with the checksum it should have: without, nothing behind the checksum would be reached.
std::string with_checksum(std::string bytes) {
  const std::string key = "\"checksum\":\"";
  const size_t at = bytes.find(key);
  if (at == std::string::npos || at + key.size() + 32 > bytes.size()) return bytes;
  bytes.replace(at + key.size(), 32, 32, '0');
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  std::string digits;
  for (const unsigned char byte : canonical.digest) {
    digits += "0123456789abcdef"[byte >> 4];
    digits += "0123456789abcdef"[byte & 15];
  }
  return bytes.replace(at + key.size(), 32, digits);
}

void use(const std::string& bytes) {
  using namespace mudra;
  const Model model = model_from_bytes(bytes, "input");
  const std::string written = model_bytes(model);
  fuzz::require(model_bytes(model_from_bytes(written, "written")) == written,
                "a model is read as it was written");
  if (model.network.multiply_adds() > 1'000'000 || model.network.parameter_count() > 100'000) return;
  ThreadTeam team(1);
  Tensor x(model.network.input);
  Plan plan(model.network, 1, Plan::Mode::infer);
  fuzz::require(plan.infer(model.network, x, Context{team}).size() == model.network.outputs(),
                "an image has logits");
}

}  // namespace

// A model file, as it is and with its checksum put right.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string input(reinterpret_cast<const char*>(bytes), size);
  mudra::fuzz::attempt([&] { use(input); });
  mudra::fuzz::attempt([&] { use(with_checksum(input)); });
  return 0;
}
