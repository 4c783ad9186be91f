#include "mudra/experiment/kept_epochs.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/inference/predictor.h"

namespace mudra {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view epoch_files[] = {".safetensors", ".csv", ".json"};  // in the order of writing

fs::path folder_of_epochs(const fs::path& folder) { return folder / "epochs"; }

fs::path epoch_file(const fs::path& folder, int epoch, std::string_view extension) {
  return folder_of_epochs(folder) / ("epoch-" + std::to_string(epoch) + std::string(extension));
}

// The epochs that have each of these files, by extension. Throws Error when the folder is there and cannot be
// listed.
std::map<std::string, std::vector<int>> epochs_by_file(const fs::path& folder) {
  std::map<std::string, std::vector<int>> found;
  std::error_code error;
  fs::directory_iterator entry(folder_of_epochs(folder), error);
  if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory) return found;
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string stem = entry->path().stem().string(), extension = entry->path().extension().string();
    constexpr std::string_view start = "epoch-";
    const auto number = stem.starts_with(start) ? parse_number<int>(stem.substr(start.size())) : std::nullopt;
    if (number.value_or(-1) >= 0 && entry->path() == epoch_file(folder, *number, extension))
      found[extension].push_back(*number);
  }
  if (error) throw Error("cannot list: " + error.message(), folder_of_epochs(folder).string());
  for (auto& [extension, numbers] : found) std::ranges::sort(numbers);
  return found;
}

std::string facts_of_epoch(const Experiment& experiment, const Fold& fold, const KeptEpoch& kept) {
  const size_t classes = experiment.data.classes.size();
  std::vector<int32_t> truth;
  for (const Row row : fold.test) truth.push_back(experiment.data.labels[row]);
  const std::vector<int64_t> counts = confusion_matrix(truth, kept.answers.labels, classes);
  int64_t right = 0;
  for (size_t c = 0; c < classes; ++c) right += counts[c * classes + c];
  const nlohmann::ordered_json facts = {{"epoch", kept.number},
                                        {"fold", fold.name},
                                        {"n", truth.size()},
                                        {"right", right},
                                        {"labels", experiment.data.classes},
                                        {"confusion", confusion_rows(counts, classes)}};
  return facts.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

std::vector<size_t> evenly_spread(size_t count, size_t of) {
  count = std::min(count, of);
  std::vector<size_t> chosen;
  for (size_t i = 0; i < count; ++i) chosen.push_back(count == 1 ? of - 1 : i * (of - 1) / (count - 1));
  return chosen;
}

std::vector<int> epochs_to_keep(int keep, int epochs) {
  if (keep < 1) return {};
  std::vector<int> numbers = {0};
  for (const size_t i : evenly_spread(static_cast<size_t>(keep), static_cast<size_t>(epochs)))
    numbers.push_back(static_cast<int>(i) + 1);
  return numbers;
}

bool is_epoch_kept(const Experiment& experiment, size_t training, const Trainer& now) {
  const int keep = experiment.options.run.keep_epochs;
  if (keep < 1 || training != experiment.shown_training()) return false;
  const std::vector<int> wanted = epochs_to_keep(keep, experiment.options.training.epochs);
  return std::ranges::binary_search(wanted, static_cast<int>(now.history().size())) ||
         now.is_out_of_patience();
}

KeptEpoch keep_epoch(const Experiment& experiment, const Trainer& now, ThreadTeam& team) {
  const Predictor predictor(model_with(experiment, now.reported()));
  const Fold& fold = experiment.training(experiment.shown_training());
  return {static_cast<int>(now.history().size()), predictor.model(),
          predictor.answers(experiment.data, fold.test, team)};
}

void write_kept_epoch(const Experiment& experiment, const KeptEpoch& kept, const fs::path& folder) {
  const Fold& fold = experiment.training(experiment.shown_training());
  const fs::path made = folder_of_epochs(folder);
  std::error_code error;
  fs::create_directories(made, error);
  if (error) throw Error("cannot make the folder: " + error.message(), made.string());
  const auto file = [&](std::string_view extension) { return epoch_file(folder, kept.number, extension); };
  for (const std::string_view extension : epoch_files) remove_temporaries(file(extension));  // of one killed
  save_model(kept.model, file(".safetensors"));
  write_predictions(experiment.data, fold.test, {&fold, 1}, kept.answers, file(".csv"));
  write_file_atomically(file(".json"), facts_of_epoch(experiment, fold, kept));
}

std::vector<int> kept_epochs_in(const fs::path& folder) { return epochs_by_file(folder)[".json"]; }

Model read_kept_model(const fs::path& folder, int epoch) {
  return load_model(epoch_file(folder, epoch, ".safetensors"));
}

Predictions read_kept_answers(const fs::path& folder, int epoch) {
  return read_predictions(epoch_file(folder, epoch, ".csv"));
}

void remove_kept_epochs(const fs::path& folder) {
  const auto found = epochs_by_file(folder);
  std::error_code ignored;
  for (const std::string_view extension : epoch_files) {
    const auto epochs = found.find(std::string(extension));
    if (epochs == found.end()) continue;
    for (const int epoch : epochs->second) fs::remove(epoch_file(folder, epoch, extension), ignored);
  }
  const fs::path emptied = folder_of_epochs(folder);
  if (fs::is_directory(fs::symlink_status(emptied, ignored))) fs::remove(emptied, ignored);
}

}  // namespace mudra
