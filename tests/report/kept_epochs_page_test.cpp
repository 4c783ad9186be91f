// What a page holds of the epochs that were kept.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

#include "mudra/core/base64.h"
#include "mudra/data/image_file.h"
#include "mudra/report/page_epochs.h"
#include "mudra/report/pictures.h"
#include "tests/report/record.h"

namespace mudra {
namespace {

using Json = nlohmann::ordered_json;

// Epochs 0, 1, 2, ... of `units` pictures whose weights begin as noise and move by `step` in each.
RunRecord record_of_epochs(int classes, int epochs, const Shape& weights, float step) {
  RunRecord record = make_record(numbered_classes(classes), 90, {4, 4, 1});
  Rng rng(2, Purpose::test);
  record.epochs.kept = static_cast<size_t>(epochs);
  record.epochs.rows = {3, 70, 5};
  record.epochs.weights = weights;
  record.epochs.units = 2 * weights[0];
  const auto k = static_cast<size_t>(classes);
  std::vector<float> begun, moves;
  for (int64_t i = 0; i < weights.elements(); ++i) {
    begun.push_back(static_cast<float>(rng.normal()));
    moves.push_back(static_cast<float>(rng.normal()) * step);
  }
  for (int number = 0; number < epochs; ++number) {
    EpochRecord epoch{number, std::vector<int64_t>(k * k), {}, begun};
    for (size_t i = 0; i < 90; ++i) ++epoch.confusion[rng.below(k * k)];
    epoch.answers.classes = classes;
    for (int i = 0; i < 3; ++i) {
      epoch.answers.labels.push_back(static_cast<int32_t>(rng.below(k)));
      for (size_t c = 0; c < k; ++c) epoch.answers.probabilities.push_back(1.F / static_cast<float>(k));
    }
    for (size_t i = 0; i < begun.size(); ++i) epoch.weights[i] += static_cast<float>(number) * moves[i];
    record.epochs.epochs.push_back(std::move(epoch));
  }
  return record;
}

std::vector<uint8_t> decoded(const std::string& base64_text) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<uint8_t> bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : base64_text) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<uint32_t>(alphabet.find(c));
    if ((count += 6) >= 8) bytes.push_back(static_cast<uint8_t>(bits >> (count -= 8)));
  }
  return bytes;
}

TEST(PageEpochs, AreNoneUnlessSomeWereKept) {
  EXPECT_TRUE(epochs_of(make_record({"0", "5"}, 20, {4, 4, 1})).is_null());
}

TEST(PageEpochs, HaveTheCountsAndAnswersOfTheRecord) {
  const RunRecord record = record_of_epochs(3, 4, Shape{5, 2, 3}, 0.01F);
  const Json told = epochs_of(record);
  EXPECT_EQ(told["images"], 90);
  EXPECT_EQ(told["shown"].size(), 4U);
  ASSERT_EQ(told["pictures"].size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(told["pictures"][i]["row"], int64_t{record.epochs.rows[i]} + 1);
    EXPECT_EQ(told["pictures"][i]["truth"], record.test.labels[record.epochs.rows[i]]);
  }
  for (size_t at = 0; at < 4; ++at) {
    const EpochRecord& epoch = record.epochs.epochs[at];
    const Json& shown = told["shown"][at];
    std::vector<int64_t> counts(9);
    for (const Json& cell : shown["cells"])
      counts[cell[0].get<size_t>() * 3 + cell[1].get<size_t>()] = cell[2];
    EXPECT_EQ(counts, epoch.confusion);
    EXPECT_EQ(shown["right"], epoch.confusion[0] + epoch.confusion[4] + epoch.confusion[8]);
    for (size_t i = 0; i < 3; ++i)
      EXPECT_EQ(shown["answers"][i], Json::array({epoch.answers.labels[i], "33.3%", "33.3%", 0.33333}));
  }
}

TEST(PageEpochs, DrawWeightsThatMoveAndTheChangeOfThoseThatDoNot) {
  for (const float step : {0.01F, 1.F}) {
    const RunRecord record = record_of_epochs(3, 4, Shape{11, 30, 40}, step);
    const Json told = epochs_of(record);
    const bool shows_change = step < 1;
    EXPECT_EQ(told["weights"]["change"], shows_change);
    EXPECT_EQ(told["weights"]["units"], 11);
    EXPECT_EQ(told["weights"]["of"], 22);
    float limit = 0;
    const auto value = [&](size_t epoch, size_t i) {
      return record.epochs.epochs[epoch].weights[i] - (shows_change ? record.epochs.epochs[0].weights[i] : 0);
    };
    for (size_t epoch = 0; epoch < 4; ++epoch)
      for (size_t i = 0; i < 11 * 30 * 40; ++i) limit = std::max(limit, std::fabs(value(epoch, i)));
    for (size_t epoch = 0; epoch < 4; ++epoch) {
      const std::vector<uint8_t> png = decoded(told["shown"][epoch]["sheet"]);
      const Image sheet = decode_image(png, "sheet");
      EXPECT_EQ(told["weights"]["width"], sheet.width);
      ASSERT_EQ(sheet.channels, 3);
      ASSERT_EQ(sheet.width, 8 * 42 - 2);
      ASSERT_EQ(sheet.height, 2 * 32 - 2);
      // Unit 9 is the second of the second row: white at 0, red falls for what is below, blue for what is
      // above.
      for (const auto& [y, x] : {std::pair(0, 0), {29, 39}, {7, 20}}) {
        const float part = value(epoch, static_cast<size_t>((9 * 30 + y) * 40 + x)) / limit;
        const uint8_t* rgb = &sheet.bytes[static_cast<size_t>(((32 + y) * sheet.width + 42 + x) * 3)];
        const float steps = std::round(part * 31) / 31;
        EXPECT_NEAR(rgb[0], 247 + ((steps < 0 ? 33 : 178) - 247) * std::fabs(steps), 1);
        EXPECT_NEAR(rgb[2], 247 + ((steps < 0 ? 172 : 43) - 247) * std::fabs(steps), 1);
      }
      const uint8_t* gap = &sheet.bytes[static_cast<size_t>((30 * sheet.width + 5) * 3)];
      EXPECT_TRUE(gap[0] == 255 && gap[1] == 255 && gap[2] == 255);
    }
  }
}

TEST(PageEpochs, EnlargeTinyFilters) {
  const Json told = epochs_of(record_of_epochs(3, 2, Shape{4, 3, 3}, 1));
  EXPECT_EQ(told["weights"]["width"], 4 * (24 + 2) - 2);
  EXPECT_EQ(told["weights"]["height"], 24);
}

TEST(PageEpochs, HaveNoMatrixOfManyClassesAndNoSheetWithoutUnits) {
  RunRecord record = record_of_epochs(31, 3, Shape{2, 2, 2}, 1);
  record.epochs.weights = Shape();
  const Json told = epochs_of(record);
  EXPECT_TRUE(told["weights"].is_null());
  for (const Json& shown : told["shown"]) EXPECT_TRUE(shown["cells"].is_null() && shown["sheet"].is_null());
  EXPECT_FALSE(epochs_of(record_of_epochs(30, 1, Shape{2, 2, 2}, 1))["shown"][0]["cells"].is_null());
}

TEST(PageEpochs, AreLeftOutEvenlyWhereTheyAreTooLarge) {
  const RunRecord record = record_of_epochs(3, 40, Shape{64, 30, 30}, 1);  // noise does not compress
  const Json told = epochs_of(record);
  EXPECT_LT(told.dump().size(), most_epoch_bytes + 20'000);
  EXPECT_GT(told.dump().size(), most_epoch_bytes / 2);
  const size_t shown = told["shown"].size();
  EXPECT_TRUE(shown >= 10 && shown < 40) << shown;
  EXPECT_EQ(told["kept"], 40);
  EXPECT_EQ(told["shown"].front()["number"], 0);
  EXPECT_EQ(told["shown"].back()["number"], 39);
}

}  // namespace
}  // namespace mudra
