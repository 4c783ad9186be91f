// What a search for options is settled on before its first trial: the data, how they are divided, what may be
// drawn.
//
// The data are split as for a training. Every outer fold's training part is divided once more, by group where
// groups are known: a trial trains on the inner folds' training parts, and its score is the mean accuracy on
// what they hold out. The outer test part chooses nothing. With several outer folds each has a search of its
// own, and so has the training on all images in the end, as `mudra train` has one more training: the tests of
// the folds then tell how good it is to search and train so.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mudra/core/progress.h"
#include "mudra/data/dataset.h"
#include "mudra/data/split.h"
#include "mudra/experiment/extra.h"
#include "mudra/experiment/options.h"
#include "mudra/tuning/sampler.h"
#include "mudra/tuning/space.h"

namespace mudra {

// What a person may choose about a search, beside the options that all its trials have.
struct TuneOptions {
  std::string space = "default";
  int trials = 40;     // in all, not in addition to those that are there
  double seconds = 0;  // to begin nothing more after; 0: no limit
  std::string inner;   // how a training part is divided; empty: as inner_split() says
  SamplerKind sampler = SamplerKind::tpe;
  int halving = 3;  // of so many trials one goes on; 1: all do
};

// What stays the same for all trials. A plain value; trials refer to it.
struct Search {
  std::string name;                   // of the outer fold; empty when there is one
  std::vector<Fold> folds;            // inner ones; what they hold out is their test part
  std::optional<Dataset> with_extra;  // that the rows are of, if images are added that only train
};

struct Tuning {
  Options options;  // that all trials have
  TuneOptions choices;
  std::vector<std::string> fixed;  // options of the space that somebody has chosen
  SearchSpace space;
  Dataset data;
  std::string data_text;
  std::vector<Extra> extra;  // with their pixels
  Split split;               // outer
  std::string inner;         // how its training parts are divided
  std::vector<int> rungs;
  std::vector<Search> searches;  // one for each outer fold, and with several of them one for all images

  const Dataset& data_of(const Search& search) const { return search.with_extra ? *search.with_extra : data; }
};

// How a training part is divided unless somebody says so: by group into three, or as many as there are
// groups; within classes where groups are not known.
std::string inner_split(const Dataset& data, std::span<const Row> rows);

// Reads the data and what is to be added to it, then does as prepare_tuning() does.
Tuning read_tuning(Options options, const TuneOptions& choices, const std::vector<std::string>& given,
                   const Progress& progress = {});

// `given`: names of options that somebody chose for all trials. Throws Error for what cannot be.
Tuning prepare_tuning(Dataset data, const Options& options, const TuneOptions& choices,
                      const std::vector<std::string>& given, std::vector<Extra> extra = {});

}  // namespace mudra
