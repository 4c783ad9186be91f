#include "mudra/studio/lesson.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "mudra/core/text.h"
#include "mudra/data/label_index.h"
#include "mudra/experiment/calibrate.h"
#include "mudra/inference/features.h"
#include "mudra/inference/predictor.h"
#include "mudra/training/trainer.h"

namespace mudra {
namespace {

constexpr uint64_t lesson_seed = 1;
constexpr const char* trained_frames = "stratified:0.85";
constexpr int64_t most_folds = 5;
// Steps that a last layer needs; more hands take fewer passes.
constexpr int64_t wanted_steps = 4000, fewest_epochs = 3, most_epochs = 100;

TrainingOptions options_for(int64_t rows) {
  TrainingOptions options;
  options.learning_rate = 0.01;
  options.schedule = ScheduleKind::cosine;
  options.label_smoothing = 0.05;
  options.weight_decay = 0.01;
  const int64_t steps = std::max<int64_t>(1, (rows + options.batch_size - 1) / options.batch_size);
  options.epochs = static_cast<int>(std::clamp(wanted_steps / steps, fewest_epochs, most_epochs));
  return options;
}

Network network_for_classes(const Network& trained, int64_t classes) {
  std::vector<std::string> trunk = trained.items();
  trunk.pop_back();
  Network network =
      Network::parse(fmt::format("{}", fmt::join(trunk, ", ")), trained.input, outputs_for(classes));
  network.initialize(Initialization::he, lesson_seed);
  std::copy_n(trained.layers.begin(), trunk.size(), network.layers.begin());
  return network;
}

Dataset of_features(const std::vector<std::string>& classes, int64_t width, std::vector<float> values,
                    std::vector<int32_t> labels) {
  Dataset data;
  data.source = "recordings";
  data.classes = classes;
  data.pixels = Pixels({std::ssize(labels), 1, 1, width}, std::move(values), 1);
  data.labels = std::move(labels);
  return data;
}

// A model that is asked about features.
Model of_last_layer(const Model& model) {
  Model last;
  last.network = last_layer_of(model.network);
  last.classes = model.classes;
  last.none_class = model.none_class;
  last.preprocessing = {1, 1, static_cast<int>(last.network.input.elements()), Fit::stretch};
  return last;
}

// The recordings of each class, and their hands.
std::vector<std::map<int32_t, std::vector<Row>>> recordings_of(const Dataset& hands) {
  std::vector<std::map<int32_t, std::vector<Row>>> found(hands.classes.size());
  for (Row row = 0; row < hands.labels.size(); ++row)
    found[static_cast<size_t>(hands.labels[row])][hands.groups[row]].push_back(row);
  return found;
}

// The hands that no fold tests train in all of them.
void train_on_the_others(int64_t hands, std::vector<Fold>& folds) {
  for (Fold& fold : folds) {
    std::ranges::sort(fold.test);
    for (int64_t row = 0; row < hands; ++row) {
      if (!std::ranges::binary_search(fold.test, static_cast<Row>(row)))
        fold.train.push_back(static_cast<Row>(row));
    }
  }
}

}  // namespace

Lesson::Lesson(std::vector<std::string> classes, int64_t width, std::span<const Pupil> pupils,
               std::span<const HandFeatures> none) {
  std::vector<float> seen, changed;
  std::vector<int32_t> labels, copies;
  LabelIndex recordings;
  for (const Pupil& pupil : pupils) {
    seen.insert(seen.end(), pupil.hand->seen.begin(), pupil.hand->seen.end());
    changed.insert(changed.end(), pupil.hand->changed.begin(), pupil.hand->changed.end());
    labels.push_back(pupil.label);
    copies.insert(copies.end(), changed_copies, pupil.label);
    recordings.add(pupil.recording);
  }
  for (const HandFeatures& thing : none) {
    changed.insert(changed.end(), thing.changed.begin(), thing.changed.end());
    copies.insert(copies.end(), changed_copies, static_cast<int32_t>(classes.size()) - 1);
  }
  hands = of_features(classes, width, std::move(seen), std::move(labels));
  recordings.finish(hands.group_names, hands.groups);
  training = of_features(classes, width, std::move(changed), std::move(copies));
}

std::vector<Row> Lesson::training_rows(std::span<const Row> of_hands) const {
  constexpr auto copies = static_cast<Row>(changed_copies);
  std::vector<Row> rows;
  for (const Row hand : of_hands)
    for (Row copy = 0; copy < copies; ++copy) rows.push_back(hand * copies + copy);
  for (auto row = static_cast<Row>(hands.size()) * copies; row < training.labels.size(); ++row)
    rows.push_back(row);
  return rows;
}

std::optional<Model> learn(const Lesson& lesson, const Model& begun, std::span<const Row> hands,
                           const std::stop_token& stop) {
  Model taught;
  taught.network = network_for_classes(begun.network, std::ssize(lesson.classes()));
  taught.classes = lesson.classes();
  taught.none_class = taught.classes.back();
  taught.preprocessing = begun.preprocessing;
  taught.parts = begun.parts;
  taught.card["origin"] = fmt::format("taught by {} recorded pictures", thousands(std::ssize(hands)));
  if (const auto reads = begun.card.find("reads"); reads != begun.card.end()) taught.card.insert(*reads);
  const Fold fold{lesson.training_rows(hands), {}, ""};
  ThreadTeam team(1);
  Trainer trainer(last_layer_of(taught.network), lesson.training, fold, options_for(std::ssize(fold.train)),
                  lesson_seed, team);
  if (trainer.run({}, stop) == Ending::stopped) return std::nullopt;
  set_last_layer(taught.network, trainer.kept());
  return taught;
}

RecordingFolds folds_by_recording(const Lesson& lesson) {
  RecordingFolds found;
  const auto recordings = recordings_of(lesson.hands);
  int64_t most = 0;
  for (const auto& of_class : recordings) most = std::max(most, std::ssize(of_class));
  if (most < 2) most = 0;
  found.folds.resize(static_cast<size_t>(std::min(most, most_folds)));
  for (size_t c = 0; c < recordings.size(); ++c) {
    if (recordings[c].size() == 1) found.untested.push_back(lesson.classes()[c]);
    if (recordings[c].size() < 2) continue;
    size_t number = 0;
    for (const auto& [recording, rows] : recordings[c]) {
      std::vector<Row>& test = found.folds[number++ % found.folds.size()].test;
      test.insert(test.end(), rows.begin(), rows.end());
    }
  }
  train_on_the_others(lesson.hands.size(), found.folds);
  return found;
}

std::vector<Fold> fold_by_frames(const Lesson& lesson) {
  Split split = make_split(lesson.hands, trained_frames, lesson_seed, true);
  return std::move(split.folds);
}

std::optional<Check> check(const Lesson& lesson, std::span<const Fold> folds, Model& taught,
                           const std::stop_token& stop) {
  Check found;
  std::vector<AnsweredRows> tested;
  ThreadTeam team(1);
  for (const Fold& fold : folds) {
    if (fold.test.empty()) continue;
    const std::optional<Model> model = learn(lesson, taught, fold.train, stop);
    if (!model) return std::nullopt;
    tested.push_back({fold.test, Predictor(of_last_layer(*model)).answers(lesson.hands, fold.test, team)});
    found.tested.insert(found.tested.end(), fold.test.begin(), fold.test.end());
  }
  Dataset by_recording = lesson.hands;
  by_recording.photographs = by_recording.groups;  // what is not independent of each other
  if (tested.size() > 1) calibrate_by_folds(by_recording, 0, tested, taught);
  for (AnsweredRows& part : tested) found.answers.append(std::move(part.answers));
  const Dataset shown = by_recording.select(found.tested);
  found.evaluation = evaluate(shown.labels, found.answers, shown.classes, units_of(shown, lesson_seed), {},
                              false, none_label(taught));
  if (tested.size() > 1) found.suspects = find_label_errors(lesson.hands, folds, found.answers);
  return found;
}

}  // namespace mudra
