#include "mudra/report/tuning_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "mudra/core/atomic_file.h"
#include "mudra/core/text.h"
#include "mudra/report/gnuplot.h"
#include "mudra/report/page_parts.h"
#include "mudra/report/page_template.h"
#include "mudra/report/summary.h"

namespace mudra {
namespace {

// A rung that was reached.
struct Reached {
  int spent = 0;  // epochs trained by all trials until then
  double score = 0;
  int trial = 0, epochs = 0;
  double best = 0;  // of trials with all epochs so far; 0 of none
};

// In the order in which they were reached.
std::vector<Reached> history_of(const SearchResult& search) {
  std::map<int, std::pair<const Trial*, size_t>> all;
  for (const Trial& trial : search.trials) {
    for (size_t rung = 0; rung < trial.rungs.size(); ++rung) all[trial.rungs[rung].order] = {&trial, rung};
  }
  std::vector<Reached> history;
  Reached now;
  for (const auto& [order, at] : all) {
    const auto& [trial, rung] = at;
    const RungScore& score = trial->rungs[rung];
    now.spent += score.epochs - (rung > 0 ? trial->rungs[rung - 1].epochs : 0);
    now.score = score.score;
    now.trial = trial->number;
    now.epochs = score.epochs;
    if (trial->state == TrialState::complete && rung + 1 == trial->rungs.size())
      now.best = std::max(now.best, score.score);
    history.push_back(now);
  }
  return history;
}

Json history_json(const SearchResult& search) {
  Json points = Json::array();
  for (const Reached& at : history_of(search))
    points.push_back(
        {at.spent, number(at.score), at.trial, at.epochs, at.best > 0 ? number(at.best) : Json()});
  return points;
}

Figure history_figure(const Tuning& tuning, const SearchResult& search) {
  const int most = tuning.rungs.back();
  std::string parts = "$parts << EOD\n", whole = "$whole << EOD\n", best = "$best << EOD\n";
  for (const Reached& at : history_of(search)) {
    (at.epochs == most ? whole : parts) += fmt::format("{} {}\n", at.spent, 100 * at.score);
    if (at.best > 0) best += fmt::format("{} {}\n", at.spent, 100 * at.best);
  }
  return {
      "history",
      980,
      400,
      parts + "nan nan\nEOD\n" + whole + "nan nan\nEOD\n" + best + "nan nan\nEOD\n" +
          "set datafile missing 'nan'\nset border 3 lc rgb '#57606a'\nset tics nomirror out\n"
          "set grid ytics lc rgb '#d8dee4' lw 1\nset format y '%g%%'\nset key outside right center\n"
          "set xlabel 'epochs trained by all trials until then'\nset title 'Score of every trial'\n",
      {"$parts using 1:2 with points pt 6 ps 0.8 lc rgb '#76808d' title 'before the last epoch'",
       fmt::format("$whole using 1:2 with points pt 7 ps 1 lc rgb '#0b62b5' title 'after {} epochs'", most),
       "$best using 1:2 with steps lw 2 lc rgb '#0b62b5' title 'the best of these'"}};
}

Figure importance_figure(const SearchResult& search) {
  const auto rows = static_cast<int>(search.importance.size());
  std::string body =
      "set border 0\nset tics nomirror scale 0\nunset key\nset format x '%g%%'\nset style fill solid\n"
      "set title 'Share of the differences that an option explains'\nset xrange [0:100]\n"
      "set grid xtics lc rgb '#d8dee4' lw 1\nset lmargin 18\n" +
      fmt::format("set yrange [{}:-0.5]\n", static_cast<double>(rows) - 0.5);
  std::string ticks;
  for (int row = 0; row < rows; ++row) {
    const Importance& each = search.importance[static_cast<size_t>(row)];
    ticks += fmt::format("{}{} {}", row > 0 ? ", " : "", gnuplot_text(each.name), row);
    body += fmt::format("set object rectangle from 0,{} to {},{} fc rgb '#0b62b5' lw 0\n", row - 0.3,
                        100 * each.share, row + 0.3);
  }
  return {"importance", 700, 90 + 34 * rows, body + "set ytics (" + ticks + ") noenhanced\n", {"NaN"}};
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

// For every dimension, the most important first: [value, score, whether complete] of each trial at its first
// rung.
Json slices_of(const Tuning& tuning, const SearchResult& search) {
  Json slices = Json::array();
  for (const Importance& importance : search.importance) {
    const auto& dimension = *std::ranges::find(tuning.space.dimensions(), importance.name, &Dimension::name);
    Json points = Json::array(), choices = Json::array();
    for (const std::string& choice : dimension.choices)
      choices.push_back(clean(choice.empty() ? "(none)" : choice));
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
      "Of {} trials, {} trained all {} epochs. The best, trial {}, was right on {} of the images that its "
      "inner folds "
      "held out. It was chosen by that number, so it will do a little worse on new images: only a test that "
      "chose "
      "nothing says how well.",
      search.trials.size(), complete, tuning.options.training.epochs, best.number,
      percent(best.last()->score));
}

}  // namespace

std::string tuning_page(const Tuning& tuning, const TuningResult& result, const ExperimentResult* test) {
  const SearchResult& search = result.last();
  const std::string title = "Which options are best?", lead = lead_of(tuning, search);
  Json best = Json::array(), rungs = Json::array();
  for (const auto& [name, text] : tuning.space.texts(search.best()->draw))
    best.push_back({name, clean(text)});
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
                       {"history", history_json(search)},
                       {"slices", slices_of(tuning, search)},
                       {"trials", trials_of(tuning, search)}};
  std::string plain = title + "\n\n" + lead + "\n";
  for (const auto& [name, text] : tuning.space.texts(search.best()->draw))
    plain += "--" + name + " " + clean(text) + "\n";
  return filled_page(tuning_template, title, plain, record);
}

std::vector<std::string> write_tuning_report(const Tuning& tuning, const TuningResult& result,
                                             const ExperimentResult* test,
                                             const std::filesystem::path& folder) {
  write_file_atomically(folder / "report.html", tuning_page(tuning, result, test));
  std::vector<Figure> figures = {history_figure(tuning, result.last())};
  if (!result.last().importance.empty()) figures.push_back(importance_figure(result.last()));
  return draw(figures, folder / "figures");
}

}  // namespace mudra
