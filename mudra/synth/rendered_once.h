// Rendered hands that are kept from one run to the next.
#pragma once

#include <filesystem>

#include "mudra/synth/render_hands.h"

namespace mudra {

// The data set of render_hands(), rendered once: the images are read from a file in the folder `cache`, which
// is made if it is not there yet. The file is found by the options and some of the images, so another way of
// rendering never meets it, and it is checked when it is opened. The folder keeps 4 GB of such files, those
// used last. When it is empty or cannot be written, or the images are more than that, they are rendered
// into memory, or when there are many, as they are read.
Dataset rendered_once(const SynthOptions& options, const std::filesystem::path& cache, ThreadTeam& team,
                      const Progress& progress = {});

}  // namespace mudra
