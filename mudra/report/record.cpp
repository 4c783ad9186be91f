#include "mudra/report/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <variant>

#include "mudra/core/text.h"
#include "mudra/data/leaks.h"
#include "mudra/report/environment.h"
#include "mudra/report/kept_epochs.h"
#include "mudra/report/summary.h"

namespace mudra {
namespace {

// The first layer with weights, if it is dense and so looks at pixels.
const Dense* first_dense(const Network& network) {
  for (const AnyLayer& layer : network.layers) {
    if (const Dense* dense = std::get_if<Dense>(&layer)) return dense;
    if (!std::holds_alternative<Flatten>(layer)) return nullptr;
  }
  return nullptr;
}

// [units, H, W, C] from the file's order [units, C * H * W].
std::vector<float> weight_images(const Dense& dense, const Shape& image) {
  const std::vector<Scalar> flat = to_file_order(list(dense.parameters)[0]);
  const int64_t pixels = image[1] * image[2], channels = image[3];
  std::vector<float> images(flat.size());
  for (int64_t unit = 0; unit < dense.out; ++unit) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t p = 0; p < pixels; ++p) {
        images[static_cast<size_t>((unit * pixels + p) * channels + c)] =
            flat[static_cast<size_t>((unit * channels + c) * pixels + p)];
      }
    }
  }
  return images;
}

// A word of a command line.
std::string quoted(const std::string& word) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-:,+=@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::vector<OptionRecord> option_records(const Options& options) {
  const auto defaults = option_texts({}), texts = option_texts(options);
  std::vector<OptionRecord> records;
  for (size_t i = 0; i < texts.size(); ++i)
    records.push_back({texts[i].first, texts[i].second, texts[i] != defaults[i]});
  return records;
}

std::string network_text(const Network& network) {
  return network.text() + ", " + thousands(network.parameter_count()) + " parameters";
}

std::vector<FoldRecord> fold_records(const Experiment& experiment, const ExperimentResult& result) {
  if (experiment.split.folds.size() < 2) return {};
  std::vector<FoldRecord> folds;
  size_t at = 0;
  for (const Fold& fold : experiment.split.folds) {
    folds.push_back({fold.name, static_cast<int64_t>(fold.test.size()), 0});
    for (const Row row : fold.test)
      folds.back().right += result.answers.labels[at++] == experiment.data.labels[row];
  }
  return folds;
}

LabelRecord labels_of(const std::vector<int32_t>& photographs, const ExperimentResult& result) {
  LabelRecord record;
  if (!result.labels) return record;
  record.count = static_cast<int64_t>(result.labels->suspects.size());
  std::set<int32_t> shown;
  for (LabelSuspect suspect : result.labels->suspects) {
    if (record.first.size() == most_listed_suspects) break;
    if (!photographs.empty() && !shown.insert(photographs[suspect.row]).second) continue;
    suspect.row =
        static_cast<Row>(std::ranges::find(result.test_rows, suspect.row) - result.test_rows.begin());
    record.first.push_back(suspect);
  }
  return record;
}

std::vector<std::string> notes_of(const Dataset& data) {
  std::vector<std::string> notes = data.notes;
  constexpr size_t most_named = 5;
  const size_t named = std::min(data.skipped.size(), most_named);
  for (size_t i = 0; i < named; ++i) notes.push_back("skipped: " + data.skipped[i]);
  if (named < data.skipped.size())
    notes.push_back("and " + thousands(static_cast<int64_t>(data.skipped.size() - named)) + " more skipped");
  return notes;
}

// `initial` may be null.
WeightImages weights_of(const Network* initial, const Network& trained) {
  const Dense* after = first_dense(trained);
  if (!after) return {};
  const Shape& image = trained.input;
  return {{after->out, image[1], image[2], image[3]},
          initial ? weight_images(*first_dense(*initial), image) : std::vector<float>(),
          weight_images(*after, image)};
}

int64_t tested(const Experiment& experiment) {
  int64_t images = 0;
  for (const Fold& fold : experiment.split.folds) images += static_cast<int64_t>(fold.test.size());
  return images;
}

// Whether the hands of the test were in training, as far as that is known: a sentence or two.
std::string same_hands_doubt(const Experiment& experiment) {
  if (experiment.data.groups.empty()) {
    return fmt::format(
        "The split was {}. Whose hands the pictures show is not known, so training may have seen the hands "
        "it is tested on.",
        experiment.split.description);
  }
  const int64_t known = images_of_trained_groups(experiment);
  if (known == 0 && has_unknown_hands(experiment)) {
    return fmt::format(
        "The split was {}. Whose hands the extra pictures show is not known, so training may have seen the "
        "hands "
        "it is tested on.",
        experiment.split.description);
  }
  if (known == 0) {
    return fmt::format("The split was {}: no hand it is tested on was in training.",
                       experiment.split.description);
  }
  return fmt::format(
      "The split was {}: {} of the {} held-out pictures show a hand that training has seen too, so this "
      "speaks for more pictures of the same hands, not for new hands.",
      experiment.split.description, thousands(known), thousands(tested(experiment)));
}

// What tells more than a split that left near copies on both sides.
std::string split_advice(const Experiment& experiment) {
  constexpr size_t few_groups = 10;  // below, a fifth of them is one hand or two: chance decides which
  if (experiment.data.groups.empty()) {
    return "Splitting by hand tells more: `--split leave-one-group-out --groups FILE`, or from ten hands on "
           "`--split group --groups FILE`";
  }
  if (images_of_trained_groups(experiment) == 0)
    return "Hands may be alike, or one have two names: `mudra data leaks` shows the pairs";
  const std::set<int32_t> groups(experiment.data.groups.begin(), experiment.data.groups.end());
  return fmt::format("Splitting by hand tells more: `--split {}`",
                     groups.size() < few_groups ? "leave-one-group-out" : "group");
}

void add_doubts(const Experiment& experiment, std::optional<int64_t> near_copies, RunRecord& record) {
  record.doubts.push_back(same_hands_doubt(experiment));
  if (!near_copies) {
    record.doubts.emplace_back("There are too many pictures to look for near copies after every training.");
  } else if (*near_copies == 0) {
    record.doubts.emplace_back("No held-out picture has a near copy among the training pictures.");
  }
}

}  // namespace

std::optional<int64_t> count_near_copies(const Experiment& experiment) {
  ThreadTeam team(threads_allowed(experiment.options.run));
  return count_near_copies(experiment.data, experiment.split, team);
}

std::vector<std::string> warnings_of(const Experiment& experiment, const ExperimentResult& result,
                                     std::optional<int64_t> near_copies) {
  std::vector<std::string> warnings = warnings_of(result.test);
  if (experiment.options.refuse > 0 && result.model.rejection_threshold == 0) {
    warnings.emplace_back(
        "The model refuses nothing: what `--refuse` asks for is told by a validation part, such as "
        "`--validation 0.2`, or by several folds, and must be one of their pictures at least.");
  }
  const std::vector<std::string> trained = training_warnings(experiment, result);
  warnings.insert(warnings.end(), trained.begin(), trained.end());
  if (near_copies.value_or(0) > 0) {
    warnings.insert(warnings.begin(),
                    fmt::format("{} of the {} held-out pictures {} a near copy among the training pictures: "
                                "this is easier than a new hand. {}.",
                                thousands(*near_copies), thousands(tested(experiment)),
                                *near_copies == 1 ? "has" : "have", split_advice(experiment)));
  }
  return warnings;
}

std::vector<std::string> warnings_of(const ModelTest& test) {
  std::vector<std::string> warnings = warnings_of(test.evaluation);
  if (const int64_t known = test.trained_images.value_or(0); known > 0) {
    warnings.insert(
        warnings.begin(),
        fmt::format("The model was trained on {} of these {} pictures: this tells what it "
                    "remembers, not how well it reads new ones. Test on pictures it has not seen.",
                    thousands(known), thousands(test.data.size())));
  }
  return warnings;
}

int64_t images_trained_on(const Experiment& experiment) {
  const std::vector<Row>& train = experiment.model_training().train;
  int64_t begin = 0, count = 0;
  const auto add = [&](int64_t images, int times) {  // whose rows come so many times, one after the other
    count += std::ranges::count_if(train, [&](int64_t row) { return row >= begin && row < begin + images; });
    begin += images * times;
  };
  add(experiment.data.size(), experiment.options.data.repeat);
  for (const Extra& extra : experiment.extra) add(std::ssize(extra.data.labels), extra.times);
  return count;
}

std::string saved_model_text(const Experiment& experiment) {
  const Fold& fold = experiment.model_training();
  const auto pictures = [](int64_t count) { return thousands(count) + " pictures"; };
  std::string text = "learned from " + pictures(images_trained_on(experiment));
  if (!fold.validation.empty())
    text += ", " + pictures(std::ssize(fold.validation)) + " more chose its epoch";
  return text + (experiment.trains_on_all()
                     ? "; those held out are among them: the accuracy is that of networks trained "
                       "without them"
                     : "; the " + thousands(tested(experiment)) + " held out are not among them");
}

std::string describe_split(const Split& split) {
  const auto count = [](const std::vector<Row>& rows) {
    return thousands(static_cast<int64_t>(rows.size()));
  };
  const Fold& fold = split.folds[0];
  if (split.folds.size() > 1) {
    return thousands(static_cast<int64_t>(split.folds.size())) + " parts, each held out once, " +
           split.description;
  }
  return count(fold.train) + " to train, " +
         (fold.validation.empty() ? "" : count(fold.validation) + " to validate, ") + count(fold.test) +
         " held out, " + split.description;
}

RunRecord make_record(const Experiment& experiment, ExperimentResult result,
                      const std::filesystem::path& folder, int threads, std::optional<int64_t> near_copies) {
  RunRecord record;
  record.command = "mudra train --options " + quoted((folder / "options.toml").string());
  record.options = option_records(experiment.options);
  record.options_toml = to_toml(experiment.options);
  record.data = experiment.data_text;
  record.notes = notes_of(experiment.data);
  record.extra = extra_text(experiment.extra);
  record.split = describe_split(experiment.split);
  record.network = network_text(experiment.initial.network);
  record.trained_on = images_trained_on(experiment);
  record.saved_model = saved_model_text(experiment);
  const FoldResult& shown = result.trainings[experiment.shown_training()];
  record.shown_training = experiment.training(experiment.shown_training()).name;
  record.history = shown.history;
  record.kept_epoch = shown.kept_epoch;
  record.calibration = result.calibration;
  record.refusal = refusal_text(result.model);
  record.evaluation = result.test;
  record.true_evaluation = result.true_test;
  record.test = experiment.data.select(result.test_rows);
  record.folds = fold_records(experiment, result);
  record.answers = std::move(result.answers);
  record.labels = labels_of(experiment.data.photographs, result);
  record.weights = weights_of(&experiment.initial.network, result.model.network);
  record.epochs = read_kept_epochs(experiment, record, folder);
  record.seconds = result.seconds;
  record.environment = environment(threads);
  add_doubts(experiment, near_copies, record);
  record.warnings = warnings_of(experiment, result, near_copies);
  if (const std::string problem = result.problem(experiment); !problem.empty())
    record.warnings.insert(record.warnings.begin(), "Training did not go well: " + problem + ".");
  return record;
}

RunRecord make_record(const ModelTest& test, const Options& options, const std::filesystem::path& file) {
  RunRecord record;
  record.command = "mudra evaluate " + quoted(options.data.source) + " --model " + quoted(file.string());
  for (const OptionRecord& option : option_records(options)) {
    if (!option.changed || option.name == "data") continue;
    record.command += " --" + option.name + " " + quoted(option.text);
    record.options.push_back(option);
  }
  record.command += " --report";
  record.data = test.data_text;
  record.notes = notes_of(test.data);
  record.network = network_text(test.model.network) + ", from " + file.string();
  record.calibration = test.calibration;
  record.refusal = refusal_text(test.model);
  record.evaluation = test.evaluation;
  record.true_evaluation = test.true_evaluation;
  record.test = test.data;
  record.answers = test.answers;
  record.weights = weights_of(nullptr, test.model.network);
  record.seconds = test.seconds;
  record.environment = environment(test.threads);
  record.warnings = warnings_of(test);
  if (!test.trained_images) {
    record.doubts.emplace_back(
        "Whether the model learned from these pictures, or from the same hands, is not known here. If it "
        "did, this says less about new ones.");
  } else if (*test.trained_images == 0) {
    record.doubts.emplace_back(
        "No picture the model was trained on has the pixels of one of these. Whether it learned from the "
        "same hands is not known here. If it did, this says less about new ones.");
  }
  return record;
}

}  // namespace mudra
