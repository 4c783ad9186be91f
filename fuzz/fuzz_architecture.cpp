#include "fuzz/input.h"
#include "mudra/network/plan.h"

// An architecture line for grey and for colour images: what is read writes itself so that it is read the
// same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace mudra;
  if (size > 1000) return 0;
  const std::string line(reinterpret_cast<const char*>(bytes), size);
  for (const Shape& input : {Shape{1, 9, 8, 1}, Shape{1, 5, 7, 3}}) {
    fuzz::attempt([&] {
      Network network = Network::parse(line, input, 3);
      const int64_t outputs = network.heads.empty() ? 3 : places_of(network) * channels_of(network.heads);
      fuzz::require(network.outputs() == outputs, "the network ends in its outputs");
      const Network again = Network::parse(network.text(), input, 3);
      fuzz::require(again.text() == network.text(), "a network's line is read as itself");
      fuzz::require(again.heads == network.heads, "and has the same heads");
      fuzz::require(again.parameter_count() == network.parameter_count(), "and has the same weights");
      if (network.multiply_adds() > 1'000'000 || network.parameter_count() > 100'000) return;
      network.initialize(Initialization::he, 1);
      ThreadTeam team(1);
      Tensor x({2, input[1], input[2], input[3]});
      x.fill(0.5F);
      Plan plan(network, 2, Plan::Mode::infer), plain(network, 2, Plan::Mode::infer, {false});
      const Tensor& y = plan.infer(network, x, Context{team});
      const Tensor& z = plain.infer(network, x, Context{team});
      fuzz::require(y.size() == 2 * outputs, "two images have twice the logits of one");
      for (int64_t i = 0; i < y.size(); ++i) {
        const bool both_no_numbers = y[i] != y[i] && z[i] != z[i];
        fuzz::require(y[i] == z[i] || both_no_numbers, "fused and plain are the same bits");
      }
    });
  }
  return 0;
}
