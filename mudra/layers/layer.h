// What a layer is. Every layer is one plain struct in one file; layers.h lists them.
//
// Activations are row-major, examples first and channels last: [N, H, W, C] for images, [N, features]
// otherwise. (Files, ONNX and documents have channels first; Parameter says how to convert.)
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "mudra/core/rng.h"
#include "mudra/core/tensor.h"
#include "mudra/core/thread_team.h"
#include "mudra/layers/words.h"
#include "mudra/simd/activation.h"
#include "mudra/simd/matmul.h"

namespace mudra {

// What a call of a layer is told beside its values: who helps, where in training it happens, and what the
// plan wants done at once. All randomness of a layer is a function of seed, epoch, example and layer.
struct Context {
  ThreadTeam& team;
  uint64_t seed = 0;
  int64_t epoch = 0;
  int64_t first_example = 0;                         // position in the epoch of the batch's first example
  int64_t layer = 0;                                 // the layer's place in the network
  ActivationKind activation = ActivationKind::none;  // to apply to y at once, if the layer can
  // Not null: y is to be max pooled (2x2) at once, and this holds which pixel of its window each y is (empty
  // if nobody asks).
  Tensor* argmax = nullptr;
  Shards shards{};  // which images of the whole batch these are, when others have the rest
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

// A named tensor of a layer. T is Tensor, or const Tensor in a layer that may not be changed.
template <class T>
struct ParameterOf {
  std::string_view name;
  T* tensor;
  Decay decay = Decay::yes;
  Packing packing{};  // outputs == 0: the same in memory and in a file

  operator ParameterOf<const Tensor>() const requires(!std::is_const_v<T>) {
    return {name, tensor, decay, packing};
  }
};
using Parameter = ParameterOf<Tensor>;
using ConstParameter = ParameterOf<const Tensor>;

// What a struct of tensors lists: those of a constant struct are constant.
template <class Tensors>
using ParameterList =
    std::vector<ParameterOf<std::conditional_t<std::is_const_v<Tensors>, const Tensor, Tensor>>>;

// The tensors of a layer's Parameters or State, in the order of the file.
template <class Tensors>
ParameterList<Tensors> list(Tensors& tensors) {
  return Tensors::list(tensors);
}

// The shape of a parameter in a file, and its values in that order. `values` must be as many as the shape has
// elements.
Shape file_shape(const ConstParameter& parameter);
std::vector<int64_t> sizes(const Shape& shape);
std::vector<Scalar> to_file_order(const ConstParameter& parameter);
void from_file_order(const Parameter& parameter, const std::vector<Scalar>& values);

enum class Initialization { normal, xavier, he };

inline Shape with_batch(Shape shape, int64_t examples) {
  shape[0] = examples;
  return shape;
}

// Heap memory of tensors.
template <class... T>
int64_t bytes_of(const T&... tensors) {
  return static_cast<int64_t>(sizeof(Scalar)) * (tensors.size() + ... + 0);
}

// What becomes of the gradient of a small parameter once it is known.
void sink_gradient(const GradientSink& sink, const Scalar* gradient, int64_t count, Scalar* target);

// What a layer's Saved is for.
//   infer    answers only: the least memory
//   train    forward, backward and gradients
//   explain  infer and backward: the gradient of x of a network that answers (running statistics, no dropout)
enum class Mode { infer, train, explain };

// A layer with nothing to remember, learn or track.
struct NothingSaved {
  int64_t bytes() const { return 0; }
};
struct NoParameters {
  template <class Self>
  static ParameterList<Self> list(Self&) {
    return {};
  }
};
struct WithoutState {
  using State = NoParameters;
  State state;
};

// What every layer without parameters has in common, but for what it says otherwise.
struct WithoutParameters : WithoutState {
  using Parameters = NoParameters;
  using Saved = NothingSaved;
  Parameters parameters;

  void initialize(Initialization, Rng&) {}
  Shape output_shape(const Shape& x) const { return x; }
  int64_t multiply_adds(const Shape&) const { return 0; }
  NothingSaved make_saved(const Shape&, Mode) const { return {}; }
};

// A layer and the input it is tried on in the gradient test.
template <class L>
struct LayerCase {
  L layer;
  Shape input;
};

// What a layer is given on the way back: x and y of its forward pass, and the gradient of y.
struct Pass {
  const Tensor &x, &y, &dy;
  const Context& context;
};

// A layer that computes otherwise while it trains, such as dropout, also has forward().
template <class L>
concept HasForward = requires(const L& layer, const Tensor& x, Tensor& y, typename L::Saved& saved,
                              const Context& context) {
  layer.forward(x, y, saved, context);
};

// y in Mode::train.
template <class L>
void forward(const L& layer, const Tensor& x, Tensor& y, typename L::Saved& saved, const Context& context) {
  if constexpr (HasForward<L>) {
    layer.forward(x, y, saved, context);
  } else {
    layer.infer(x, y, saved, context);
  }
}

// A layer with parameters also has gradients(). It comes after backward() of the same batch, and is the only
// one to see the sink: a sink may move the weights at once, and dx must come from the weights as they were.
// `grad` is the sink's target and may be the layer's own parameters.
template <class L>
concept HasGradients = requires(const L& layer, const Pass& pass, typename L::Saved& saved,
                                typename L::Parameters& grad, const GradientSink& sink) {
  layer.gradients(pass, saved, grad, sink);
};

// Calls are const and keep what they must in `saved`, so that threads can share a layer, each with a Saved of
// its own. x and y have the shapes of make_saved, with at most as many examples; saved, y and dx are written.
// A call writes every element of its output and never reads what was there.
template <class L>
concept Layer = requires(L layer, const L& constant, const Tensor& x, Tensor& y, typename L::Saved& saved,
                         const Context& context, const Pass& pass, const Shape& shape, Words& words,
                         Initialization initialization, Rng& rng, Mode mode) {
  { L::kind } -> std::convertible_to<std::string_view>;
  { L::usage } -> std::convertible_to<std::string_view>;  // the item's form in an architecture line
  typename L::State;
  // Reads the words after the kind; throws Error when they make no layer for inputs of this shape.
  { L::parse(words, shape) } -> std::same_as<L>;
  { constant.text() } -> std::same_as<std::string>;  // the item, as parse reads it
  { list(layer.parameters) } -> std::same_as<std::vector<Parameter>>;
  { list(constant.parameters) } -> std::same_as<std::vector<ConstParameter>>;
  { list(layer.state) } -> std::same_as<std::vector<Parameter>>;
  layer.initialize(initialization, rng);
  // Throws Error for an x the layer cannot take.
  { constant.output_shape(shape) } -> std::same_as<Shape>;
  { constant.multiply_adds(shape) } -> std::same_as<int64_t>;  // of one forward pass
  { constant.make_saved(shape, mode) } -> std::same_as<typename L::Saved>;
  { saved.bytes() } -> std::same_as<int64_t>;  // of heap memory
  constant.infer(x, y, saved, context);        // after make_saved in any mode
  // Fills dx from dy, after forward (Mode::train) or infer (Mode::explain) of the same x. In Mode::train it
  // also prepares what gradients() needs; then a layer with parameters takes an empty dx: nobody asks for it.
  constant.backward(pass, saved, /*dx=*/y);
  requires HasGradients<L> || std::same_as<typename L::Parameters, NoParameters>;
  // A layer with a State also has update_state(saved, share), called once a step.
  { L::cases() } -> std::same_as<std::vector<LayerCase<L>>>;
};

}  // namespace mudra
