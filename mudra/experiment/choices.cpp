#include "mudra/experiment/choices.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <utility>

#include "mudra/box/box.h"
#include "mudra/data/image_file.h"
#include "mudra/data/split.h"
#include "mudra/experiment/experiment.h"
#include "mudra/inference/hand_cutter.h"

namespace mudra {
namespace {

constexpr Shrink large_pictures{48, 32};
constexpr int64_t fewest_steps = 400;
constexpr int64_t fewest_steps_to_check = 800;
constexpr int64_t fewest_steps_of_features = 1000;
constexpr size_t most_left_out = 10;  // groups; with more, a training for each takes too long

// Sets an option, and notes it as it stands on a command line, unless it was set before.
void choose(Options& options, const std::string& name, const std::string& text,
            std::vector<std::string>& chosen) {
  if (options.given.contains(name)) return;
  set_option(options, name, text);
  chosen.push_back("--" + name + " " + (text.find(' ') == text.npos ? text : "\"" + text + "\""));
}

// Passes over the training images that make enough steps, which few images need.
int64_t enough_epochs(const Options& options, int64_t least, double images, int64_t fewest) {
  const auto steps = static_cast<int64_t>(std::max(1.0, std::ceil(images / options.training.batch_size)));
  return std::max(least, (fewest + steps - 1) / steps);
}

// Photographs begin with the model in the box, unless somebody has said what is trained on which images.
bool may_begin_with_box(const Options& options) {
  for (const char* said : {"from", "network", "recipe", "size", "channels", "fit", "extra"})
    if (options.given.contains(said)) return false;
  if (!std::filesystem::is_directory(options.data.source)) return false;
  const ImageSize size = most_common_size(options.data.source);
  return large_pictures.applies(size.height, size.width);
}

// What signs are learned best with from few photographs: docs/accuracy.md#your-own-signs.
void choose_for_signs(Options& options, const LoadedData& loaded, std::vector<std::string>& chosen) {
  const size_t frozen = network_for(options, loaded.data).layers.size() - 1;
  choose(options, "freeze", std::to_string(frozen), chosen);
  if (options.training.freeze == static_cast<int>(frozen)) {
    choose(options, "repeat", "8", chosen);
    choose(options, "learning-rate", "0.01", chosen);
  }
  choose(options, "augment", std::string(sign_changes), chosen);
}

// A model to begin with has the layers, the size and the colours, and may find the hand in each picture.
Look choose_as_in_model(Options& options, std::vector<std::string>& chosen) {
  if (options.from.empty()) return {};
  const Model model = find_model(options.from).model;
  std::vector<std::string> trunk = model.network.items();
  trunk.pop_back();  // the last layer is for other classes
  const Preprocessing& images = model.preprocessing;
  choose(options, "network", fmt::format("{}", fmt::join(trunk, ", ")), chosen);
  choose(options, "size", SizeOption{images.height, images.width}.text(), chosen);
  choose(options, "channels", std::to_string(images.channels), chosen);
  choose(options, "fit", std::string(name_of(images.fit)), chosen);
  return look_of(model);
}

// Reads the data, large pictures smaller where nobody has said a size. Who gives a network by itself means it
// for the images as they are.
LoadedData load_at_size(Options& options, ThreadTeam& team, const Progress& progress) {
  std::vector<std::string> chosen;
  const Look look = choose_as_in_model(options, chosen);
  const bool picks_size =
      !options.given.contains("size") && (!options.given.contains("network") || !options.recipe.empty());
  LoadedData loaded =
      load_data(options.data, options.seed, team, progress, picks_size ? large_pictures : Shrink{}, look);
  Dataset& data = loaded.data;
  const Shape& shape = data.pixels.shape();
  if (const int64_t without = look && data.pixels.is_bytes() ? cuts_without_hand(data.pixels) : 0)
    data.notes.push_back(fmt::format("no hand was found in {} of {} pictures", without, data.size()));
  if (picks_size && loaded.is_shrunk)
    choose(options, "size", std::to_string(shape[1]) + "x" + std::to_string(shape[2]), loaded.chosen);
  loaded.chosen.insert(loaded.chosen.begin(), chosen.begin(), chosen.end());
  return loaded;
}

// Where the model in the box finds no hands, it has nothing to begin with.
LoadedData load_from_box_or_not(Options& options, ThreadTeam& team, const Progress& progress) {
  if (!may_begin_with_box(options)) return load_at_size(options, team, progress);
  Options begun = options;
  std::vector<std::string> chosen;
  choose(begun, "from", std::string(default_model), chosen);
  LoadedData loaded = load_at_size(begun, team, progress);
  if (2 * cuts_without_hand(loaded.data.pixels) > loaded.data.size())
    return load_at_size(options, team, progress);
  options = std::move(begun);
  loaded.chosen.insert(loaded.chosen.begin(), chosen.begin(), chosen.end());
  return loaded;
}

}  // namespace

LoadedData load_and_choose(Options& options, ThreadTeam& team, const Progress& progress) {
  const bool picks_network = !options.given.contains("network");
  LoadedData loaded = load_from_box_or_not(options, team, progress);
  const Dataset& data = loaded.data;
  if (is_rendered(options.data) && std::set(data.groups.begin(), data.groups.end()).size() > 1)
    choose(options, "split", "group", loaded.chosen);
  const bool is_folder = !data.files.empty();
  const bool is_shrunk = loaded.is_shrunk;
  if (!is_folder && !is_shrunk) return loaded;
  if (is_folder) choose(options, "split", "stratified:0.8", loaded.chosen);
  if (!options.from.empty()) {
    choose_for_signs(options, loaded, loaded.chosen);
  } else if (picks_network) {
    choose(options, "network", "cnn", loaded.chosen);
    choose(options, "augment", "rotate 10, scale 0.1, shift 2, brightness 0.2", loaded.chosen);
  }
  if (picks_network || !options.from.empty()) {
    const Split split = make_split(data, options.split, options.seed);
    const double images = static_cast<double>(split.folds[0].train.size()) * options.data.repeat;
    choose(options, "epochs",
           std::to_string(enough_epochs(options, options.training.epochs, images * (1 - options.validation),
                                        fewest_steps)),
           loaded.chosen);
  }
  return loaded;
}

std::vector<std::string> choose_to_fit(Options& options, int64_t examples, bool are_features) {
  std::vector<std::string> chosen;
  if (are_features) {
    choose(options, "learning-rate", "0.005", chosen);
    choose(options, "batch-size", "32", chosen);
  }
  const double learning = static_cast<double>(examples) * (1 - options.validation);
  const int64_t epochs = enough_epochs(options, options.training.epochs, learning,
                                       are_features ? fewest_steps_of_features : fewest_steps);
  choose(options, "epochs", std::to_string(epochs), chosen);
  return chosen;
}

LoadedData load_to_check(Options& options, ThreadTeam& team, const Progress& progress) {
  const bool picks_network = !options.given.contains("network");
  LoadedData loaded = load_at_size(options, team, progress);
  const Dataset& data = loaded.data;
  const size_t groups = std::set(data.groups.begin(), data.groups.end()).size();
  const bool knows_photographs = data.groups.empty() && !data.photographs.empty();
  choose(options, "split",
         groups > most_left_out || knows_photographs ? "group-kfold:5"
         : groups > 1                                ? "leave-one-group-out"
                      : "stratified-kfold:" + std::to_string(std::min<int64_t>(5, data.size())),
         loaded.chosen);
  if (!picks_network) return loaded;
  const std::pair<const char*, const char*> choices[] = {
      {"network",
       "batch-norm, conv 16 3x3, relu, pool 2, conv 32 3x3, relu, pool 2, dense 128, relu, dropout 0.4"},
      {"augment", "rotate 12, scale 0.1, shear 0.1, shift 2, background 0.1"},
      {"schedule", "cosine"},
      {"warm-up", "0.1"},
      {"learning-rate", "0.003"},
      {"label-smoothing", "0.1"}};
  for (const auto& [name, text] : choices) choose(options, name, text, loaded.chosen);
  const auto images = 0.8 * static_cast<double>(data.size()) * (1 - options.validation);
  choose(options, "epochs", std::to_string(enough_epochs(options, 12, images, fewest_steps_to_check)),
         loaded.chosen);
  return loaded;
}

}  // namespace mudra
