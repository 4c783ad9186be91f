#include "mudra/run/compare_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/core/text.h"
#include "mudra/experiment/load_data.h"

namespace mudra {
namespace fs = std::filesystem;
namespace {

// A row that several folds tested counts as often as all runs did: the first with the first.
using Place = std::pair<Row, int>;

std::map<Place, size_t> places_of(const Predictions& predictions) {
  std::map<Place, size_t> places;
  std::map<Row, int> times;
  for (size_t i = 0; i < predictions.rows.size(); ++i)
    places.emplace(Place{predictions.rows[i], times[predictions.rows[i]]++}, i);
  return places;
}

// The places of those images that all runs tested, a list for each run, in one order.
std::vector<std::vector<size_t>> tested_by_all(const std::vector<TestedRun>& runs) {
  std::vector<std::map<Place, size_t>> places;
  for (const TestedRun& run : runs) places.push_back(places_of(run.predictions));
  std::vector<std::vector<size_t>> common(runs.size());
  for (const auto& [place, first] : places[0]) {
    const auto has = [&, at = place](const auto& tested) { return tested.contains(at); };
    if (!std::ranges::all_of(places, has)) continue;
    for (size_t r = 0; r < runs.size(); ++r) common[r].push_back(places[r].at(place));
  }
  return common;
}

Predictions selected(const Predictions& all, const std::vector<size_t>& places) {
  Predictions some;
  const auto take = [&](const auto& from, auto& to) {
    for (size_t i = 0; i < places.size() && !from.empty(); ++i) to.push_back(from[places[i]]);
  };
  some.classes = all.classes;
  some.group_names = all.group_names;
  take(all.rows, some.rows);
  take(all.files, some.files);
  take(all.groups, some.groups);
  take(all.photographs, some.photographs);
  take(all.folds, some.folds);
  take(all.labels, some.labels);
  take(all.answers.labels, some.answers.labels);
  some.answers.classes = all.answers.classes;
  for (const size_t place : places) {
    const auto first =
        all.answers.probabilities.begin() + static_cast<std::ptrdiff_t>(place * all.classes.size());
    some.answers.probabilities.insert(some.answers.probabilities.end(), first,
                                      first + static_cast<std::ptrdiff_t>(all.classes.size()));
  }
  return some;
}

[[noreturn]] void refuse_data(const TestedRun& a, const TestedRun& b, const std::string& what) {
  throw Error(what, a.name + " and " + b.name, "Compare runs that read the same data");
}

// By what their options say of the source. The same file may stand elsewhere now; rendered hands have no
// file.
void check_sources(const TestedRun& a, const TestedRun& b) {
  if (!a.options || !b.options) return;
  const auto source = [](const Options& options) {
    const std::string& name = options.data.source;
    if (name.empty() || name.starts_with("synth:")) {
      return fmt::format("{} of seed {}", name.empty() ? default_data : name, options.seed);
    }
    const fs::path path = fs::path(name).lexically_normal();
    return (path.has_filename() ? path : path.parent_path()).filename().string();
  };
  if (const std::string of_a = source(*a.options), of_b = source(*b.options); of_a != of_b) {
    throw Error("read different data, " + of_a + " and " + of_b, a.name + " and " + b.name,
                "If they hold the same images in the same order, compare the two predictions.csv");
  }
}

void check_images(const TestedRun& a, const TestedRun& b) {
  const Predictions &of_a = a.predictions, &of_b = b.predictions;
  for (size_t i = 0; i < of_a.rows.size(); ++i) {
    const std::string& label_a = of_a.classes[static_cast<size_t>(of_a.labels[i])];
    const std::string& label_b = of_b.classes[static_cast<size_t>(of_b.labels[i])];
    if (label_a != label_b)
      refuse_data(a, b, fmt::format("row {} is labelled {} and {}", of_a.rows[i], label_a, label_b));
    if (!of_a.files.empty() && !of_b.files.empty() && of_a.files[i] != of_b.files[i])
      refuse_data(a, b, fmt::format("row {} is {} and {}", of_a.rows[i], of_a.files[i], of_b.files[i]));
  }
}

// But for those of which no result depends.
std::vector<DifferingOption> differing_options(std::vector<TestedRun> runs) {
  for (TestedRun& run : runs) {
    if (run.options) run.options->run = {};
  }
  std::vector<DifferingOption> found;
  std::set<std::string> known;  // distinct texts of one option
  const auto names = option_texts({});
  for (size_t o = 0; o < names.size(); ++o) {
    known.clear();
    found.push_back({names[o].first, {}});
    for (const TestedRun& run : runs) {
      found.back().texts.push_back(run.options ? option_texts(*run.options)[o].second : "");
      if (run.options) known.insert(found.back().texts.back());
    }
    if (known.size() < 2) found.pop_back();
  }
  return found;
}

void add_pairs(const std::vector<std::vector<uint8_t>>& right, const Predictions& images,
               const IndependentUnits& units, ComparedRuns& compared) {
  std::vector<double> p_values, units_p_values;
  for (size_t a = 0; a < right.size(); ++a) {
    for (size_t b = a + 1; b < right.size(); ++b) {
      compared.pairs.push_back({a, b, compare(right[a], right[b], images.labels, images.classes, units)});
      p_values.push_back(compared.pairs.back().comparison.p_value);
      units_p_values.push_back(compared.pairs.back().comparison.units_p_value);
    }
  }
  const std::vector<double> adjusted = holm(p_values), units_adjusted = holm(units_p_values);
  for (size_t i = 0; i < adjusted.size(); ++i) {
    compared.pairs[i].p_value_holm = adjusted[i];
    compared.pairs[i].units_p_value_holm = units_adjusted[i];
  }
}

}  // namespace

TestedRun read_tested_run(const fs::path& path) {
  TestedRun run;
  run.name = path.string();
  if (!fs::is_directory(path)) {
    run.predictions = read_predictions(path);
    return run;
  }
  if (!fs::exists(path / "options.toml"))
    throw Error("holds no run", run.name, "Name the folder of a run, or a file of predictions");
  if (!fs::exists(path / "predictions.csv"))
    throw Error("has no predictions.csv: the run is not over", run.name,
                "Go on with `mudra train --resume " + run.name + "`");
  try {
    run.options = make_options(path / "options.toml", {});
  } catch (const Error& error) {
    throw Error(error.what());  // the run is damaged, which is no wrong usage of the command
  }
  run.predictions = read_predictions(path / "predictions.csv");
  return run;
}

ComparedRuns compare_runs(std::vector<TestedRun> runs) {
  std::set<std::string> names;
  for (const TestedRun& run : runs) {
    if (!names.insert(run.name).second) throw usage_error("is named twice", run.name, "Name each run once");
  }
  if (runs.size() < 2) throw usage_error("name two runs or more");
  const std::vector<std::vector<size_t>> common = tested_by_all(runs);
  for (size_t r = 1; r < runs.size(); ++r) check_sources(runs[0], runs[r]);
  if (common[0].empty()) {
    throw Error("have no tested image in common", fmt::format("{}", fmt::join(names, ", ")),
                "Train with the same --split and --seed, or with kfold:5, which tests every image");
  }
  ComparedRuns compared;
  compared.n = static_cast<int64_t>(common[0].size());
  compared.options = differing_options(runs);
  for (size_t r = 0; r < runs.size(); ++r) {
    const auto tested = static_cast<int64_t>(runs[r].predictions.rows.size());
    runs[r].predictions = selected(runs[r].predictions, common[r]);
    check_images(runs[0], runs[r]);
    compared.runs.push_back({runs[r].name, 0, {}, tested, runs[r].predictions});
  }
  IndependentUnits units;
  for (const ComparedRun& run : compared.runs) {
    const Predictions& images = run.predictions;
    if (units.groups.empty()) units.groups = images.groups, units.group_names = images.group_names;
    if (units.photographs.empty()) units.photographs = images.photographs;
  }
  std::vector<std::vector<uint8_t>> right;
  for (size_t r = 0; r < runs.size(); ++r) {
    ComparedRun& run = compared.runs[r];
    right.push_back(run.predictions.right());
    run.accuracy = static_cast<double>(std::ranges::count(right[r], 1)) / static_cast<double>(compared.n);
    IndependentUnits drawn = units;
    if (runs[r].options) drawn.seed = runs[r].options->seed;
    run.interval = accuracy_interval(right[r], drawn);
  }
  add_pairs(right, compared.runs[0].predictions, units, compared);
  return compared;
}

Dataset load_compared_images(const Options& options, const Predictions& compared, const Progress& progress) {
  ThreadTeam team(threads_allowed(options.run));
  const Dataset data = load_data(options.data, options.seed, team, progress).data;
  std::map<Row, Row> place;  // of a row of the source
  for (int64_t row = 0; row < data.size(); ++row)
    place.emplace(data.source_row(static_cast<Row>(row)), static_cast<Row>(row));
  std::vector<Row> rows;
  for (size_t i = 0; i < compared.rows.size(); ++i) {
    const auto at = place.find(compared.rows[i]);
    const std::string& label = compared.classes[static_cast<size_t>(compared.labels[i])];
    const bool is_same =
        at != place.end() && data.classes[static_cast<size_t>(data.labels[at->second])] == label &&
        (compared.files.empty() || data.files.empty() || data.files[at->second] == compared.files[i]);
    if (!is_same)
      throw Error(fmt::format("row {} is no longer the image that was tested", compared.rows[i]),
                  data.source);
    rows.push_back(at->second);
  }
  return data.select(rows);
}

}  // namespace mudra
