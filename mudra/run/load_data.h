// From a source's name to images ready for a network.
#pragma once

#include "mudra/core/preprocessing.h"
#include "mudra/core/thread_team.h"
#include "mudra/data/dataset.h"
#include "mudra/network/model.h"
#include "mudra/training/options.h"

namespace mudra {

// What is rendered when no data are named.
inline constexpr std::string_view default_data = "synth:2000";

// Reads (or renders, for synth:N and synth:N:DOMAIN) options.data, keeps options.classes, brings images to
// options.size.
Dataset load_data(const Options& options, ThreadTeam& team);

// The same for a model that is there already: its classes and its size. Without options.classes every class
// in the data must be one of the model's; images are labelled by the model's classes.
Dataset load_data_for(const Model& model, const Options& options, ThreadTeam& team);

}  // namespace mudra
