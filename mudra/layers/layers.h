// The one list of layers. Factory, files, options, documents and the gradient test follow from it.
#pragma once

#include <variant>

#include "mudra/layers/activation.h"
#include "mudra/layers/batch_norm.h"
#include "mudra/layers/conv2d.h"
#include "mudra/layers/dense.h"
#include "mudra/layers/dropout.h"
#include "mudra/layers/flatten.h"
#include "mudra/layers/global_pool.h"
#include "mudra/layers/layer_norm.h"
#include "mudra/layers/marks.h"
#include "mudra/layers/pool2d.h"

namespace mudra {

using AnyLayer = std::variant<Dense, Conv2d, MaxPool2d, AveragePool2d, GlobalPool, BatchNorm, LayerNorm,
                              Dropout, Fork, Shortcut, Add, Flatten, Activation<ActivationKind::sigmoid>,
                              Activation<ActivationKind::tanh>, Activation<ActivationKind::relu>,
                              Activation<ActivationKind::leaky_relu>, Activation<ActivationKind::gelu>,
                              Activation<ActivationKind::silu>, Activation<ActivationKind::hard_swish>>;

template <class Variant>
inline constexpr bool all_layers = false;
template <class... L>
inline constexpr bool all_layers<std::variant<L...>> = ((Layer<L> || IsMark<L>)&&...);
static_assert(all_layers<AnyLayer>);

// A variant of the types in a list, each once.
template <class Variant, class... T>
struct Distinct {
  using type = Variant;
};
template <class... Kept, class T, class... Rest>
struct Distinct<std::variant<Kept...>, T, Rest...>
    : std::conditional_t<(std::is_same_v<T, Kept> || ...), Distinct<std::variant<Kept...>, Rest...>,
                         Distinct<std::variant<Kept..., T>, Rest...>> {};
template <class Variant>
struct SavedOf;
template <class... L>
struct SavedOf<std::variant<L...>> : Distinct<std::variant<NothingSaved>, typename L::Saved...> {};

// The Saved of any layer.
using AnySaved = SavedOf<AnyLayer>::type;

}  // namespace mudra
