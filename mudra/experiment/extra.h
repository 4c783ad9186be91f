// Images that only train, beside the data: --extra and --repeat. They are never tested, and none of them may
// tell a training of what it holds out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/core/progress.h"
#include "mudra/core/thread_team.h"
#include "mudra/data/dataset.h"
#include "mudra/data/split.h"
#include "mudra/experiment/options.h"

namespace mudra {

// What one --extra says: SOURCE, SOURCE:0.3 (a share of its images, drawn at random) or SOURCE:x4 (an epoch
// takes each of them four times).
struct ExtraSource {
  std::string source;
  double share = 1;  // above 0, up to 1
  int times = 1;

  static ExtraSource parse(const std::string& text);  // throws a usage Error
};

// The images of one --extra, ready to train with.
struct Extra {
  std::string text;  // as it was given
  Dataset data;      // of the size and the classes of the data trained on; each image once
  int times = 1;
  bool is_rendered = false;   // hands from nothing are near copies of no photograph
  int64_t other_classes = 0;  // images left out because they show none of the classes
  // Images that at least one training does without, for it holds out their group, or a near copy of them.
  int64_t of_held_out_groups = 0, near_copies = 0;
};

// Reads options.extra, for training on `data`. Rendered images are kept in default_cache_folder(). Throws
// Error.
std::vector<Extra> load_extra(const Options& options, const Dataset& data, ThreadTeam& team,
                              const Progress& progress = {});

// `data`, then its images options.repeat - 1 times more, then those of all extras; adds to the training part
// of each of `folds` (of `data`) the rows of the result that may train there. An extra image whose group, by
// its name, is in the fold's test or validation part may not; where groups are not known on both sides, one
// that is a near copy of an image there. Counts them in `extra`. Nothing when there is nothing to add.
std::optional<Dataset> add_extra(const Dataset& data, const Options& options, std::vector<Extra>& extra,
                                 std::vector<Fold>& folds);

// "synth:60000: 60,000 images; ankara:0.3: 495 images, of which 12 are left out where their hand is held out"
std::string extra_text(const std::vector<Extra>& extra);

}  // namespace mudra
