// What a layer is. Every layer is one plain struct in one file; layers.h lists them.
//
// Activations are row-major, examples first and channels last: [N, H, W, C] for images, [N, features]
// otherwise. (Files, ONNX and documents have channels first; Parameter says how to convert.)
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/core/rng.h"
#include "mudra/core/tensor.h"
#include "mudra/core/thread_team.h"
#include "mudra/layers/words.h"
#include "mudra/simd/activation.h"
#include "mudra/simd/matmul.h"

namespace mudra {

// Where in training a call happens, and with what help. All randomness of a layer comes from here.
struct Step {
  ThreadTeam& team;
  uint64_t seed = 0;
  int64_t epoch = 0;
  int64_t first_example = 0;                         // position in the epoch of the batch's first example
  int64_t layer = 0;                                 // its place in the network
  ActivationKind activation = ActivationKind::none;  // to apply to y at once, if the layer can
  Tensor* winner = nullptr;  // not null: y is to be pooled (2x2) at once; its winners, empty if unwanted
  Shards shards{};           // which images of the whole batch these are
  GradientSink sink = GradientSink::store();  // what backward does with gradients
};

// How a parameter's tensor lies in memory and in a file.
struct Packing {
  // File [outputs, inputs, kernel height, kernel width] (a dense layer: [outputs, all the others]); in memory
  // panels (mudra/simd/panels.h) of depth kernel height * kernel width * inputs, inputs last.
  int64_t outputs = 0, inputs = 0, kernel_height = 1, kernel_width = 1;
  bool is_dense = false;
  // The outputs come in so many groups, each in panels of its own.
  int64_t groups = 1;
};

enum class Decay { yes, no };  // whether weight decay applies

struct Parameter {
  std::string_view name;
  Tensor* tensor;
  Decay decay = Decay::yes;
  Packing packing{};  // outputs == 0: the same in memory and in a file
};

// The shape of a parameter in a file, and its values in that order.
Shape file_shape(const Parameter& parameter);
std::vector<Scalar> to_file_order(const Parameter& parameter);
void from_file_order(const Parameter& parameter, const std::vector<Scalar>& values);

enum class Initialization { normal, xavier, he };

// Heap memory of tensors.
template <class... T>
int64_t bytes_of(const T&... tensors) {
  return static_cast<int64_t>(sizeof(Scalar)) * (tensors.size() + ... + 0);
}

// What a step does with the gradient of a small parameter once it is known.
void sink_gradient(const GradientSink& sink, const Scalar* gradient, int64_t count, Scalar* target);

// What a layer's Saved is for: to answer takes less memory than to learn.
enum class Mode { infer, train };

// A layer with nothing to remember, learn or track.
struct NothingSaved {
  int64_t bytes() const { return 0; }
};
struct NoParameters {
  std::vector<Parameter> list() { return {}; }
};
struct NoState {
  std::vector<Parameter> list() { return {}; }
};

// A layer and the input it is tried on in the gradient test.
template <class L>
struct LayerCase {
  L layer;
  Shape input;
};

template <class L>
concept Layer = requires(L layer, const L& constant, const Tensor& x, Tensor& y, typename L::Saved& saved,
                         typename L::Parameters& grad, const Step& step, const Shape& shape, Words& words,
                         Initialization initialization, Rng& rng, Mode mode) {
  { L::kind } -> std::convertible_to<std::string_view>;
  { L::usage } -> std::convertible_to<std::string_view>;  // the item's form in an architecture line
  typename L::State;
  // Reads the words after the kind; throws Error when they make no layer for inputs of this shape.
  { L::parse(words, shape) } -> std::same_as<L>;
  { constant.text() } -> std::same_as<std::string>;  // the item, as parse reads it
  { layer.parameters.list() } -> std::same_as<std::vector<Parameter>>;
  { layer.state.list() } -> std::same_as<std::vector<Parameter>>;
  layer.initialize(initialization, rng);
  { constant.output_shape(shape) } -> std::same_as<Shape>;
  { constant.multiply_adds(shape) } -> std::same_as<int64_t>;  // of one forward pass
  { constant.make_saved(shape, mode) } -> std::same_as<typename L::Saved>;
  { saved.bytes() } -> std::same_as<int64_t>;  // of heap memory
  constant.infer(x, y, saved, step);
  constant.forward(x, y, saved, step);
  // Fills dx unless it is empty, and hands the gradients to step.sink with `grad` as target.
  constant.backward(x, y, saved, x, y, grad, step);
  // A layer with a State also has update_state(saved, share), called once a step.
  { L::cases() } -> std::same_as<std::vector<LayerCase<L>>>;
};

}  // namespace mudra
