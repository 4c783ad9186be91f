#include "mudra/run/trained_images.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "mudra/core/atomic_file.h"
#include "mudra/data/leaks.h"

namespace mudra {
namespace fs = std::filesystem;
namespace {

constexpr const char* file_name = "trained_on.txt";

// Of an image's values, 16 hex digits for each row asked about.
template <class Visit>
void visit_hashes(const Pixels& pixels, std::span<const Row> rows, Visit&& visit) {
  std::vector<float> image(static_cast<size_t>(pixels.shape().per_example()));
  for (const Row row : rows) {
    pixels.read(row, image.data());
    visit(fmt::format("{:016x}", XXH3_64bits(image.data(), image.size() * sizeof(float))));
  }
}

}  // namespace

void write_trained_images(const Experiment& experiment, const fs::path& folder) {
  // They are read once more. Of extra images too many to read, nobody asks.
  const int64_t images = experiment.training_data().size() > most_searched
                             ? experiment.data.size()
                             : experiment.training_data().size();
  if (images > most_searched) return;
  const Fold& fold = experiment.model_training();
  std::set<std::string> hashes;
  for (const auto* rows : {&fold.train, &fold.validation}) {
    std::vector<Row> asked;
    std::ranges::copy_if(*rows, std::back_inserter(asked), [&](Row row) { return row < images; });
    visit_hashes(experiment.training_data().pixels, asked,
                 [&](const std::string& hash) { hashes.insert(hash); });
  }
  std::string text;
  for (const std::string& hash : hashes) text += hash + "\n";
  write_file_atomically(folder / file_name, text);
}

void look_for_trained_images(ModelTest& test, const fs::path& model) {
  const fs::path file = (fs::is_directory(model) ? model : model.parent_path()) / file_name;
  if (!fs::exists(file)) return;
  const std::string text = read_file(file);
  std::set<std::string, std::less<>> trained;
  for (size_t at = 0, end = 0; (end = text.find('\n', at)) != text.npos; at = end + 1)
    trained.insert(text.substr(at, end - at));
  test.trained_images = 0;
  std::vector<Row> rows(static_cast<size_t>(test.data.size()));
  std::iota(rows.begin(), rows.end(), Row{0});
  visit_hashes(test.data.pixels, rows,
               [&](const std::string& hash) { *test.trained_images += trained.contains(hash) ? 1 : 0; });
  if (*test.trained_images > 0) test.evaluation.new_group.reset();
}

}  // namespace mudra
