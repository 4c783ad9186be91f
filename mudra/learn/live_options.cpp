#include "mudra/learn/live_options.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "mudra/core/did_you_mean.h"
#include "mudra/core/text.h"
#include "mudra/experiment/load_data.h"
#include "mudra/network/network.h"

namespace mudra {
namespace {

constexpr std::string_view offered[] = {"data",       "classes",  "recipe",        "split",      "network",
                                        "init",       "seed",     "learning-rate", "batch-size", "epochs",
                                        "optimizer",  "momentum", "weight-decay",  "schedule",   "warm-up",
                                        "step-every", "shuffle",  "step-factor",   "size",       "channels"};
constexpr std::string_view recipes_offered[] = {"report"};  // a name of a file is not for others to choose
constexpr std::string_view recorded_size = "28x28";

constexpr int64_t guessed_images = 1000;                                 // of a folder that is not read yet
constexpr int64_t watched_images = 20'000, watched_pixels = 64'000'000;  // pixels of all images
constexpr int64_t watched_weights = 1'000'000;
constexpr int64_t watched_work = 5'000'000'000;  // multiply-adds of a step forward

std::string choices(std::span<const std::string_view> names) {
  std::string text;
  for (const std::string_view name : names) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

[[noreturn]] void refuse_data() {
  throw usage_error("are more than 20,000 images, or larger ones, which is too much to be watched", "--data",
                    "Choose fewer or smaller ones, such as synth:2000");
}

// A word of a command line.
std::string quoted(const std::string& text) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:_-+/@%";
  if (!text.empty() && text.find_first_not_of(plain) == text.npos) return text;
  std::string quoted = "'";
  for (const char c : text) c == '\'' ? quoted += "'\\''" : quoted += c;
  return quoted + "'";
}

}  // namespace

Options live_options(std::map<std::string, std::string> given, const std::filesystem::path& recordings) {
  for (const auto& [name, text] : given) {
    if (std::ranges::find(offered, name) == std::end(offered))
      throw usage_error("cannot be chosen for a training that is watched", "--" + name,
                        "Choose among " + choices(offered));
  }
  const auto recipe = given.find("recipe");
  if (recipe != given.end() &&
      std::ranges::find(recipes_offered, recipe->second) == std::end(recipes_offered))
    throw usage_error("is no recipe that can be watched", "--recipe", "Choose " + choices(recipes_offered));
  std::string& data = given["data"];
  if (data == recorded_signs) {
    if (recordings.empty())
      throw usage_error("there are no recorded signs", "--data", "Start the server with --data FOLDER");
    data = recordings.string();
    given["from"] = "none";
    given.try_emplace("size", recorded_size);
    given.try_emplace("channels", "1");
  } else if (!data.starts_with("synth:")) {
    throw usage_error("is neither rendered hands nor '" + std::string(recorded_signs) + "'", "--data",
                      "Ask for synth:2000, or for " + std::string(recorded_signs));
  }
  Options options = make_options({}, given);
  // Before images are rendered or read.
  const SizeOption& size = options.data.size;
  const int64_t images =
      is_rendered(options.data) ? synth_options(options.data.source, options.seed).count : guessed_images;
  if (images > watched_images || images * size.height * size.width > watched_pixels) refuse_data();
  return options;
}

std::string command_of(const Options& options) {
  std::map<std::string, std::string> begun;
  if (!options.recipe.empty()) begun["recipe"] = options.recipe;
  const Options base = make_options({}, begun);
  std::string command =
      "mudra train " + quoted(is_rendered(options.data) ? options.data.source : std::string(recorded_signs));
  if (!options.recipe.empty()) command += " --recipe " + options.recipe;
  const auto texts = option_texts(options), unsaid = option_texts(base);
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto& [name, text] = texts[i];
    if (name == "data" || name == "recipe") continue;
    const bool is_said = options.given.contains(name) && !base.given.contains(name);
    if (is_said || text != unsaid[i].second) command += " --" + name + " " + quoted(text);
  }
  return command;
}

void check_live(const Network& network, const Dataset& data, const Options& options) {
  if (!network.heads.empty())
    throw usage_error("has heads", "--network", "Leave them out: the output layer is added");
  for (const AnyLayer& layer : network.layers) {
    if (std::holds_alternative<Dropout>(layer) || std::holds_alternative<BatchNorm>(layer))
      throw usage_error("has layers that compute otherwise while they train", "--network",
                        "Leave out dropout and batch-norm");
  }
  if (network.parameter_count() > watched_weights)
    throw usage_error("has more than a million weights", "--network", "Choose a smaller one");
  if (network.multiply_adds() * options.training.batch_size > watched_work)
    throw usage_error("needs too much work for a step", "--network", "Choose a smaller one, or --batch-size");
  if (data.size() > watched_images || data.pixels.shape().elements() > watched_pixels) refuse_data();
}

}  // namespace mudra
