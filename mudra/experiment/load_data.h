// From a source's name to images ready for a network.
#pragma once

#include <string>

#include "mudra/core/progress.h"
#include "mudra/core/thread_team.h"
#include "mudra/data/read_dataset.h"
#include "mudra/experiment/options.h"
#include "mudra/inference/predictor.h"
#include "mudra/network/model.h"
#include "mudra/synth/render_hands.h"

namespace mudra {

// What is rendered when no data are named.
inline constexpr std::string_view default_data = "synth:50000";

// What "synth:2000" or "synth:2000:ankara" asks for. Throws a usage Error that names `option`.
SynthOptions synth_options(const std::string& source, uint64_t seed, std::string_view option = "DATA");

// Whether the images are rendered by the program: synth:N..., or no source at all.
bool is_rendered(const DataOptions& options);

struct LoadedData {
  Dataset data;
  std::string text;                 // "digits.npz: 5,000 images 28x28, ten classes; kept 0 and 5: 1,000"
  bool is_shrunk = false;           // by the `shrink` of load_data()
  std::vector<std::string> chosen;  // what nobody chose: "--network cnn"; only of load_and_choose()
  Answers answers = {};  // to every picture as it was read; only of load_data_for() a model that finds hands
};

// Reads (or renders with this seed, for synth:N and synth:N:DOMAIN) the source, keeps the classes asked for,
// and brings images to the size asked for, or large ones to that of `shrink`. Of rendered hands only the
// classes asked for are rendered. Throws Error.
LoadedData load_data(const DataOptions& options, uint64_t seed, ThreadTeam& team,
                     const Progress& progress = {}, const Shrink& shrink = {}, const Look& look = {});

// What a model that finds hands takes of a picture: the hand. Empty for any other.
Look look_of(const Model& model);

// The same for a model that is there already: its classes and its size. One that finds hands looks at whole
// pictures, so it answers while they are read; the images of the data are the hands cut out of them. Without
// options.classes every class in the data must be one of the model's; images are labelled by the model's
// classes. Data may have images of class "none", too: they are of the model's none_class or, for a model
// without one that refuses, of a class behind the model's.
LoadedData load_data_for(const Predictor& predictor, const DataOptions& options, uint64_t seed,
                         ThreadTeam& team, const Progress& progress = {});

}  // namespace mudra
