#include "mudra/run/checkpoint.h"

#include <xxhash.h>

#include <algorithm>
#include <memory>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/training/state.h"

namespace mudra {
namespace {

constexpr const char* format = "mudra checkpoint 3";

std::string fold_name(size_t fold) { return "fold." + std::to_string(fold); }

}  // namespace

std::string identity_of(const Experiment& experiment) {
  const Dataset& data = experiment.data;
  Options same = experiment.options;
  same.run = {};
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), XXH3_freeState);
  XXH3_128bits_reset(state.get());
  const auto add = [&](std::string_view text) { XXH3_128bits_update(state.get(), text.data(), text.size()); };
  add(to_toml(same));
  split_text(experiment.split, data.size(), add);
  for (const std::string& name : data.classes) add(name + '\0');
  for (const int32_t label : data.labels) add(std::to_string(label) + ' ');
  for (const float weight : data.example_weights) add(std::to_string(weight) + ' ');
  std::vector<float> image(static_cast<size_t>(data.pixels.shape().per_example()));
  const int64_t stride = std::max<int64_t>(1, data.size() / 256);
  for (int64_t row = 0; row < data.size(); row += stride) {
    data.pixels.read(row, image.data());
    add({reinterpret_cast<const char*>(image.data()), image.size() * sizeof(float)});
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
  return std::to_string(hash.high64) + "-" + std::to_string(hash.low64);
}

void save_checkpoint(const std::string& identity, const std::vector<FoldResult>& done, const Trainer& now,
                     const std::filesystem::path& folder) {
  Safetensors content;
  content.metadata = {{"format", format}, {"identity", identity}, {"folds", std::to_string(done.size())}};
  for (size_t f = 0; f < done.size(); ++f) {
    const FoldResult& fold = done[f];
    content.metadata[fold_name(f)] = history_text(fold.history);
    content.metadata[fold_name(f) + ".kept"] = std::to_string(fold.kept_epoch);
    content.metadata[fold_name(f) + ".ending"] = name_of(fold.ending);
    content.metadata[fold_name(f) + ".problem"] = fold.problem;
    // Class numbers, then probabilities. A float holds 16 million classes.
    const auto images = static_cast<int64_t>(fold.answers.size());
    content.arrays.push_back({fold_name(f), {1 + fold.answers.classes, images}, {}});
    auto& values = content.arrays.back().values;
    values.assign(fold.answers.labels.begin(), fold.answers.labels.end());
    values.insert(values.end(), fold.answers.probabilities.begin(), fold.answers.probabilities.end());
  }
  now.put_state(content);
  write_file_atomically(checkpoint_path(folder), write_safetensors(content));
}

void remove_checkpoint(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (entry.path().filename().string().starts_with("checkpoint.safetensors")) files.push_back(entry.path());
  }
  for (const auto& file : files) std::filesystem::remove(file, ignored);
}

Resumption load_checkpoint(const std::filesystem::path& folder, const std::string& identity) {
  const std::string where = checkpoint_path(folder).string();
  Resumption found{{}, read_safetensors(read_file(where), where), where};
  const Safetensors& content = found.trainer;
  const auto text = [&](const std::string& key) {
    const auto at = content.metadata.find(key);
    if (at == content.metadata.end())
      throw Error("lacks '" + key + "', so it is no checkpoint of ours", where,
                  "Remove it to train from the start");
    return at->second;
  };
  if (text("format") != format) {
    throw Error("has format '" + text("format") + "', not '" + format + "'", where,
                "Use the version of mudra that wrote it");
  }
  if (text("identity") != identity) {
    throw Error(
        "belongs to other data or options", where,
        "Bring back the images and options.toml it was made with, or remove it to train from the start");
  }
  for (size_t f = 0; f < parse_number<size_t>(text("folds")).value_or(0); ++f) {
    const NamedArray* array = content.find(fold_name(f));
    if (!array || array->shape.size() != 2 || array->shape[0] < 2)
      throw Error("lacks tensor " + fold_name(f), where, "Remove it to train from the start");
    const auto first = array->values.begin(), second = first + array->shape[1];
    found.done.push_back({history_from(text(fold_name(f))),
                          parse_number<int>(text(fold_name(f) + ".kept")).value_or(1),
                          value_named<Ending>(text(fold_name(f) + ".ending")).value_or(Ending::finished),
                          text(fold_name(f) + ".problem"),
                          {array->shape[0] - 1, {first, second}, {second, array->values.end()}},
                          {}});
  }
  return found;
}

}  // namespace mudra
