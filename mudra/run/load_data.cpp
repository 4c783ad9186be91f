#include "mudra/run/load_data.h"

#include <algorithm>

#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/core/text.h"
#include "mudra/data/read_dataset.h"
#include "mudra/data/read_example_weights.h"
#include "mudra/features/prepare.h"
#include "mudra/report/summary.h"
#include "mudra/synth/render_hands.h"

namespace mudra {
namespace {

struct Size {
  int height = 0, width = 0;
};

// "28x28" or "28"; nothing for an empty text
Size parse_size(const std::string& text) {
  Size size;
  if (text.empty()) return size;
  const size_t cross = text.find('x');
  const std::string_view all = text;
  const std::string_view width = cross == std::string::npos ? all : all.substr(cross + 1);
  for (const auto& [part, value] :
       {std::pair(all.substr(0, cross), &size.height), std::pair(width, &size.width)}) {
    *value = parse_number<int>(part).value_or(0);
    if (*value < 1 || *value > 4096) {
      throw usage_error("'" + text + "' is not a size", "--size", "Give height x width, such as 28x28");
    }
  }
  return size;
}

// "synth:2000" or "synth:2000:ankara"
Dataset render(const std::string& source, const Size& size, uint64_t seed, ThreadTeam& team,
               const Progress& progress) {
  SynthOptions synth;
  synth.seed = seed;
  const std::string_view rest = std::string_view(source).substr(source.find(':') + 1);
  const size_t colon = rest.find(':');
  synth.count = parse_number<int64_t>(rest.substr(0, colon)).value_or(0);
  if (synth.count < 1) {
    throw usage_error("'" + source + "' names no number of images", "DATA",
                      "Write it as synth:2000 or synth:2000:mixed");
  }
  if (colon != rest.npos) synth.domain = rest.substr(colon + 1);
  if (size.height != size.width)
    throw usage_error("rendered images are square", "--size", "Give one number, such as 28");
  if (size.height > 0) synth.size = size.height;
  Dataset data = render_hands(synth, team, progress);
  data.source = source;
  return data;
}

Fit fit_of(const Options& options) { return options.fit == "stretch" ? Fit::stretch : Fit::keep_aspect; }

// "5,000 images 28x28, ten classes"
std::string description(const Dataset& data) {
  const Shape& shape = data.pixels.shape();
  return thousands(shape[0]) + (shape[0] == 1 ? " image " : " images ") + std::to_string(shape[1]) + "x" +
         std::to_string(shape[2]) + (shape[3] == 3 ? " in colour, " : ", ") +
         number_word(static_cast<int64_t>(data.classes.size())) +
         (data.classes.size() == 1 ? " class" : " classes");
}

LoadedData load(const Options& options, ThreadTeam& team, const Progress& progress = {}) {
  const std::string source = options.data.empty() ? std::string(default_data) : options.data;
  const Size size = parse_size(options.size);
  if (options.channels == 2) {
    throw usage_error("2 is no number of channels", "--channels", "Give 1 for grey or 3 for colour");
  }
  Dataset data;
  if (source.starts_with("synth:")) {
    data = render(source, size, options.seed, team, progress);
  } else {
    ReadOptions read;
    read.groups = options.groups;
    read.labels = options.labels;
    read.strict = options.strict;
    read.channels = options.channels;
    read.fit = fit_of(options);
    read.height = size.height;
    read.width = size.width;
    read.progress = progress;
    data = read_dataset(source, read);
  }
  if (!options.example_weights.empty()) read_example_weights(options.example_weights, data);
  const std::string text = data.source + ": " + description(data);
  if (options.classes.empty()) return {std::move(data), text};
  Dataset kept = data.keep_classes(options.classes);
  const std::string names = kept.classes.size() > 12
                                ? thousands(static_cast<int64_t>(kept.classes.size())) + " classes"
                                : listed(kept.classes);
  const std::string count = thousands(kept.size());
  return {std::move(kept), text + "; kept " + names + ": " + count};
}

}  // namespace

LoadedData load_data(const Options& options, ThreadTeam& team, const Progress& progress) {
  auto [data, text] = load(options, team, progress);
  const Size size = parse_size(options.size);
  const Shape& found = data.pixels.shape();
  Preprocessing wanted{static_cast<int>(found[1]), static_cast<int>(found[2]), static_cast<int>(found[3]),
                       fit_of(options)};
  if (size.height > 0) wanted.height = size.height, wanted.width = size.width;
  if (options.channels > 0) wanted.channels = options.channels;
  return {fit_to(std::move(data), wanted), text};
}

LoadedData load_data_for(const Model& model, const Options& options, ThreadTeam& team) {
  auto [data, text] = load(options, team);
  std::string known;
  for (const std::string& name : model.classes) known += (known.empty() ? "" : ",") + name;
  std::vector<int32_t> index;
  for (const std::string& name : data.classes) {
    const auto at = std::find(model.classes.begin(), model.classes.end(), name);
    if (at == model.classes.end()) {
      throw Error("has class '" + name + "', which the model does not know", data.source,
                  "Keep what it knows with --classes " + known);
    }
    index.push_back(static_cast<int32_t>(at - model.classes.begin()));
  }
  for (int32_t& label : data.labels) label = index[static_cast<size_t>(label)];
  data.classes = model.classes;
  return {fit_to(std::move(data), model.preprocessing), text};
}

Network network_for(const Options& options, const Dataset& data) {
  const Shape& images = data.pixels.shape();
  return Network::parse(options.network, {1, images[1], images[2], images[3]},
                        outputs_for(static_cast<int64_t>(data.classes.size())));
}

}  // namespace mudra
