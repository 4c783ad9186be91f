// Marks of a residual block (He et al. 2016) in a network's flat list. A mark computes nothing: it says what
// happens to the value that flows from layer to layer, beside which a stack of values is kept.
//   fork       push it on the stack, and go on from it
//   shortcut   swap it with the top of the stack
//   add        pop the stack and add: y = x + what was kept
// In a line, `residual(A)` is fork, A, add: y = A(x) + x;
//            `residual(A | B)` is fork, A, shortcut, B, add: y = A(x) + B(x).
// lower() in mudra/network/graph.h resolves them; nobody else follows marks.
#pragma once

#include "mudra/layers/layer.h"

namespace mudra {

enum class MarkKind { fork, shortcut, add };

constexpr std::string_view mark_name(MarkKind mark) {
  return mark == MarkKind::fork ? "fork" : mark == MarkKind::shortcut ? "shortcut" : "add";
}

// Everything of a Layer but infer, forward and backward.
template <MarkKind Kind>
struct Mark : WithoutParameters {
  static constexpr MarkKind mark = Kind;
  static constexpr std::string_view kind = mark_name(Kind);
  static constexpr std::string_view usage = kind;

  static Mark parse(Words&, const Shape&) { return {}; }
  std::string text() const { return std::string(kind); }
};

using Fork = Mark<MarkKind::fork>;
using Shortcut = Mark<MarkKind::shortcut>;
using Add = Mark<MarkKind::add>;

template <class L>
concept IsMark = requires {
  L::mark;
};

}  // namespace mudra
