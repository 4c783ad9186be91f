#include "mudra/studio/hand_features.h"

#include <utility>

#include "mudra/core/error.h"
#include "mudra/core/hash.h"
#include "mudra/core/thread_team.h"
#include "mudra/experiment/choices.h"
#include "mudra/inference/features.h"

namespace mudra {
namespace {

Model checked(Model model) {
  if (!finds_hands(model))
    throw Error("finds no hands, so that signs cannot be taught with it", "model",
                "Use the model in the box, or one that was trained from it");
  return model;
}

uint64_t seed_of(const Image& picture) {
  Hash128 hash;
  hash.add_values(picture.bytes);
  return std::stoull(hash.text().substr(0, 16), nullptr, 16);
}

}  // namespace

HandReader::HandReader(Model model)
    : model_(checked(std::move(model))),
      width_(last_layer_of(model_.network).input.elements()),
      cutter_(model_) {}

HandFeatures HandReader::read(const Image& picture) const {
  const HandCuts cuts = cutter_.cut_out(picture);
  if (!cuts.found()) return {};
  const Preprocessing& input = model_.preprocessing;
  const auto looks = std::ssize(cuts.looks);
  std::vector<uint8_t> bytes;
  for (const HandCut& cut : cuts.looks)
    bytes.insert(bytes.end(), cut.image.bytes.begin(), cut.image.bytes.end());
  Dataset data;
  data.pixels = Pixels({looks, input.height, input.width, input.channels}, std::move(bytes));
  data.classes = {"hand"};
  data.labels.assign(static_cast<size_t>(looks), 0);
  std::vector<Row> rows, copies;
  for (int64_t i = 0; i < looks; ++i) rows.push_back(static_cast<Row>(i));
  for (int64_t i = 0; i < changed_copies; ++i) copies.push_back(static_cast<Row>(i % looks));
  ThreadTeam team(1);
  const Pixels plain = features_of(model_.network, data, rows, team).pixels;
  // A row stands for what is drawn for it, so that every copy is a row of its own.
  const Dataset repeated = data.select(copies);
  std::vector<Row> all;
  for (int64_t i = 0; i < changed_copies; ++i) all.push_back(static_cast<Row>(i));
  const Pixels changed =
      features_of(model_.network, repeated, all, team, {Augmentation::parse(sign_changes), seed_of(picture)})
          .pixels;
  HandFeatures features{std::vector<float>(static_cast<size_t>(width_)),
                        std::vector<float>(static_cast<size_t>(changed_copies * width_))};
  std::vector<float> look(static_cast<size_t>(width_));
  for (int64_t i = 0; i < looks; ++i) {
    plain.read(i, look.data());
    for (size_t f = 0; f < look.size(); ++f) features.seen[f] += look[f] / static_cast<float>(looks);
  }
  for (int64_t i = 0; i < changed_copies; ++i) changed.read(i, features.changed.data() + i * width_);
  return features;
}

}  // namespace mudra
