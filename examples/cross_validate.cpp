// Renders hands in memory, trains a network for each part of the people on two threads at once, looks at the
// validation loss on the way, and asks the result about a picture. Writes no file.
#include <mudra/mudra.h>

#include <cstdio>
#include <exception>
#include <future>

namespace {

// The fold's training: five epochs, then more as long as the validation loss still falls.
mudra::FoldResult train_fold(const mudra::Experiment& experiment, size_t fold) {
  mudra::ThreadTeam team(1);
  mudra::Trainer trainer = mudra::trainer_for(experiment, fold, team);
  for (int epochs = 5; trainer.run(epochs) == mudra::Ending::finished && epochs < 30; epochs += 5) {
    if (trainer.kept_epoch() < epochs - 2) break;
  }
  std::printf("%-12s %zu epochs, the best is epoch %d: validation loss %.3f\n",
              experiment.training(fold).name.c_str(), trainer.history().size(), trainer.kept_epoch(),
              trainer.history()[static_cast<size_t>(trainer.kept_epoch() - 1)].loss_validation);
  return mudra::result_of(experiment, fold, std::move(trainer), team);
}

}  // namespace

int main() try {
  mudra::ThreadTeam team(2);
  const mudra::SynthOptions hands{.count = 1200};

  mudra::Options options;
  options.split = "group-kfold:3";  // by person: nobody is trained on and tested
  options.validation = 0.2;
  options.network = "conv 8 3x3, relu, pool 2, dense 64, relu";
  const mudra::Experiment experiment = mudra::prepare(mudra::render_hands(hands, team), options);

  std::vector<mudra::FoldResult> results(experiment.trainings());  // the folds, and one on all images
  for (size_t first = 0; first < results.size(); first += 2) {
    auto other = std::async(std::launch::async, [&] {
      if (first + 1 < results.size()) results[first + 1] = train_fold(experiment, first + 1);
    });
    results[first] = train_fold(experiment, first);
    other.get();
  }
  const mudra::ExperimentResult result = mudra::conclude(experiment, std::move(results));
  const mudra::NewGroup people = result.test.new_group.value();  // a split by group leaves them new
  std::printf("right on %.1f%% of %lld hands of people never seen (%.1f%% to %.1f%%)\n",
              100 * result.test.accuracy, static_cast<long long>(result.test.n), 100 * people.interval.low,
              100 * people.interval.high);

  const mudra::Predictor predictor(result.model);
  const mudra::Dataset another = mudra::render_hands({.count = 1, .size = 64, .seed = 7}, team);
  const mudra::Answer answer = predictor.answer(another.pixels).at(0);
  std::printf("a picture of %s looks like %s (%.0f%%)\n",
              another.classes[static_cast<size_t>(another.labels[0])].c_str(),
              result.model.classes[static_cast<size_t>(answer.label)].c_str(), 100 * answer.confidence);
} catch (const std::exception& error) {
  std::fprintf(stderr, "cross_validate: %s\n", error.what());
  return 1;
}
