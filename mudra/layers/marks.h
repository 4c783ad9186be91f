// Marks of a residual block (He et al. 2016) in a network's flat list. A mark computes nothing: beside the
// value that flows from layer to layer, whoever runs or writes a network keeps a stack of values.
//   fork       keep x as well: push it
//   shortcut   go on from the value kept, and keep the one reached so far: swap with the top
//   add        y = x + the value kept: pop it
// In a line, `residual(A)` is fork, A, add: y = A(x) + x;
//            `residual(A | B)` is fork, A, shortcut, B, add: y = A(x) + B(x).
#pragma once

#include "mudra/layers/layer.h"

namespace mudra {

enum class MarkKind { fork, shortcut, add };

constexpr std::string_view mark_name(MarkKind mark) {
  return mark == MarkKind::fork ? "fork" : mark == MarkKind::shortcut ? "shortcut" : "add";
}

// Everything of a Layer but forward and backward.
template <MarkKind Kind>
struct Mark {
  static constexpr MarkKind mark = Kind;
  static constexpr std::string_view kind = mark_name(Kind);
  static constexpr std::string_view usage = kind;
  using Parameters = NoParameters;
  using Saved = NothingSaved;
  using State = NoState;

  Parameters parameters;
  State state;

  static Mark parse(Words&, const Shape&) { return {}; }
  std::string text() const { return std::string(kind); }
  void initialize(Initialization, Rng&) {}
  Shape output_shape(const Shape& x) const { return x; }
  int64_t multiply_adds(const Shape&) const { return 0; }
  Saved make_saved(const Shape&, Mode) const { return {}; }
};

using Fork = Mark<MarkKind::fork>;
using Shortcut = Mark<MarkKind::shortcut>;
using Add = Mark<MarkKind::add>;

template <class L>
concept IsMark = requires {
  L::mark;
};

// Follows a value of any kind (a shape, a name, a buffer) through the marks.
template <class Value>
class MarkStack {
 public:
  bool empty() const { return kept_.empty(); }
  const Value& top() const { return kept_.back(); }
  void fork(const Value& now) { kept_.push_back(now); }
  void shortcut(Value& now) { std::swap(now, kept_.back()); }
  Value add() {
    Value value = std::move(kept_.back());
    kept_.pop_back();
    return value;
  }

 private:
  std::vector<Value> kept_;
};

}  // namespace mudra
