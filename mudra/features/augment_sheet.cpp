#include "mudra/features/augment_sheet.h"

#include <algorithm>

#include "mudra/data/inspect.h"
#include "mudra/features/augment.h"

namespace mudra {
namespace {

// Rows of the data set: the first of every class, the middle one, and so on until there are enough.
std::vector<Row> spread_rows(const Dataset& data, int most) {
  std::vector<std::vector<Row>> of_class(data.classes.size());
  for (size_t row = 0; row < data.labels.size(); ++row) {
    of_class[static_cast<size_t>(data.labels[row])].push_back(static_cast<Row>(row));
  }
  const size_t classes = std::max<size_t>(1, of_class.size());
  const size_t turns = (static_cast<size_t>(most) + classes - 1) / classes;
  std::vector<Row> rows;
  for (size_t turn = 0; turn < turns; ++turn) {
    for (const auto& members : of_class) {
      if (turn < members.size()) rows.push_back(members[turn * std::max<size_t>(1, members.size() / turns)]);
    }
  }
  rows.resize(std::min(rows.size(), static_cast<size_t>(most)));
  return rows;
}

}  // namespace

Image augment_sheet(const Dataset& data, const Augmentation& augmentation, uint64_t seed, int variants,
                    int columns, int cell) {
  const std::vector<Row> rows = spread_rows(data, columns);
  const auto count = static_cast<int64_t>(rows.size());
  Shape shape = data.pixels.shape();
  const auto size = static_cast<size_t>(shape.per_example());
  std::vector<float> originals(rows.size() * size);
  for (size_t i = 0; i < rows.size(); ++i) data.pixels.read(rows[i], originals.data() + i * size);

  Dataset sheet;
  std::vector<float> values = originals;
  Augmenter augmenter(augmentation, {1, shape[1], shape[2], shape[3]}, std::max<int64_t>(1, count));
  ThreadTeam team(1);
  for (int variant = 0; variant <= variants; ++variant) {
    sheet.classes.push_back(variant == 0 ? "as is" : std::to_string(variant));
    sheet.labels.insert(sheet.labels.end(), rows.size(), variant);
    if (variant == 0) continue;
    std::vector<float> changed = originals;
    augmenter.apply(changed.data(), count, seed, static_cast<uint32_t>(variant), rows, team);
    values.insert(values.end(), changed.begin(), changed.end());
  }
  shape[0] = count * (variants + 1);
  sheet.pixels = Pixels(shape, std::move(values), 1);
  return contact_sheet(sheet, columns, cell);
}

}  // namespace mudra
