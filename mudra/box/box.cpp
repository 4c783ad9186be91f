#include "mudra/box/box.h"

#include <algorithm>

#include "mudra/core/did_you_mean.h"
#include "mudra/core/error.h"

namespace mudra {
namespace {

const BoxedModel* in_box(std::string_view name) {
  const auto found = std::ranges::find(boxed_models(), name, &BoxedModel::name);
  return found == boxed_models().end() ? nullptr : &*found;
}

Model model_of(const BoxedModel& boxed) {
  return model_from_bytes(boxed.bytes, "the model " + std::string(boxed.name) + " in the box");
}

std::vector<std::string> names_in_box() {
  std::vector<std::string> names;
  for (const BoxedModel& boxed : boxed_models()) names.emplace_back(boxed.name);
  return names;
}

}  // namespace

Model box_model(std::string_view name) {
  if (const BoxedModel* boxed = in_box(name)) return model_of(*boxed);
  throw usage_error("no model in the box is called '" + std::string(name) + "'", {},
                    did_you_mean(name, names_in_box()));
}

FoundModel find_model(const std::string& named) {
  if (named.empty()) return {box_model(), std::string(default_model), {}};
  if (std::filesystem::exists(named)) return {load_model(named), named, named};
  if (const BoxedModel* boxed = in_box(named)) return {model_of(*boxed), named, {}};
  // A word without a folder or an ending is a name rather than a file.
  const bool is_name = std::filesystem::path(named).filename() == named && named.find('.') == named.npos;
  if (!is_name) return {load_model(named), named, named};  // says why it cannot be read
  throw Error("is no file, and no model in the box", named, did_you_mean(named, names_in_box()));
}

}  // namespace mudra
