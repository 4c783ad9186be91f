// Which images train and which test.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "mudra/data/dataset.h"

namespace mudra {

struct Fold {
  std::vector<int64_t> train, test;  // rows of the data set, in the order they are taken
  std::string name;                  // "fold 2", "hand 3"; empty when there is one
};

struct Split {
  std::string description;  // "random, seed 1"
  std::vector<Fold> folds;
};

// `how` is
//   0.8                     a random part of the images trains, the rest tests
//   stratified:0.8          the same within every class
//   group, group:0.8        whole groups (hands, signers): a part of the groups trains
//   kfold:5                 every image is tested once, by a network trained on the other parts
//   leave-one-group-out     every group is tested once, by a network trained on the others
//   FILE                    a split.json, as write_split makes it
// The same data, text and seed give the same split on any machine. Throws a usage Error when the text is none
// of these, when groups are needed and unknown, or when a class would be left out of training (of a single
// test part, too).
Split make_split(const Dataset& data, const std::string& how, uint64_t seed);

// {"description", "images", "folds": [{"name", "train": [rows], "test": [rows]}]}
std::string split_text(const Split& split, int64_t images);

}  // namespace mudra
