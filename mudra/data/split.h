// Which images train, which choose and which test. Several threads may divide the same data set at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/data/dataset.h"

namespace mudra {

struct Fold {
  std::vector<Row> train, test;   // rows of the data set, in the order they are taken
  std::string name;               // "fold 2", "hand 3"; empty when there is one
  std::vector<Row> validation{};  // rows that choose between epochs or options; often none
  std::vector<Fold> inner{};      // of a nested split: folds of the training part, to choose options by
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
//   stratified-kfold:5      the same with every class shared out evenly
//   group-kfold:5           the same with whole groups in every part, and parts of about the same size
//   leave-one-group-out     every group is tested once, by a network trained on the others
//   FILE                    a split.json, as write_split makes it
//   FILE:FOLD               of a nested split in a file, the folds within the fold of this name or number
// The same data, text and seed give the same split on any machine. Throws a usage Error when the text is none
// of these, when groups are needed and unknown, or when a class would be left out of training (of a single
// test part, too) and may not lack any.
Split make_split(const Dataset& data, const std::string& how, uint64_t seed, bool may_lack_classes = false);

// The same of some rows only: the folds within another fold's training part, when something is to be chosen
// without a look at its test part. `how` may be anything but a file. The numbers drawn differ from those of
// make_split.
Split split_rows(const Dataset& data, std::span<const Row> rows, const std::string& how, uint64_t seed);

// Nests a split: divides every fold's training part by `how` once more, by split_rows. Options are chosen by
// the inner folds, whose rows never are in the outer test part; the outer fold then tests the choice once.
// Throws a usage Error that names --inner when a training part cannot be divided so.
void nest_split(const Dataset& data, const std::string& how, uint64_t seed, Split& split);

// The rows that stand in any part of any fold, in their order in the data set.
std::vector<Row> rows_of(const Dataset& data, const Split& split);

// Moves a share of every fold's training part to its validation part, by the rule `how` the split was made
// by: within classes for stratified, whole groups for the rules by group, also for a file whose
// folds keep every group on one side; else at random. What stays keeps its order. A fold of a file that has a
// validation part keeps it. Throws a usage Error when training would lose a class or its only group.
void cut_validation(const Dataset& data, const std::string& how, double share, uint64_t seed, Split& split);

// The split that `how` names as a file, FILE or FILE:FOLD; nothing when there is no such file. Throws a usage
// Error when the file holds no split, or one of other data.
std::optional<Split> read_split(const std::string& how, const Dataset& data);

// {"description", "images", "folds": [{"name", "train": [rows], "test": [rows], "validation": [rows] if
// any, "inner": [folds] if any}]}; the second form hands it over piece by piece.
std::string split_text(const Split& split, int64_t images);
void split_text(const Split& split, int64_t images, const std::function<void(std::string_view)>& take);

// The same as a file. Throws Error when it cannot be written.
void write_split(const Split& split, int64_t images, const std::filesystem::path& path);

}  // namespace mudra
