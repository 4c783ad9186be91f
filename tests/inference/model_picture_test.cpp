// Pictures come to a model as large as it needs them.
#include "mudra/inference/model_picture.h"

#include <gtest/gtest.h>

#include "mudra/data/image_file.h"

namespace mudra {
namespace {

const std::string folder_of_pictures = MUDRA_SOURCE_DIR "/tests/fixtures/images/";

Model reader(int channels) {
  Model model;
  model.preprocessing = {32, 32, channels, Fit::stretch};
  return model;
}

TEST(ModelPicture, IsReducedOnlyWhereItIsLarge) {
  const Image small = read_picture_for(reader(3), folder_of_pictures + "smooth.jpeg");
  EXPECT_EQ(small, read_picture(folder_of_pictures + "smooth.jpeg", 3));
  // 1603x1411, of which an eighth is more than twice 32x32.
  EXPECT_EQ(read_picture_for(reader(1), folder_of_pictures + "large.jpeg"),
            read_picture(folder_of_pictures + "large_8_grey.png", 1));
  Model wants_more = reader(1);
  wants_more.preprocessing.height = 90;
  EXPECT_EQ(read_picture_for(wants_more, folder_of_pictures + "large.jpeg").height, 353);
}

TEST(ModelPicture, ForAModelWithPartsIsWholeAndAtItsOwnAspectRatio) {
  Model model = reader(1);
  model.parts["finder"].preprocessing = {96, 96, 3, Fit::keep_aspect};
  const Image large = read_picture_for(model, folder_of_pictures + "large.jpeg");
  EXPECT_EQ(large.width, 640);
  EXPECT_EQ(large.height, 563);  // 640 * 706 / 802, of a picture decoded at a half
  EXPECT_EQ(large.channels, 3);
  EXPECT_EQ(read_picture_for(model, folder_of_pictures + "smooth.jpeg"),
            read_picture(folder_of_pictures + "smooth.jpeg", 3));
  model.parts["finder"].preprocessing.channels = 1;
  EXPECT_EQ(read_picture_for(model, folder_of_pictures + "smooth.jpeg").channels, 1);
}

}  // namespace
}  // namespace mudra
