#include "mudra/run/record.h"

#include <algorithm>
#include <variant>

#include "mudra/core/text.h"
#include "mudra/run/doubts.h"
#include "mudra/run/environment.h"
#include "mudra/training/options.h"

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
  const Options defaults;
  std::vector<OptionRecord> records;
  for (const auto& [name, text] : to_pairs(options))
    records.push_back({name, text, text != option_text(defaults, name)});
  return records;
}

std::string network_text(const Network& network) {
  return network.text() + ", " + thousands(network.parameter_count()) + " parameters";
}

std::vector<FoldRecord> fold_records(const Run& run) {
  if (run.split.folds.size() < 2) return {};
  std::vector<FoldRecord> folds;
  size_t at = 0;
  for (const Fold& fold : run.split.folds) {
    folds.push_back({fold.name, static_cast<int64_t>(fold.test.size()), 0});
    for (const Row row : fold.test) folds.back().right += run.answers.labels[at++] == run.data.labels[row];
  }
  return folds;
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

WeightImages weights_of(const Network& initial, const Network& trained) {
  const Dense* before = first_dense(initial);
  const Dense* after = first_dense(trained);
  if (!before || !after) return {};
  const Shape& image = initial.input;
  return {{before->out, image[1], image[2], image[3]},
          weight_images(*before, image),
          weight_images(*after, image)};
}

void add_doubts(const Run& run, std::optional<int64_t> near_copies, RunRecord& record) {
  if (!run.trouble.empty()) record.warnings.push_back("Training did not go well: " + run.trouble + ".");
  record.doubts.push_back(same_hands_doubt(run));
  if (!near_copies) {
    record.doubts.emplace_back("There are too many pictures to look for near copies after every training.");
  } else if (*near_copies == 0) {
    record.doubts.emplace_back("No held-out picture has a near copy among the training pictures.");
  } else {
    record.warnings.push_back(near_copy_warning(run, *near_copies));
  }
}

}  // namespace

std::string describe_split(const Run& run) {
  const auto count = [](const std::vector<Row>& rows) {
    return thousands(static_cast<int64_t>(rows.size()));
  };
  const Fold& fold = run.split.folds[0];
  if (run.split.folds.size() > 1) {
    return thousands(static_cast<int64_t>(run.split.folds.size())) + " parts, each held out once, " +
           run.split.description;
  }
  return count(fold.train) + " to train, " +
         (fold.validation.empty() ? "" : count(fold.validation) + " to validate, ") + count(fold.test) +
         " held out, " + run.split.description;
}

RunRecord make_record(const Run& run, std::optional<int64_t> near_copies) {
  RunRecord record;
  record.command = "mudra train --options " + quoted((run.folder / "options.toml").string());
  record.options = option_records(run.options);
  record.options_toml = to_toml(run.options);
  record.data = run.data_text;
  record.notes = notes_of(run.data);
  record.split = describe_split(run);
  record.network = network_text(run.initial);
  const Fold& fold = run.split.folds[0];
  record.trained_on = static_cast<int64_t>(run.split.folds.size() == 1 ? fold.train.size()
                                                                       : rows_of(run.data, run.split).size());
  for (const Epoch& epoch : run.histories[0]) {
    record.history.push_back({epoch.number, epoch.loss_train, epoch.loss_held_out, epoch.accuracy_train,
                              epoch.accuracy_held_out, epoch.loss_validation, epoch.accuracy_validation});
  }
  record.kept_epoch = run.kept_epochs[0];
  record.evaluation = run.test;
  record.test = run.data.select(run.test_rows);
  record.answers = run.answers;
  record.folds = fold_records(run);
  record.weights = weights_of(run.initial, run.model.network);
  record.seconds = {run.seconds.load, run.seconds.train, run.seconds.evaluate, run.seconds.total};
  record.environment = environment(run.threads);
  add_doubts(run, near_copies, record);
  return record;
}

RunRecord make_record(const ModelTest& test) {
  RunRecord record;
  record.command = "mudra evaluate " + quoted(test.options.data) + " --model " + quoted(test.file.string());
  for (const OptionRecord& option : option_records(test.options)) {
    if (!option.changed || option.name == "data") continue;
    record.command += " --" + option.name + " " + quoted(option.text);
    record.options.push_back(option);
  }
  record.command += " --report";
  record.data = test.data_text;
  record.notes = notes_of(test.data);
  record.network = network_text(test.model.network) + ", from " + test.file.string();
  record.evaluation = test.evaluation;
  record.test = test.data;
  record.answers = test.answers;
  if (const Dense* dense = first_dense(test.model.network)) {
    const Shape& image = test.model.network.input;
    record.weights = {{dense->out, image[1], image[2], image[3]}, {}, weight_images(*dense, image)};
  }
  record.seconds = {test.seconds.load, 0, test.seconds.evaluate, test.seconds.total};
  record.environment = environment(std::max(1, test.options.threads));
  record.doubts.emplace_back(
      "Whether the model learned from these pictures, or from the same hands, is not known here. If it did, "
      "this says less about new ones.");
  return record;
}

}  // namespace mudra
