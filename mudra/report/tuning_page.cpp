#include "mudra/report/tuning_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "mudra/core/atomic_file.h"
#include "mudra/core/text.h"
#include "mudra/report/page_parts.h"
#include "mudra/report/page_template.h"
#include "mudra/report/summary.h"

namespace mudra {
namespace {

// [epochs trained by all trials until then, score, trial, its epochs, the best score of complete trials so far or
// null] for every rung that was reached, in that order.
Json history_of(const SearchResult& search) {
  struct Reached {
    const Trial* trial;
    size_t rung;
  };
  std::vector<Reached> all;
  for (const Trial& trial : search.trials) {
    for (size_t rung = 0; rung < trial.rungs.size(); ++rung) all.push_back({&trial, rung});
  }
  std::ranges::sort(all, {}, [](const Reached& each) { return each.trial->rungs[each.rung].order; });
  Json points = Json::array();
  int spent = 0;
  double best = 0;
  for (const Reached& each : all) {
    const RungScore& rung = each.trial->rungs[each.rung];
    spent += rung.epochs - (each.rung > 0 ? each.trial->rungs[each.rung - 1].epochs : 0);
    if (each.trial->state == TrialState::complete && each.rung + 1 == each.trial->rungs.size())
      best = std::max(best, rung.score);
    points.push_back({spent, number(rung.score), each.trial->number, rung.epochs, best > 0 ? number(best) : Json()});
  }
  return points;
}

std::string state_text(const Trial& trial, int epochs) {
  switch (trial.state) {
    case TrialState::complete:
      return "complete";
    case TrialState::failed:
      return "failed: " + trial.problem;
    case TrialState::running:
      return "running";
    case TrialState::waiting:
      break;
  }
  return trial.rungs.empty() ? "not begun" : fmt::format("left at {} of {}", trial.last()->epochs, epochs);
}

Json trials_of(const Tuning& tuning, const SearchResult& search) {
  Json rows = Json::array();
  std::vector<const Trial*> all = ranked(search.trials);
  for (const Trial& trial : search.trials) {
    if (std::ranges::find(all, &trial) == all.end()) all.push_back(&trial);
  }
  for (const Trial* trial : all) {
    Json options = Json::array();
    for (const auto& [name, text] : tuning.space.texts(trial->draw)) options.push_back({name, clean(text)});
    const RungScore* last = trial->last();
    double seconds = 0;
    for (const RungScore& rung : trial->rungs) seconds += rung.seconds;
    rows.push_back({{"trial", trial->number},
                    {"score", last ? percent(last->score) : "—"},
                    {"loss", last ? fmt::format("{:.3f}", last->loss) : "—"},
                    {"epochs", last ? last->epochs : 0},
                    {"seconds", fmt::format("{:.1f}", seconds)},
                    {"state", clean(state_text(*trial, tuning.options.training.epochs))},
                    {"options", std::move(options)}});
  }
  return rows;
}

// For every dimension, the most important first: [value, score, whether complete] of each trial at its first rung.
Json slices_of(const Tuning& tuning, const SearchResult& search) {
  Json slices = Json::array();
  for (const Importance& importance : search.importance) {
    const auto& dimension =
        *std::ranges::find(tuning.space.dimensions(), importance.name, &Dimension::name);
    Json points = Json::array(), choices = Json::array();
    for (const std::string& choice : dimension.choices) choices.push_back(clean(choice.empty() ? "(none)" : choice));
    for (const Trial& trial : search.trials) {
      const auto at = trial.draw.find(dimension.name);
      if (at == trial.draw.end() || trial.rungs.empty()) continue;
      points.push_back({at->second, number(trial.rungs.front().score), trial.number});
    }
    slices.push_back({{"name", dimension.name},
                      {"share", number(importance.share)},
                      {"low", dimension.low},
                      {"high", dimension.high},
                      {"log", dimension.is_log},
                      {"choices", std::move(choices)},
                      {"points", std::move(points)}});
  }
  return slices;
}

Json folds_of(const Tuning& tuning, const TuningResult& result) {
  Json rows = Json::array();
  for (const SearchResult& search : result.searches) {
    const Trial* best = search.best();
    if (search.name.empty() || best == nullptr) continue;
    std::string options;
    for (const auto& [name, text] : tuning.space.texts(best->draw))
      options += (options.empty() ? "" : "; ") + name + " " + (text.empty() ? "(none)" : text);
    rows.push_back({clean(search.name), percent(best->last()->score), clean(options)});
  }
  return rows;
}

Json test_of(const ExperimentResult* result) {
  if (result == nullptr) return nullptr;
  Json lines = Json::array();
  const auto add = [&](const Evaluation& test, std::string_view what) {
    lines.push_back(clean(accuracy_sentence(test, what)));
    if (const std::string words = new_hand_sentence(test); !words.empty()) lines.push_back(clean(words));
  };
  add(result->test, "held-out images");
  if (result->true_test) add(*result->true_test, "held-out images by their true labels");
  return lines;
}

std::string lead_of(const Tuning& tuning, const SearchResult& search) {
  const Trial& best = *search.best();
  const auto complete = std::ranges::count(search.trials, TrialState::complete, &Trial::state);
  return fmt::format(
      "Of {} trials, {} trained all {} epochs. The best, trial {}, was right on {} of the images that its inner folds "
      "held out. It was chosen by that number, so it will do a little worse on new images: only a test that chose "
      "nothing says how well.",
      search.trials.size(), complete, tuning.options.training.epochs, best.number, percent(best.last()->score));
}

}  // namespace

std::string tuning_page(const Tuning& tuning, const TuningResult& result, const ExperimentResult* test) {
  const SearchResult& search = result.last();
  const std::string title = "Which options are best?", lead = lead_of(tuning, search);
  Json best = Json::array(), rungs = Json::array();
  for (const auto& [name, text] : tuning.space.texts(search.best()->draw)) best.push_back({name, clean(text)});
  for (const int epochs : tuning.rungs) rungs.push_back(epochs);
  const Json record = {{"title", title},
                       {"lead", lead},
                       {"data", clean(tuning.data_text)},
                       {"split", clean(tuning.split.description)},
                       {"inner", clean(tuning.inner)},
                       {"best_score", percent(search.best()->last()->score)},
                       {"best", std::move(best)},
                       {"rungs", std::move(rungs)},
                       {"halving", tuning.choices.halving},
                       {"sampler", name_of(tuning.choices.sampler)},
                       {"seed", tuning.options.seed},
                       {"test", test_of(test)},
                       {"folds", folds_of(tuning, result)},
                       {"history", history_of(search)},
                       {"slices", slices_of(tuning, search)},
                       {"trials", trials_of(tuning, search)}};
  std::string plain = title + "\n\n" + lead + "\n";
  for (const auto& [name, text] : tuning.space.texts(search.best()->draw)) plain += "--" + name + " " + clean(text) + "\n";
  return filled_page(tuning_template, title, plain, record);
}

void write_tuning_page(const Tuning& tuning, const TuningResult& result, const ExperimentResult* test,
                       const std::filesystem::path& folder) {
  write_file_atomically(folder / "report.html", tuning_page(tuning, result, test));
}

}  // namespace mudra
