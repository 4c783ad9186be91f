// Which images a run's model was trained on: trained_on.txt, a hash of each, in the run's folder.
#pragma once

#include <filesystem>

#include "mudra/experiment/experiment.h"

namespace mudra {

// Of the images the kept model learned from and those that chose its epoch; nothing for more than
// `most_searched` images. Throws Error when it cannot write.
void write_trained_images(const Experiment& experiment, const std::filesystem::path& folder);

// Counts the test's images that the model was trained on, if its run's folder tells; `model` is that folder
// or the model in it. A test with such images tells nothing of new hands.
void look_for_trained_images(ModelTest& test, const std::filesystem::path& model);

}  // namespace mudra
