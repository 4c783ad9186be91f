// What is chosen when nobody chose: here and nowhere else.
#pragma once

#include <string_view>

#include "mudra/experiment/load_data.h"

namespace mudra {

// How photographs of signs are changed to train on: docs/accuracy.md#your-own-signs.
inline constexpr std::string_view sign_changes = "rotate 10, scale 0.1, shift 3, brightness 0.2";

// load_data() for a training. For a folder of pictures, and for images with a side above 48 pixels, sets what
// no recipe, file or text has set of
//   --from     the model in the box for a folder of photographs, unless somebody said what is trained on
//              which images, or it finds hands in less than half of them; with it
//   --network, --size, --channels, --fit   as in that model (with any --from, for any data)
//   --freeze   for a folder: all layers but the last, and what that learns best with
//   --size     32x32 for pictures larger than 48 pixels, unless --network was given without a recipe
//   --network  a small convolutional network; with it
//   --augment  mild changes
//   --epochs   30, or as many as make 400 steps
//   --split    of a folder: the same share of every class
// and, for rendered hands of several people,
//   --split    group: nobody is on both sides
// and says so in `chosen`, as it stands on a command line. Other data keep the defaults.
LoadedData load_and_choose(Options& options, ThreadTeam& team, const Progress& progress = {});

// For examples that a program hands over. Sets what no recipe, file or text has set, and returns it as it
// stands on a command line:
//   --epochs   30, or as many as make 400 steps; of features 1,000 steps
//   --learning-rate, --batch-size   of features: what learns a few hundred of them well
std::vector<std::string> choose_to_fit(Options& options, int64_t examples, bool are_features);

// load_data() for a check of labels. Sets what no recipe, file or text has set, and says so in `chosen`:
//   --size     as above
//   --network, --augment, --epochs, --schedule and so on: what is good within seconds (docs/labels.md)
//   --split    leave-one-group-out up to ten groups; group-kfold:5 for more, and for photographs where only
//              they are known; else stratified-kfold:5
LoadedData load_to_check(Options& options, ThreadTeam& team, const Progress& progress = {});

}  // namespace mudra
