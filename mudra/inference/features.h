// What all layers of a network but the last make of images: its features. A last layer for other classes
// learns from them within moments, since every image goes through the layers before it once, not once an
// epoch.
//
//   const Dataset features = features_of(network, data, rows, team);
//   Trainer trainer(last_layer_of(network), features, fold, options, seed, team);   // rows count from 0
//   trainer.run();
//   set_last_layer(network, trainer.kept());
#pragma once

#include <cstdint>
#include <span>

#include "mudra/core/thread_team.h"
#include "mudra/data/dataset.h"
#include "mudra/features/augmentation.h"
#include "mudra/network/network.h"

namespace mudra {

// How images are changed before; the same seed changes the image of a row in the same way.
struct Changes {
  Augmentation augment{};
  uint64_t seed = 1;
};

// Whether the last layer is a dense one behind others, so that it can learn alone.
bool has_features(const Network& network);

// The examples at `rows`, in that order, with features [N, 1, 1, F] in place of their images [N, H, W, C],
// which must be of the network's input size. The same bits for any team and in any company. Throws Error
// unless has_features().
Dataset features_of(const Network& network, const Dataset& data, std::span<const Row> rows, ThreadTeam& team,
                    const Changes& changes = {});

// The last layer as a network for such features: its logits of them are those of the whole network of the
// images, to the bit.
Network last_layer_of(const Network& network);

// Puts the layer of a last_layer_of() the network back into its place.
void set_last_layer(Network& network, const Network& last);

}  // namespace mudra
