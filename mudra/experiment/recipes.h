// The recipes in the program: the TOML files of mudra/experiment/recipes, joined at build.
#pragma once

#include <string_view>
#include <vector>

namespace mudra {

struct NamedRecipe {
  std::string_view name, toml;
};

const std::vector<NamedRecipe>& recipes();

}  // namespace mudra
