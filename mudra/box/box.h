// The models in the box: those the program carries, so that it answers before anybody has trained anything.
// They are the files of mudra/box/models, joined at build; a file's name is the model's.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/network/model.h"

namespace mudra {

struct BoxedModel {
  std::string_view name, bytes;  // of a model file
};

const std::vector<BoxedModel>& boxed_models();  // by name

// The one that answers when nobody names a model.
inline constexpr std::string_view default_model = "hands";

// Throws Error when no model in the box has this name.
Model box_model(std::string_view name = default_model);

struct FoundModel {
  Model model;
  std::string name;            // as it was given, or that of the model in the box
  std::filesystem::path path;  // the file, or the folder of a run; empty for a model in the box
};

// The model file or the run's folder of that name, else the model in the box that is called so; default_model
// for an empty name. Throws Error.
FoundModel find_model(const std::string& named);

}  // namespace mudra
