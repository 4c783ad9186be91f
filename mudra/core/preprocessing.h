// How a picture becomes a network's input: described here, saved with the model, applied in features/.
#pragma once

#include "mudra/core/named.h"

namespace mudra {

enum class Fit { stretch, keep_aspect };  // keep_aspect pads with black
template <>
struct Named<Fit> {
  static constexpr std::pair<Fit, std::string_view> values[] = {{Fit::stretch, "stretch"},
                                                                {Fit::keep_aspect, "keep-aspect"}};
};

struct Preprocessing {
  int height = 28;
  int width = 28;
  int channels = 1;  // 1 grey, 3 colour
  Fit fit = Fit::stretch;
  bool operator==(const Preprocessing&) const = default;
};

}  // namespace mudra
