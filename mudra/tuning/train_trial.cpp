#include "mudra/tuning/train_trial.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/core/thread_team.h"
#include "mudra/experiment/experiment.h"
#include "mudra/training/trainer.h"

namespace mudra {
namespace {

class InnerTrainings {
 public:
  InnerTrainings(const Tuning& tuning, const Search& search, const Draw& draw)
      : search_(search), data_(tuning.data_of(search)), options_(tuning.space.applied(tuning.options, draw)) {
    network_ = initial_network(options_, tuning.data);
  }

  // Trains fold by fold, or the folds at once where a step is not worth several threads.
  TrialResult run(int epochs, const std::vector<std::string>& weights, int threads,
                  const std::stop_token& stop) {
    const size_t folds = search_.folds.size();
    endings_.assign(folds, Ending::finished);
    results_.assign(folds, {});
    const bool goes_on = weights.size() == folds;
    const auto batch = std::min<int64_t>(options_.training.batch_size, data_.size());
    const int together = worthwhile_threads(network_, batch, threads);
    const int at_once = together >= threads ? 1 : std::min<int>(threads, static_cast<int>(folds));
    ThreadTeam folds_team(at_once);
    folds_team.run(static_cast<int64_t>(folds), [&](int64_t fold) {
      const auto at = static_cast<size_t>(fold);
      ThreadTeam team(at_once == 1 ? together : 1);
      train(at, epochs, goes_on ? weights[at] : std::string(), team, stop);
    });
    return pooled();
  }

 private:
  struct FoldScore {
    double score = 0, loss = 0, seconds = 0;
    std::string weights, problem;
  };

  void train(size_t fold, int epochs, const std::string& weights, ThreadTeam& team,
             const std::stop_token& stop) {
    Trainer trainer(network_, data_, search_.folds[fold], options_.training, options_.seed, team);
    if (!weights.empty()) {
      try {
        trainer.restore(weights, "the weights of a trial");
      } catch (const Error&) {  // damaged; from the start it comes to the same
        return train(fold, epochs, {}, team, stop);
      }
    }
    const size_t before = trainer.history().size();
    endings_[fold] = trainer.run(epochs, {}, stop);
    FoldScore& result = results_[fold];
    result.problem = trainer.problem();
    if (endings_[fold] == Ending::stopped || endings_[fold] == Ending::diverged) return;
    result.score = trainer.history().back().accuracy_held_out;
    result.loss = trainer.history().back().loss_held_out;
    for (size_t e = before; e < trainer.history().size(); ++e) result.seconds += trainer.history()[e].seconds;
    result.weights = trainer.state();
    epochs_ = epochs;
  }

  TrialResult pooled() {
    TrialResult trial;
    for (size_t fold = 0; fold < results_.size(); ++fold) {
      FoldScore& result = results_[fold];
      if (endings_[fold] == Ending::diverged && trial.ending != Ending::diverged) {
        trial.ending = Ending::diverged;
        trial.problem = search_.folds[fold].name + ": " + result.problem;
      }
      if (endings_[fold] == Ending::stopped && trial.ending == Ending::finished)
        trial.ending = Ending::stopped;
      const auto folds = static_cast<double>(results_.size());
      trial.score.score += result.score / folds;
      trial.score.loss += result.loss / folds;
      trial.score.seconds += result.seconds;
      trial.weights.push_back(std::move(result.weights));
    }
    trial.score.epochs = epochs_;
    return trial;
  }

  const Search& search_;
  const Dataset& data_;
  Options options_;
  Network network_;
  std::atomic<int> epochs_{0};
  std::vector<Ending> endings_;
  std::vector<FoldScore> results_;
};

}  // namespace

TrialResult train_trial(const Tuning& tuning, const Search& search, const Draw& draw, int epochs,
                        const std::vector<std::string>& weights, int threads, const std::stop_token& stop) {
  try {
    return InnerTrainings(tuning, search, draw).run(epochs, weights, threads, stop);
  } catch (const Error& error) {
    return {.ending = Ending::diverged, .score = {}, .weights = {}, .problem = error.what()};
  }
}

}  // namespace mudra
