// A network: layers in a row, from an image to logits. A plain value: copying it copies the weights, and its
// constant functions may run on several threads at once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/layers/layers.h"
#include "mudra/network/heads.h"

namespace mudra {

struct Network {
  Shape input;  // of one example: [1, H, W, C]
  std::vector<AnyLayer> layers;
  // What the last layer's channels mean, in their order; empty: logits of one class for an image.
  std::vector<Head> heads{};

  // Reads a line such as "conv 16 3x3, residual(conv 16 3x3, relu), dense 128, relu" or "cnn" (line.h).
  // `flatten` goes before a dense layer that meets images, and a dense layer of `outputs` units at the end
  // unless there is one. A line that ends in heads, "conv 16 3x3, relu, heads(presence 1, distance 4)", gets
  // a 1x1 convolution for them behind images, a dense layer behind vectors; `outputs` then says nothing.
  // Throws LineError.
  static Network parse(std::string_view line, const Shape& input, int64_t outputs);

  // The line's items, everything spelled out: one a layer, since heads stand for the last.
  std::vector<std::string> items() const;
  std::string text() const;  // the line

  // The weights a seed means; layers draw from streams of their own.
  void initialize(Initialization initialization, uint64_t seed);

  // What every layer takes, for so many examples, then what the last one gives.
  std::vector<Shape> shapes(int64_t examples = 1) const;
  int64_t outputs() const;          // logits per example, of all places
  int64_t parameter_count() const;  // trained values
  int64_t multiply_adds() const;    // of one example, forward
  // Everything a file keeps, named "0.weight" by layer: trained values, then running statistics. The tensors
  // are the network's own, valid as long as its layers are.
  template <class T>
  struct NamedOf {
    std::string name;
    ParameterOf<T> parameter;
    bool trained;
  };
  using Named = NamedOf<Tensor>;
  using ConstNamed = NamedOf<const Tensor>;
  std::vector<Named> parameters();
  std::vector<ConstNamed> parameters() const;
};

// Logits for that many classes: two need only one.
inline int64_t outputs_for(int64_t classes) { return classes == 2 ? 1 : classes; }

}  // namespace mudra
