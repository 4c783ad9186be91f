// Where things are drawn, told by their colours.
#include "mudra/inference/draw_answer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace mudra {
namespace {

Model ten_signs() {
  Model model;
  for (const char* name : {"0", "4", "none"}) model.classes.emplace_back(name);
  model.none_class = "none";
  return model;
}

Image plain(int height, int width) {
  return {height, width, 3, std::vector<uint8_t>(static_cast<size_t>(height) * width * 3, 128)};
}

bool is_plain(const Image& image, int y, int x) {
  const auto pixel = image.bytes.begin() + (static_cast<std::ptrdiff_t>(y) * image.width + x) * 3;
  return std::all_of(pixel, pixel + 3, [](uint8_t value) { return value == 128; });
}

TEST(DrawAnswer, SaysTheSignOrWhatItIsNearestTo) {
  const Model model = ten_signs();
  EXPECT_EQ(answer_text({1, 0.5F, {0.2F, 0.5F, 0.3F}, {}, {}, {}}, model), "4   50.0%");
  EXPECT_EQ(answer_text({2, 0.7F, {0.1F, 0.2F, 0.7F}, {}, {}, {}}, model),
            "none of these   nearest to 4: 20.0%");
  Model refuses = model;
  refuses.none_class.clear();
  EXPECT_EQ(answer_text({refused, 0.4F, {0.4F, 0.3F, 0.3F}, {}, {}, {}}, refuses),
            "none of these   nearest to 0: 40.0%");
}

TEST(DrawAnswer, LeavesThePictureAsItIsWhereNothingWasFound) {
  const Image drawn = draw_answer(plain(400, 500), {1, 1, {0, 1, 0}, {}, {}, {}}, ten_signs());
  EXPECT_EQ(drawn.width, 500);
  EXPECT_GT(drawn.height, 400);  // the answer stands below
  for (int y = 0; y < 400; ++y)
    for (int x = 0; x < 500; ++x) ASSERT_TRUE(is_plain(drawn, y, x)) << y << " " << x;
}

TEST(DrawAnswer, FramesTheBoxAndMarksTheJoints) {
  Answer answer{1, 1, {0, 1, 0}, {}, Box{0.2F, 0.1F, 0.8F, 0.5F}, {}};
  for (int joint = 0; joint < 21; ++joint) answer.joints.push_back({0.3F, 0.2F});
  answer.joints[8] = {0.7F, 0.4F};  // the tip of the index finger
  const Image drawn = draw_answer(plain(400, 500), answer, ten_signs());
  EXPECT_FALSE(is_plain(drawn, 40, 250));   // top
  EXPECT_FALSE(is_plain(drawn, 200, 250));  // bottom
  EXPECT_FALSE(is_plain(drawn, 120, 100));  // left
  EXPECT_FALSE(is_plain(drawn, 120, 400));  // right
  EXPECT_FALSE(is_plain(drawn, 80, 150));   // the wrist
  EXPECT_FALSE(is_plain(drawn, 160, 350));  // the tip
  EXPECT_FALSE(is_plain(drawn, 120, 250));  // between them
  EXPECT_TRUE(is_plain(drawn, 300, 250));
  EXPECT_TRUE(is_plain(drawn, 100, 350));
}

TEST(DrawAnswer, CutsOffANameThatIsTooLong) {
  Model model = ten_signs();
  model.classes[1] = std::string(300, 'M');
  const Image drawn = draw_answer(plain(400, 500), {1, 1, {0, 1, 0}, {}, {}, {}}, model);
  for (int y = 400; y < drawn.height; ++y)  // the margin on the left stays empty
    EXPECT_EQ(drawn.bytes[static_cast<size_t>(y) * 500 * 3], drawn.bytes[size_t{400} * 500 * 3]) << y;
}

TEST(DrawAnswer, EnlargesWhatIsSmallAndStaysInsideWhateverTheBox) {
  Answer answer{2, 1, {0, 0, 1}, {}, Box{-3, -3, 9, 9}, std::vector<Joint>(21, Joint{-5, 40})};
  const Image drawn = draw_answer(plain(16, 16), answer, ten_signs());
  EXPECT_EQ(drawn.width, 384);
  EXPECT_EQ(drawn.bytes.size(), static_cast<size_t>(drawn.height) * drawn.width * 3);
  EXPECT_TRUE(is_plain(drawn, 190, 190));
  EXPECT_GT(draw_answer(plain(900, 3), answer, ten_signs()).width, 3);
}

}  // namespace
}  // namespace mudra
