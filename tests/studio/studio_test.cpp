// A studio learns signs by itself while they are recorded, and tells how well by recordings it has not seen.
#include "mudra/studio/studio.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <set>

#include "mudra/box/box.h"
#include "mudra/core/atomic_file.h"
#include "mudra/data/image_file.h"
#include "mudra/features/prepare.h"
#include "mudra/inference/features.h"
#include "mudra/network/model.h"
#include "mudra/studio/false_hands.h"
#include "mudra/synth/render_hands.h"
#include "tests/message.h"

namespace mudra {
namespace {

namespace fs = std::filesystem;

// Hands of rendered people: the digits 0, 5 and 9 in turn.
std::vector<Image> hands_of(const std::string& digit, int64_t count, uint64_t seed,
                            const std::string& domain = "ankara") {
  const SynthOptions options{.count = 10 * count, .size = 96, .seed = seed, .domain = domain, .colour = true};
  const Dataset drawn = rendered_on_demand(options);
  std::vector<Image> images;
  for (int64_t i = 0; i < drawn.size(); ++i) {
    if (drawn.classes[static_cast<size_t>(drawn.labels[static_cast<size_t>(i)])] == digit)
      images.push_back(image_of(drawn.pixels, i));
  }
  return images;
}

// Features as of a network in which every class lies around a place of its own.
HandFeatures features_around(int32_t label, int64_t width, Rng& rng) {
  HandFeatures hand;
  for (int64_t f = 0; f < width; ++f)
    hand.seen.push_back(static_cast<float>(rng.normal(f % 3 == label ? 2 : 0, 0.5)));
  for (int64_t c = 0; c < changed_copies; ++c)
    for (const float value : hand.seen)
      hand.changed.push_back(value + static_cast<float>(rng.normal(0, 0.1)));
  return hand;
}

struct Class {
  std::vector<HandFeatures> hands;
  std::vector<Pupil> pupils;

  // Recordings of so many hands for each sign.
  explicit Class(const std::vector<std::vector<int>>& recordings) {
    const int64_t width = HandReader(box_model()).width();
    Rng rng(4, Purpose::test);
    std::vector<std::pair<int32_t, std::string>> of;
    for (size_t label = 0; label < recordings.size(); ++label) {
      for (size_t r = 0; r < recordings[label].size(); ++r)
        for (int i = 0; i < recordings[label][r]; ++i) {
          hands.push_back(features_around(static_cast<int32_t>(label), width, rng));
          of.emplace_back(label, "r" + std::to_string(label) + std::to_string(r));
        }
    }
    for (size_t i = 0; i < hands.size(); ++i) pupils.push_back({&hands[i], of[i].first, of[i].second});
  }
  Lesson lesson() const { return {{"a", "b", "none"}, std::ssize(hands[0].seen), pupils, {}}; }
};

TEST(Lesson, NoRecordingStandsOnBothSides) {
  const Class taught({{3, 4, 2, 5, 1, 2}, {2, 2}, {}});
  const Lesson lesson = taught.lesson();
  const RecordingFolds found = folds_by_recording(lesson);
  EXPECT_EQ(found.folds.size(), 5U);
  EXPECT_TRUE(found.untested.empty());
  std::multiset<Row> tested;
  for (const Fold& fold : found.folds) {
    std::set<int32_t> trained, labels;
    for (const Row row : fold.train) {
      trained.insert(lesson.hands.groups[row]);
      labels.insert(lesson.hands.labels[row]);
    }
    EXPECT_EQ(labels, (std::set<int32_t>{0, 1}));  // each sign trains in every fold
    EXPECT_EQ(fold.train.size() + fold.test.size(), taught.hands.size());
    for (const Row row : fold.test) EXPECT_FALSE(trained.contains(lesson.hands.groups[row]));
    tested.insert(fold.test.begin(), fold.test.end());
  }
  EXPECT_EQ(tested.size(), taught.hands.size());
  EXPECT_EQ(std::set(tested.begin(), tested.end()).size(), taught.hands.size());
}

TEST(Lesson, ASignRecordedOnceIsNotTested) {
  const RecordingFolds found = folds_by_recording(Class({{3, 4}, {5}, {}}).lesson());
  EXPECT_EQ(found.untested, std::vector<std::string>{"b"});
  EXPECT_EQ(found.folds.size(), 2U);
  const RecordingFolds nothing = folds_by_recording(Class({{3}, {5}, {}}).lesson());
  EXPECT_EQ(nothing.untested, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(nothing.folds.empty());
}

TEST(Lesson, ACheckFindsWhatStandsInTheWrongFolder) {
  Class taught({{6, 6, 6}, {6, 6, 6}, {}});
  taught.pupils[2].label = 1;  // a hand of "a" in the folder of "b"
  const Lesson lesson = taught.lesson();
  std::vector<Row> all(taught.pupils.size());
  std::iota(all.begin(), all.end(), Row{0});
  std::optional<Model> model = learn(lesson, box_model(), all);
  ASSERT_TRUE(model);
  EXPECT_EQ(model_bytes(*model), model_bytes(*learn(lesson, box_model(), all)));
  const std::optional<Check> found = check(lesson, folds_by_recording(lesson).folds, *model);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->evaluation.n, 36);
  EXPECT_EQ(found->evaluation.right, 35);
  EXPECT_EQ(found->evaluation.interval.independent, 6);  // recordings, not pictures
  ASSERT_EQ(found->suspects.suspects.size(), 1U);
  EXPECT_EQ(found->suspects.suspects[0].row, 2U);
  EXPECT_EQ(found->suspects.suspects[0].suggestion, 0);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(learn(lesson, box_model(), all, stop.get_token()));
}

TEST(HandReader, FeaturesBelongToThePictureAlone) {
  const HandReader reader(box_model());
  const std::vector<Image> hands = hands_of("5", 2, 31);
  const HandFeatures first = reader.read(hands[0]);
  ASSERT_TRUE(first.found());
  EXPECT_EQ(std::ssize(first.seen), reader.width());
  EXPECT_EQ(std::ssize(first.changed), changed_copies * reader.width());
  reader.read(hands[1]);
  EXPECT_EQ(reader.read(hands[0]).seen, first.seen);
  EXPECT_EQ(reader.read(hands[0]).changed, first.changed);
  EXPECT_FALSE(reader.read({120, 160, 3, std::vector<uint8_t>(57600, 90)}).found());
}

// The model itself, asked about the picture, says what its last layer says of the features.
TEST(HandReader, ALastLayerSaysOfFeaturesWhatTheModelSaysOfThePicture) {
  Model model = box_model();
  model.is_mirrored = false;
  model.rejection_threshold = 0;
  const HandReader reader(model);
  const Predictor whole(model);
  Model last;
  last.network = last_layer_of(model.network);
  last.classes = model.classes;
  last.preprocessing = {1, 1, static_cast<int>(reader.width()), Fit::stretch};
  const Predictor layer(last);
  int found = 0;
  for (const Image& hand : hands_of("9", 6, 32, "room")) {
    const HandFeatures features = reader.read(hand);
    if (!features.found()) continue;
    ++found;
    const std::vector<float> of_features = layer.answer(features.seen).logits;
    const std::vector<float> of_picture = whole.answer(hand).logits;
    ASSERT_EQ(of_features.size(), of_picture.size());
    for (size_t c = 0; c < of_picture.size(); ++c) EXPECT_NEAR(of_features[c], of_picture[c], 1e-4);
  }
  EXPECT_GE(found, 3);
}

// What is no sign is called none although nobody has taught it: hands that show something else.
TEST(FalseHands, TeachToSayNoneOfHandsThatShowSomethingElse) {
  const HandReader reader(box_model());
  std::vector<HandFeatures> hands;
  std::vector<Pupil> pupils;
  for (const std::string digit : {"0", "5"})
    for (const Image& hand : hands_of(digit, 6, 61)) hands.push_back(reader.read(hand));
  for (size_t i = 0; i < hands.size(); ++i)
    if (hands[i].found()) pupils.push_back({&hands[i], i < hands.size() / 2 ? 0 : 1, "r"});
  std::vector<Row> all(pupils.size());
  std::iota(all.begin(), all.end(), Row{0});
  const std::vector<HandFeatures> rooms = false_hands(reader);
  EXPECT_EQ(rooms.size(), 60U);
  const auto called_none = [&](std::span<const HandFeatures> none) {
    const Lesson lesson({"fist", "palm", "none"}, reader.width(), pupils, none);
    const Predictor predictor(*learn(lesson, box_model(), all));
    int count = 0;
    for (const std::string digit : {"2", "7"})
      for (const Image& hand : hands_of(digit, 10, 62)) count += predictor.answer(hand).label == 2;
    return count;
  };
  EXPECT_GE(called_none(rooms), called_none({}) + 5);  // of 20
}

class StudioTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / ("studio" + std::to_string(::getpid()));
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Until it has learned what is in the folder now, and checked it if it can.
  static TeachingState settled(const Studio& studio) {
    for (int i = 0; i < 60'000; ++i) {
      const TeachingState state = studio.teaching();
      const bool is_over = state.state == Teaching::idle || state.state == Teaching::failed;
      if (is_over && state.version == studio.signs().version) return state;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return {};
  }

  fs::path folder_;
};

TEST_F(StudioTest, LearnsWhileSignsAreRecorded) {
  std::atomic<int> told = 0;
  Studio studio(folder_, box_model(), [&](const Studio&) { ++told; });
  EXPECT_EQ(settled(studio).why, "Record a sign, then a second one");
  EXPECT_FALSE(studio.taught());
  studio.add("fist", "a1", hands_of("0", 6, 11));
  EXPECT_NE(settled(studio).why.find("Record a second sign"), std::string::npos);
  studio.add("palm", "b1", hands_of("5", 6, 11));
  EXPECT_EQ(settled(studio).why, "");
  ASSERT_TRUE(studio.taught());
  EXPECT_EQ(studio.taught()->predictor.model().classes, (std::vector<std::string>{"fist", "palm", "none"}));
  EXPECT_FALSE(studio.checked()->tells());
  EXPECT_EQ(studio.checked()->untested, (std::vector<std::string>{"fist", "palm"}));
  EXPECT_TRUE(studio.checked()->by_frames);

  studio.add("fist", "a2", hands_of("0", 6, 12));
  studio.add("palm", "b2", hands_of("5", 6, 12));
  settled(studio);
  ASSERT_TRUE(studio.checked()->tells());
  EXPECT_EQ(studio.checked()->by_recording.evaluation.n, studio.taught()->hands);
  EXPECT_GT(studio.checked()->by_recording.evaluation.accuracy, 0.85);
  int right = 0;
  const auto judge = [&](const std::string& digit, int32_t label) {
    for (const Image& hand : hands_of(digit, 10, 13))
      right += studio.taught()->predictor.answer(hand).label == label;
  };
  judge("0", 0);
  judge("5", 1);
  EXPECT_GE(right, 18);
  // Where there is no hand, there is no sign, though nobody has taught `none`.
  EXPECT_EQ(studio.taught()->predictor.answer(Image{120, 160, 3, std::vector<uint8_t>(57600, 90)}).label, 2);
  EXPECT_GT(told, 5);
  int none = 0;  // of twenty hands that show something else, which nobody has taught to be `none` either
  for (const std::string digit : {"2", "7"})
    for (const Image& hand : hands_of(digit, 10, 13))
      none += studio.taught()->predictor.answer(hand).label == 2;
  EXPECT_GE(none, 8);

  studio.change([](Recordings& recordings) { recordings.remove_sign("palm"); });
  EXPECT_NE(settled(studio).why.find("Record a second sign"), std::string::npos);
  EXPECT_FALSE(studio.taught());
  studio.change([](Recordings& recordings) { recordings.undo(); });
  settled(studio);
  EXPECT_TRUE(studio.taught());
}

// A folder found on the disk teaches the same model as the same folder recorded now.
TEST_F(StudioTest, TheSamePicturesGiveTheSameModel) {
  std::string recorded;
  const auto bytes_of = [](const Studio& studio) { return model_bytes(studio.taught()->predictor.model()); };
  {
    Studio studio(folder_, box_model(), [](const Studio&) {});
    studio.add("b", "r1", hands_of("0", 3, 21));
    studio.add("a", "r2", hands_of("5", 3, 21));
    studio.add("b", "r3", hands_of("0", 3, 22));
    studio.add("a", "r4", hands_of("5", 3, 22));
    settled(studio);
    recorded = bytes_of(studio);
  }
  const Studio found(folder_, box_model(), [](const Studio&) {});
  settled(found);
  EXPECT_EQ(bytes_of(found), recorded);
}

// Pictures that get another name while they are looked at are looked at under that.
TEST_F(StudioTest, WhatIsMovedWhileItIsLookedAtIsNotLost) {
  {
    Recordings recordings(folder_);
    for (const auto& [sign, digit] : {std::pair("a", "0"), std::pair("b", "5")}) {
      std::vector<std::string> pngs;
      for (const Image& hand : hands_of(digit, 30, 71)) pngs.push_back(encode_png(hand));
      recordings.add(sign, std::string(sign) + "1", pngs);
    }
  }
  Studio studio(folder_, box_model(), [](const Studio&) {});
  for (int i = 0; i < 6; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    studio.change([&](Recordings& recordings) {
      recordings.rename_sign(i % 2 == 0 ? "a" : "moved", i % 2 == 0 ? "moved" : "a");
    });
  }
  settled(studio);
  ASSERT_TRUE(studio.taught());
  for (const SignCount& sign : studio.signs().signs) EXPECT_EQ(sign.without_hand, 0) << sign.name;
  EXPECT_EQ(studio.taught()->hands, 60);
}

TEST_F(StudioTest, WhatIsRefusedTeachesNothing) {
  Studio studio(folder_, box_model(), [](const Studio&) {});
  studio.add("a", "r1", hands_of("0", 2, 81));
  studio.add("b", "r2", hands_of("5", 2, 81));
  settled(studio);
  const auto taught = studio.taught();
  const auto refuse = [&] {
    studio.change([](Recordings& recordings) { recordings.remove_sign("nobody"); });
  };
  EXPECT_NE(message_of(refuse), "no error");
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(studio.taught(), taught);
}

TEST_F(StudioTest, StopsUntilItIsAskedAgain) {
  Studio studio(folder_, box_model(), [](const Studio&) {});
  studio.stop();
  studio.add("a", "r1", hands_of("0", 2, 41));
  studio.add("b", "r2", hands_of("5", 2, 41));
  EXPECT_EQ(studio.teaching().state, Teaching::stopped);
  EXPECT_FALSE(studio.taught());
  studio.train();
  settled(studio);
  EXPECT_TRUE(studio.taught());
}

TEST_F(StudioTest, PicturesThatCannotBeReadAreCountedAndHarmNothing) {
  Studio studio(folder_, box_model(), [](const Studio&) {});
  studio.add("a", "r1", hands_of("0", 2, 51));
  studio.add("b", "r2", hands_of("5", 2, 51));
  fs::create_directories(folder_ / "a");
  write_file_atomically(folder_ / "a/torn.png", "\x89PNG\r\n\x1a\n and no more");
  studio.train();
  settled(studio);
  EXPECT_TRUE(studio.taught());
  EXPECT_EQ(studio.signs().signs[0].without_hand, 1);
  EXPECT_NE(message_of([&] { studio.picture("a/torn.png"); }), "no error");
  EXPECT_NE(message_of([&] {
              studio.picture("../" + folder_.filename().string() + "/a/torn.png");
            }).find("no picture"),
            std::string::npos);
}

TEST(Studio, IsNotForModelsThatFindNoHands) {
  Model model;
  model.network = Network::parse("dense 4, relu", {1, 6, 6, 1}, 1);
  model.classes = {"0", "1"};
  model.preprocessing = {6, 6, 1, Fit::stretch};
  EXPECT_NE(message_of([&] { const HandReader reader(model); }).find("finds no hands"), std::string::npos);
}

}  // namespace
}  // namespace mudra
