// Functions that run on the best instruction set of the processor at hand. Headers of this folder declare
// them as constants, `extern void (*const name)(...)`, which are called like any function.
#pragma once

// NOLINTBEGIN(bugprone-macro-parentheses): they are names
// Defines such a NAME as FUNCTION, which is compiled once for every instruction set (Highway).
#define MUDRA_KERNEL(NAME, FUNCTION) \
  HWY_EXPORT(FUNCTION);              \
  constinit decltype(NAME) NAME = [](auto... arguments) { HWY_DYNAMIC_DISPATCH(FUNCTION)(arguments...); }
// NOLINTEND(bugprone-macro-parentheses)
