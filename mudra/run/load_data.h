// From a source's name to images ready for a network.
#pragma once

#include <string>
#include <utility>

#include "mudra/core/preprocessing.h"
#include "mudra/core/thread_team.h"
#include "mudra/data/dataset.h"
#include "mudra/network/model.h"
#include "mudra/training/options.h"

namespace mudra {

// What is rendered when no data are named.
inline constexpr std::string_view default_data = "synth:2000";

// The data and "digits.npz: 5,000 images 28x28, ten classes; kept 0 and 5: 1,000".
using LoadedData = std::pair<Dataset, std::string>;

// Reads (or renders, for synth:N and synth:N:DOMAIN) options.data, keeps options.classes, brings images to
// options.size.
LoadedData load_data(const Options& options, ThreadTeam& team, const Progress& progress = {});

// The same for a model that is there already: its classes and its size. Without options.classes every class
// in the data must be one of the model's; images are labelled by the model's classes.
LoadedData load_data_for(const Model& model, const Options& options, ThreadTeam& team);

// options.network for images and classes such as the data's, with no weights yet.
Network network_for(const Options& options, const Dataset& data);

}  // namespace mudra
