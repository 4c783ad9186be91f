#include "mudra/data/inspect.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "mudra/core/rng.h"
#include "mudra/data/contact_sheet.h"

namespace mudra {
namespace {

// 40 bright discs on black with a little noise, 20 of each of two classes in three groups.
Dataset discs() {
  constexpr int side = 16;
  Rng random(1, Purpose::test);
  std::vector<uint8_t> bytes;
  Dataset data;
  for (int32_t i = 0; i < 40; ++i) {
    for (int p = 0; p < side * side; ++p) {
      const int y = p / side - 8, x = p % side - 8;
      bytes.push_back(static_cast<uint8_t>((y * y + x * x < 30 + i % 2 * 10 ? 200 : 10) + random.below(30)));
    }
    data.labels.push_back(i % 2);
    data.groups.push_back(i % 3);
  }
  data.pixels = Pixels({40, side, side, 1}, std::move(bytes));
  data.classes = {"0", "5"};
  data.group_names = {"a", "b", "c"};
  return data;
}

Dataset changed(const Dataset& data, const std::function<void(std::vector<uint8_t>&)>& change) {
  std::vector<uint8_t> bytes;
  for (int64_t i = 0; i < data.size(); ++i) {
    const auto image = data.pixels.bytes(i);
    bytes.insert(bytes.end(), image.begin(), image.end());
  }
  change(bytes);
  Dataset copy = data;
  copy.pixels = Pixels(data.pixels.shape(), std::move(bytes));
  return copy;
}

using Rows = std::vector<Row>;
using Counts = std::vector<int64_t>;

TEST(Inspect, CountsClassesAndGroupsAndFindsNothingWrongInGoodData) {
  const Inspection found = inspect(discs());
  EXPECT_EQ(found.class_counts, (Counts{20, 20}));
  EXPECT_EQ(found.group_counts, (std::vector<Counts>{{7, 7}, {6, 7}, {7, 6}}));
  EXPECT_FLOAT_EQ(found.low, 10 / 255.F);
  EXPECT_FLOAT_EQ(found.high, 229 / 255.F);
  EXPECT_TRUE(found.warnings.empty()) << found.warnings[0];
}

TEST(Inspect, FindsConstantImages) {
  const Inspection found = inspect(changed(discs(), [](auto& bytes) {
    std::fill_n(bytes.begin() + 7 * 256, 256, 90);
    bytes[7 * 256 + 5] = 91;
  }));
  EXPECT_EQ(found.constant.rows, (Rows{7}));
  EXPECT_EQ(found.warnings, (std::vector<std::string>{"1 image is of one brightness all over: row 7"}));
}

TEST(Inspect, FindsExactCopiesAndThoseWithAnotherLabel) {
  const Inspection found = inspect(changed(discs(), [](auto& bytes) {
    std::copy_n(bytes.begin() + 4 * 256, 256, bytes.begin() + 10 * 256);  // the same class
    std::copy_n(bytes.begin() + 4 * 256, 256, bytes.begin() + 20 * 256);
    std::copy_n(bytes.begin() + 5 * 256, 256, bytes.begin() + 30 * 256);  // another class
  }));
  EXPECT_EQ(found.duplicates, (std::vector<Rows>{{4, 10, 20}, {5, 30}}));
  EXPECT_EQ(found.conflicting.rows, (Rows{5, 30}));
  ASSERT_EQ(found.warnings.size(), 2U);
  EXPECT_EQ(found.warnings[0], "3 images are exact copies of another, first rows 4, 10 and 20");
  EXPECT_EQ(found.warnings[1], "2 images have an exact copy with another label: rows 5 and 30");
}

TEST(Inspect, FindsInvertedImages) {
  const Inspection found = inspect(changed(discs(), [](auto& bytes) {
    for (const size_t row : {3, 17}) {
      for (size_t i = 0; i < 256; ++i)
        bytes[row * 256 + i] = static_cast<uint8_t>(255 - bytes[row * 256 + i]);
    }
  }));
  EXPECT_EQ(found.inverted.rows, (Rows{3, 17}));
}

TEST(Inspect, WarnsOfImbalanceOneClassAndGroupsWithoutAClass) {
  Dataset data = discs();
  for (size_t i = 0; i < 30; ++i) data.labels[i] = 1;
  const Inspection found = inspect(data);
  EXPECT_EQ(found.warnings[0], "classes differ much in size: 0 has 5 images, 5 has 35");
  EXPECT_EQ(inspect(data.keep_classes(std::vector<std::string>{"5"})).warnings[0],
            "there is only one class, 5: nothing can be told apart");
  for (size_t i = 0; i < 40; ++i) data.groups[i] = data.labels[i] == 0 ? 2 : 1;
  EXPECT_EQ(inspect(data).warnings[1], "3 groups do not have every class: a, b and c");
}

TEST(ContactSheet, SpreadsItsImagesOverTheWholeClass) {
  Dataset data;
  std::vector<uint8_t> bytes;
  for (int i = 0; i < 20; ++i) bytes.insert(bytes.end(), 16, static_cast<uint8_t>(30 + 10 * i));
  data.pixels = Pixels({20, 4, 4, 1}, std::move(bytes));
  data.classes = {"0"};
  data.labels.assign(20, 0);
  const Image sheet = contact_sheet(data, 5, 32);
  for (int column = 0; column < 5; ++column) {
    const int y = 4 + 16, x = 20 + column * 36 + 16;
    EXPECT_EQ(sheet.bytes[static_cast<size_t>(y * sheet.width + x)], 30 + 40 * column);
  }
}

TEST(ContactSheet, ShowsARowForEachClass) {
  const Dataset data = discs();
  const Image sheet = contact_sheet(data, 5, 32);
  EXPECT_EQ(sheet.height, 4 + 2 * 36);
  EXPECT_EQ(sheet.width, 12 + 8 + 5 * 36);
  // The middle of each picture is bright, the gap beside it is not.
  for (int row = 0; row < 2; ++row) {
    for (int column = 0; column < 5; ++column) {
      const int y = 4 + row * 36 + 16, x = 20 + column * 36 + 16;
      EXPECT_GT(sheet.bytes[static_cast<size_t>(y * sheet.width + x)], 190);
      EXPECT_EQ(sheet.bytes[static_cast<size_t>(y * sheet.width + x + 17)], 24);
    }
  }
}

TEST(ContactSheet, NumbersClassesWhoseNamesItCannotWrite) {
  Dataset data = discs();
  data.classes = {"Fünf", "五"};
  EXPECT_EQ(sheet_label(data, 0), "#1");
  EXPECT_EQ(sheet_label(data, 1), "#2");
  const Image numbered = contact_sheet(data, 5, 32);
  data.classes = {"#1", "#2"};
  EXPECT_EQ(sheet_label(data, 1), "#2");
  EXPECT_EQ(contact_sheet(data, 5, 32).bytes, numbered.bytes);
  data.classes = {"open hand, left", "what?"};
  EXPECT_EQ(sheet_label(data, 0), "#1");  // it has no comma
  EXPECT_EQ(sheet_label(data, 1), "what?");
  data.classes = {"a rather long name", ""};
  EXPECT_EQ(sheet_label(data, 0), "a rather l");
  EXPECT_EQ(sheet_label(data, 1), "#2");
}

TEST(CorrectionSheet, HoldsEachPictureAboveItsCaption) {
  const Dataset data = discs();
  std::vector<Correction> corrections;
  for (Row row = 0; row < 7; ++row) corrections.push_back({row, 1 - data.labels[row], 0.9});
  const Image sheet = correction_sheet(data, corrections, 3, 32);
  const int caption = 7 * 2 + 4, cell_width = (sheet.width - 4) / 3 - 4;
  EXPECT_EQ(sheet.height, 4 + 3 * (32 + caption + 2 * 4));
  EXPECT_GE(cell_width, 32);
  const auto bright = [&](int top, int left, int height, int width) {
    int64_t sum = 0;
    for (int y = top; y < top + height; ++y) {
      for (int x = left; x < left + width; ++x)
        sum += sheet.bytes[static_cast<size_t>(y * sheet.width + x)] > 200;
    }
    return sum;
  };
  for (int i = 0; i < 9; ++i) {
    const int top = 4 + i / 3 * (32 + caption + 8), left = 4 + i % 3 * (cell_width + 4);
    EXPECT_EQ(bright(top, left, 32, cell_width) > 0, i < 7) << i;
    EXPECT_EQ(bright(top + 32, left, caption, cell_width) > 0, i < 7) << i;
  }
  EXPECT_EQ(bright(0, 0, sheet.height, 4), 0);
  EXPECT_EQ(correction_sheet(data, {}).width, correction_sheet(data, std::span(corrections).first(1)).width);
}

}  // namespace
}  // namespace mudra
