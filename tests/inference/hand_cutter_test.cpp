// A model with a finder whose weights are set by hand, so that where it finds what can be said beforehand: a
// white square is a hand.
#include "mudra/inference/hand_cutter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <latch>
#include <limits>
#include <optional>
#include <thread>
#include <tuple>

#include "mudra/data/image_file.h"
#include "mudra/data/write_dataset.h"
#include "mudra/experiment/load_data.h"
#include "mudra/features/prepare.h"
#include "mudra/inference/model_picture.h"
#include "mudra/inference/predictor.h"
#include "tests/message.h"
#include "tests/reference.h"

namespace mudra {
namespace {

// What the finder says of every cell where a hand is: its middle an eighth of half a size to the right and
// half as much up; as large as the picture, so that the finder sees all of it when it looks again; turned so
// that up is (0.6, -0.8); and its box.
using Said = std::array<float, finder_distances>;
constexpr Said large = {0.125F, -0.0625F, 1.3862944F, 0.6F, -0.8F, -0.25F, -0.375F, 0.3125F, 0.25F};
constexpr int searched = 64, read = 20;

// The last layer's weights all become `weight`, but for the first output's, and its biases these.
void set_last(Network& network, float first_weight, float weight, const std::vector<float>& biases) {
  auto named = network.parameters();
  std::vector<Scalar> weights = to_file_order(named[named.size() - 2].parameter);
  for (size_t i = 0; i < weights.size(); ++i)
    weights[i] = i < weights.size() / biases.size() ? first_weight : weight;
  from_file_order(named[named.size() - 2].parameter, weights);
  from_file_order(named.back().parameter, {biases.begin(), biases.end()});
}

Part finder(int channels = 1, const Said& said = large) {
  Part part{
      Network::parse("average-pool 8, heads(presence 1, distance 9)", {1, searched, searched, channels}, 1),
      {searched, searched, channels, Fit::keep_aspect}};
  std::vector<float> biases = {-20};
  biases.insert(biases.end(), said.begin(), said.end());
  set_last(part.network, 40.F / static_cast<float>(channels), 0, biases);
  return part;
}

// It reads `read` x read pixels; not trained, so that its answers depend on every one of them.
Model model_that_finds(int channels = 1, int of_finder = 1) {
  Model model;
  model.classes = {"a", "b", "c"};
  model.preprocessing = {read, read, channels, Fit::stretch};
  model.network =
      Network::parse("dense 12, relu, heads(classes 3, distance 42)", {1, read, read, channels}, 3);
  model.network.initialize(Initialization::he, 5);
  model.parts["finder"] = finder(of_finder);
  return model;
}

Model without_finder(Model model) {
  model.parts.clear();
  return model;
}

// Dark waves, with a white square of `side` pixels.
Image picture_with(int height, int width, int left, int top, int side, int channels = 1) {
  Image picture{height, width, channels, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const bool is_hand = x >= left && x < left + side && y >= top && y < top + side;
      for (int c = 0; c < channels; ++c)
        picture.bytes.push_back(is_hand ? uint8_t{255}
                                        : static_cast<uint8_t>(30 + 25 * std::sin(0.2 * x + 0.13 * y)));
    }
  }
  return picture;
}

struct Placed {
  int height, width, left, top, side;  // a white cell of the finder's, in pixels of the picture
  float middle_x, middle_y, quarter;   // of the hand there: its middle, and a quarter of its size
};
// Cells of 8 in 64 pixels are 16 in 128. A hand as large as the longer side, whose middle is a sixteenth of
// that right of the cell's and half as much above. A landscape of 96 has 16 black pixels above it.
constexpr Placed placed_hands[] = {{128, 128, 48, 32, 16, 56 + 8, 40 - 4, 32},
                                   {96, 128, 80, 32, 16, 88 + 8, 40 - 4, 32},
                                   {128, 96, 16, 96, 16, 24 + 8, 104 - 4, 32},
                                   {256, 192, 64, 32, 32, 80 + 16, 48 - 8, 64},
                                   {32, 32, 8, 20, 4, 10 + 2, 22 - 1, 8}};

TEST(HandCutter, PutsTheBoxWhereTheFinderSaysWidenedByAnEighth) {
  const Predictor predictor(model_that_finds());
  for (const Placed& c : placed_hands) {
    SCOPED_TRACE(testing::Message() << c.height << 'x' << c.width);
    const Answer answer = predictor.answer(picture_with(c.height, c.width, c.left, c.top, c.side));
    ASSERT_TRUE(answer.box);
    const float half = c.quarter / 2, wider = 2.25F * half / 8, higher = 2.5F * half / 8;
    const auto part = [](float at, int of) { return std::clamp(at / static_cast<float>(of), 0.F, 1.F); };
    EXPECT_NEAR(answer.box->left, part(c.middle_x - half - wider, c.width), 1e-4);
    EXPECT_NEAR(answer.box->top, part(c.middle_y - 1.5F * half - higher, c.height), 1e-4);
    EXPECT_NEAR(answer.box->right, part(c.middle_x + 1.25F * half + wider, c.width), 1e-4);
    EXPECT_NEAR(answer.box->bottom, part(c.middle_y + half + higher, c.height), 1e-4);
  }
}

TEST(HandCutter, ReadsTheCutTurnedUpright) {
  const Predictor predictor(model_that_finds()), reader(without_finder(model_that_finds()));
  for (const Placed& c : placed_hands) {
    const Image picture = picture_with(c.height, c.width, c.left, c.top, c.side);
    const Answer whole = predictor.answer(picture);
    const Image seen = cut(picture, {{c.middle_x, c.middle_y}, 4 * c.quarter, {0.6F, -0.8F}}, read);
    const Answer of_cut = reader.answer(seen);
    for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(whole.logits[i], of_cut.logits[i], 0.02) << c.height;
    EXPECT_EQ(whole.label, of_cut.label);
  }
}

TEST(HandCutter, PutsJointsBackIntoThePicture) {
  Model model = model_that_finds();
  // Joint i at a part of the cut of 0.3 + i / 50 across and 0.9 - i / 40 down, whatever it sees.
  std::vector<float> biases = {1, 0, 0};
  for (int i = 0; i < 21; ++i) {
    biases.push_back(3 * (0.3F + static_cast<float>(i) / 50 - 0.5F));
    biases.push_back(3 * (0.9F - static_cast<float>(i) / 40 - 0.5F));
  }
  set_last(model.network, 0, 0, biases);
  const Predictor predictor(model);
  for (const Placed& c : placed_hands) {
    SCOPED_TRACE(testing::Message() << c.height << 'x' << c.width);
    const Answer answer = predictor.answer(picture_with(c.height, c.width, c.left, c.top, c.side));
    ASSERT_EQ(answer.joints.size(), 21U);
    for (int i = 0; i < 21; ++i) {
      // The cut's side is the size / 0.72; its down is (-0.6, 0.8) in the picture, its right (0.8, 0.6).
      const double across = (0.3 + i / 50.0 - 0.5) * 4 * c.quarter / 0.72,
                   down = (0.9 - i / 40.0 - 0.5) * 4 * c.quarter / 0.72;
      const Joint& joint = answer.joints[static_cast<size_t>(i)];
      EXPECT_NEAR(joint.x * static_cast<float>(c.width), c.middle_x + 0.8 * across - 0.6 * down, 0.01);
      EXPECT_NEAR(joint.y * static_cast<float>(c.height), c.middle_y + 0.6 * across + 0.8 * down, 0.01);
    }
  }
}

TEST(HandCutter, AnswersOfAPictureWithoutAHandFromAnEvenGrey) {
  for (const int channels : {1, 3}) {
    const Predictor predictor(model_that_finds(channels)), reader(without_finder(model_that_finds(channels)));
    const Answer grey =
        reader.answer({read, read, channels, std::vector<uint8_t>(size_t{read} * read * channels, 128)});
    for (const Image& picture : {picture_with(90, 120, -50, 0, 8), picture_with(1, 1, -5, 0, 1, 3)}) {
      const Answer answer = predictor.answer(picture);
      EXPECT_FALSE(answer.box);
      EXPECT_TRUE(answer.joints.empty());
      EXPECT_EQ(answer.logits, grey.logits);
      EXPECT_EQ(answer.probabilities, grey.probabilities);
      EXPECT_EQ(answer.label, refused);
    }
  }
}

// The map's likeliest cell says the logit of 0.11 or of 0.09, at both looks.
TEST(HandCutter, CutsOutWhatIsAHandWithAProbabilityOfATenth) {
  for (const double presence : {0.11, 0.09}) {
    Model model = model_that_finds();
    std::vector<float> biases = {static_cast<float>(std::log(presence / (1 - presence)))};
    biases.insert(biases.end(), large.begin(), large.end());
    set_last(model.parts["finder"].network, 0, 0, biases);
    EXPECT_EQ(Predictor(model).answer(picture_with(64, 64, 8, 8, 8)).box.has_value(), presence > 0.1);
  }
}

// Every cell says the same at both looks, so that this is the mean, too.
Model model_that_finds_with(float presence, std::string none_class, double threshold) {
  Model model = model_that_finds();
  std::vector<float> biases = {std::log(presence / (1 - presence))};
  biases.insert(biases.end(), large.begin(), large.end());
  set_last(model.parts["finder"].network, 0, 0, biases);
  set_last(model.network, 0, 0, std::vector<float>(45, 0));  // each class a third
  std::vector<Scalar> said(45, 0);
  said[1] = 2;  // but b
  from_file_order(model.network.parameters().back().parameter, said);
  model.none_class = std::move(none_class);
  model.rejection_threshold = threshold;
  return model;
}

TEST(HandCutter, WhatMayBeNoHandShowsNoneOfTheSignsAsMuch) {
  const Image picture = picture_with(64, 64, 8, 8, 8);
  const double b = std::exp(2) / (std::exp(2) + 2), a = 1 / (std::exp(2) + 2);
  const Answer answer = Predictor(model_that_finds_with(0.4F, "c", 0)).answer(picture);
  EXPECT_NEAR(answer.probabilities[0], 0.4 * a, 1e-5);
  EXPECT_NEAR(answer.probabilities[1], 0.4 * b, 1e-5);
  EXPECT_NEAR(answer.probabilities[2], 1 - 0.4 * (1 - a), 1e-5);
  EXPECT_EQ(answer.label, 2);
  EXPECT_NEAR(answer.confidence, answer.probabilities[2], 1e-6);
  // The likeliest sign is likely by 0.315.
  const Answer sure = Predictor(model_that_finds_with(0.4F, "c", 0.31)).answer(picture);
  EXPECT_EQ(sure.label, 1);
  EXPECT_NEAR(sure.confidence, 0.4 * b, 1e-5);
  const Answer unsure = Predictor(model_that_finds_with(0.4F, "c", 0.32)).answer(picture);
  EXPECT_EQ(unsure.label, 2);
  EXPECT_EQ(unsure.probabilities, sure.probabilities);
  // Without a class for it, only what is no hand at all is none of the signs.
  const Answer of_three = Predictor(model_that_finds_with(0.4F, "", 0)).answer(picture);
  EXPECT_EQ(of_three.label, 1);
  EXPECT_NEAR(of_three.probabilities[1], b, 1e-5);
  EXPECT_EQ(Predictor(model_that_finds_with(0.05F, "", 0)).answer(picture).label, refused);
}

// Of a finder whose hidden value is `hidden` everywhere, and whose output number `output` is ten times that.
Model model_that_overflows(float hidden, size_t output) {
  Model model = model_that_finds();
  Network& network = model.parts["finder"].network;
  network = Network::parse("average-pool 8, conv 1 1x1, heads(presence 1, distance 9)", {1, 64, 64, 1}, 1);
  const auto named = network.parameters();
  from_file_order(named[0].parameter, {0});
  from_file_order(named[1].parameter, {hidden});
  std::vector<Scalar> weights(finder_channels, 0);
  weights[output] = 10;
  from_file_order(named[2].parameter, weights);
  from_file_order(named[3].parameter, std::vector<Scalar>(finder_channels, 1));
  return model;
}

// A model file may hold any weights that are finite; what comes of them may be infinite, or no number.
TEST(HandCutter, FindsNoHandWhereTheFinderSaysNoPlace) {
  const Image picture = picture_with(64, 64, 0, 0, 8);
  EXPECT_TRUE(Predictor(model_that_overflows(0.01F, 4)).answer(picture).box);
  for (const size_t output : {1, 2, 4, 5, 6, 7, 8, 9}) {  // all but presence and size, which have bounds
    for (const float hidden : {1e38F, -1e38F}) {
      const Answer answer = Predictor(model_that_overflows(hidden, output)).answer(picture);
      EXPECT_FALSE(answer.box) << output;
      EXPECT_TRUE(answer.joints.empty()) << output;
    }
  }
  Model model = model_that_overflows(0, 0);  // infinity times 0 everywhere
  const auto named = model.parts["finder"].network.parameters();
  constexpr float most = std::numeric_limits<float>::max();
  from_file_order(named[0].parameter, {most});
  from_file_order(named[1].parameter, {most});
  EXPECT_FALSE(Predictor(model).answer(picture_with(64, 64, 0, 0, 64)).box);
}

// A quarter of the picture large, and so far away from the cell, in half sizes.
Model model_that_finds_at(float x, float y) {
  Model model = model_that_finds();
  model.parts["finder"] = finder(1, {x, y, 0, 0.6F, -0.8F, -1, -1.5F, 1.25F, 1});
  return model;
}

// What one look at a picture finds.
FoundHand seen_once(Model& model, const Image& picture) {
  Part& part = model.parts["finder"];
  Tensor x(part.network.input);
  prepare(picture, part.preprocessing, x.data());
  ThreadTeam team(1);
  Plan plan(part.network, 1, Mode::infer);
  const Tensor& map = plan.infer(part.network, x, Context{team});
  return in_picture(found_hand(map.data(), searched, 8), searched, picture.height, picture.width);
}

TEST(HandCutter, LooksAgainAtWhatIsAroundTheHandItFound) {
  Model model = model_that_finds_at(0.5F, -0.25F);
  const Image picture = picture_with(128, 128, 48, 32, 16);
  // Found at first: 32 large, its middle at (64, 36). Of 2.2 times that: from 28.8 to 99.2, from 0.8 to 71.2.
  const int left = 28, right = 99, bottom = 71;
  Image part{bottom, right - left, 1, {}};
  for (int y = 0; y < bottom; ++y) {
    for (int x = left; x < right; ++x) part.bytes.push_back(picture.bytes[static_cast<size_t>(y) * 128 + x]);
  }
  const FoundHand expected = seen_once(model, part);
  const HandCuts cuts = HandCutter(model).cut_out(picture);
  ASSERT_EQ(cuts.looks.size(), 2U);
  const FoundHand first = seen_once(model, picture);
  EXPECT_EQ(cuts.looks[0].hand.view.size, first.view.size);
  EXPECT_EQ(cuts.looks[0].image, cut(picture, first.view, read));
  EXPECT_EQ(cuts.looks[1].image, cut(picture, cuts.looks[1].hand.view, read));
  const FoundHand* found = &cuts.looks[1].hand;
  EXPECT_NEAR(found->view.middle.x, expected.view.middle.x + left, 1e-4);
  EXPECT_NEAR(found->view.middle.y, expected.view.middle.y, 1e-4);
  EXPECT_NEAR(found->view.size, 71.0 / 4, 1e-4);
  EXPECT_NEAR(found->box.left, expected.box.left + left, 1e-4);
  EXPECT_NEAR(found->box.right, expected.box.right + left, 1e-4);
  EXPECT_NEAR(found->box.top, expected.box.top, 1e-4);
  EXPECT_NEAR(found->box.bottom, expected.box.bottom, 1e-4);
  EXPECT_FLOAT_EQ(cuts.presence, std::sqrt(expected.presence * first.presence));
}

TEST(HandCutter, ReadsBothLooks) {
  const Model model = model_that_finds_at(0.5F, -0.25F);
  const Predictor predictor(model), reader(without_finder(model));
  const Image picture = picture_with(128, 128, 48, 32, 16);
  const HandCuts cuts = HandCutter(model).cut_out(picture);
  const Answer first = reader.answer(cuts.looks[0].image), nearer = reader.answer(cuts.looks[1].image);
  Image seen;
  const Answer answer = predictor.answer(picture, &seen);
  double sum = 0;
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NE(first.logits[i], nearer.logits[i]);
    EXPECT_FLOAT_EQ(answer.logits[i], (first.logits[i] + nearer.logits[i]) / 2);
    sum += std::exp(static_cast<double>(answer.logits[i]));
  }
  for (size_t i = 0; i < 3; ++i)
    EXPECT_NEAR(answer.probabilities[i], std::exp(static_cast<double>(answer.logits[i])) / sum, 1e-6);
  EXPECT_EQ(seen, cuts.looks[1].image);
  predictor.answer(picture_with(90, 120, -50, 0, 8), &seen);
  EXPECT_EQ(seen, no_cut(model.preprocessing));
}

TEST(HandCutter, FindsNoHandThatIsNotThereWhenItLooksAgain) {
  const Image picture = picture_with(128, 128, 48, 32, 16);
  Model model = model_that_finds_at(4, 0);  // from 84 pixels on, where nothing is white
  EXPECT_GT(seen_once(model, picture).presence, 0.99F);
  EXPECT_FALSE(HandCutter(model).cut_out(picture).found());
}

TEST(HandCutter, GivesNoJointsWhereTheReaderSaysNoNumbers) {
  constexpr float huge = std::numeric_limits<float>::max();
  Model model = model_that_finds();
  set_last(model.network, 0, 0, std::vector<float>(45, 1));
  std::vector<Scalar> weights = to_file_order(model.network.parameters()[2].parameter);
  for (size_t i = 0; i < 2; ++i) weights[weights.size() - 1 - i] = i == 0 ? huge : -huge;
  from_file_order(model.network.parameters()[2].parameter, weights);
  from_file_order(model.network.parameters()[1].parameter, std::vector<Scalar>(12, huge));
  const Image picture = picture_with(128, 128, 48, 32, 16);
  const Answer found = Predictor(model).answer(picture);
  EXPECT_TRUE(found.box);
  EXPECT_TRUE(found.joints.empty());
  EXPECT_TRUE(Predictor(without_finder(model)).answer(picture).joints.empty());
}

TEST(HandCutter, GivesFourThreadsAtOnceTheBitsOfOne) {
  const Predictor predictor(model_that_finds());
  std::vector<Image> pictures;
  std::vector<Answer> alone;
  for (int i = 0; i < 24; ++i) {
    pictures.push_back(picture_with(64 + i, 80, 8 * (i % 8), 4 * i % 56, 14));
    alone.push_back(predictor.answer(pictures.back()));
  }
  std::latch start(4);
  std::atomic<int> different{0};
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        start.arrive_and_wait();
        for (size_t i = 0; i < 20 * pictures.size(); ++i) {
          const size_t which = (i * 7 + t) % pictures.size();
          const Answer answer = predictor.answer(pictures[which]);
          different += answer.logits != alone[which].logits;
          different += answer.box.has_value() != alone[which].box.has_value();
          if (answer.box) different += answer.box->left != alone[which].box->left;
          for (size_t j = 0; j < answer.joints.size(); ++j)
            different += answer.joints[j].x != alone[which].joints[j].x;
        }
      });
    }
  }
  EXPECT_EQ(different, 0);
}

TEST(HandCutter, RefusesAFinderThatIsNone) {
  const auto refused_for = [](const std::string& network, Preprocessing p) {
    Model model = model_that_finds();
    model.parts["finder"] = {Network::parse(network, {1, p.height, p.width, p.channels}, 10), p};
    return message_of([&] { const Predictor predictor(model); });
  };
  const std::string message =
      "model: has a finder whose network is none. It takes square pictures and ends in heads(presence 1, "
      "distance 9) behind a square map.";
  const std::string good = "average-pool 8, heads(presence 1, distance 9)";
  const Preprocessing square{64, 64, 1, Fit::keep_aspect};
  EXPECT_EQ(refused_for(good, square), "no error");
  EXPECT_EQ(refused_for("average-pool 8, heads(presence 1, distance 9 weight 0.5)", square), "no error");
  EXPECT_EQ(refused_for("average-pool 8, heads(presence 1, distance 6)", square), message);
  EXPECT_EQ(refused_for("average-pool 8, heads(presence 2, distance 9)", square), message);
  EXPECT_EQ(refused_for("average-pool 8, heads(distance 1, distance 9)", square), message);
  EXPECT_EQ(refused_for("average-pool 8, heads(distance 9, presence 1)", square), message);
  EXPECT_EQ(refused_for("average-pool 8, heads(presence 1)", square), message);
  EXPECT_EQ(refused_for("dense 10", square), message);
  EXPECT_EQ(refused_for(good, {64, 32, 1, Fit::keep_aspect}), message);
  EXPECT_EQ(refused_for(good, {64, 64, 1, Fit::stretch}), message);
  EXPECT_EQ(refused_for("global-pool, heads(presence 1, distance 9)", square), message);  // no cells
  EXPECT_EQ(refused_for("dense 12, relu, heads(presence 1, distance 9)", square), message);
  EXPECT_EQ(refused_for("pool 8x4 stride 4, heads(presence 1, distance 9)", square), message);  // 15 x 16
}

// Files a.png ... in sub-folders named after their classes, and what they show.
std::vector<Image> write_folder(const std::filesystem::path& folder, int channels) {
  std::vector<Image> pictures;
  for (int i = 0; i < 9; ++i) {
    pictures.push_back(picture_with(70, 96, 12 * (i % 4), 12 * (i / 2), i == 4 ? 0 : 13, channels));
    const std::filesystem::path of_class = folder / std::string(1, static_cast<char>('a' + i / 3));
    std::filesystem::create_directories(of_class);
    std::ofstream(of_class / (std::to_string(i) + ".png"), std::ios::binary) << encode_png(pictures.back());
  }
  return pictures;
}

void expect_answers(const LoadedData& loaded, const std::function<Answer(size_t)>& alone) {
  const auto& [data, text, is_shrunk, chosen, answers] = loaded;
  ASSERT_EQ(data.size(), 9);
  ASSERT_EQ(answers.size(), 9U);
  int hands = 0;
  for (size_t i = 0; i < 9; ++i) {
    const Answer one = alone(i);
    hands += one.box.has_value();
    EXPECT_EQ(data.labels[i], static_cast<int32_t>(i / 3));
    EXPECT_EQ(answers.labels[i], one.label) << i;
    for (size_t c = 0; c < 3; ++c) EXPECT_EQ(answers.probability(i, c), one.probabilities[c]) << i;
  }
  EXPECT_EQ(hands, 8);
}

TEST(LoadDataFor, AModelThatFindsHandsGivesTheAnswersOfEachPicture) {
  ThreadTeam team(1);
  for (const auto& [of_reader, of_finder, of_pictures] :
       {std::tuple{3, 3, 3}, {3, 3, 1}, {1, 3, 3}, {3, 1, 3}, {1, 1, 1}}) {
    SCOPED_TRACE(testing::Message() << of_reader << of_finder << of_pictures);
    const ScratchFolder folder;
    const Model model = model_that_finds(of_reader, of_finder);
    const Predictor predictor(model);
    const std::vector<Image> pictures = write_folder(folder.path() / "pictures", of_pictures);
    DataOptions options;
    options.source = (folder.path() / "pictures").string();
    const LoadedData loaded = load_data_for(predictor, options, 1, team);
    const Dataset& of_folder = loaded.data;
    EXPECT_EQ(of_folder.pixels.shape(), (Shape{9, read, read, of_reader}));
    expect_answers(loaded, [&](size_t i) {
      return predictor.answer(read_picture_for(model, options.source + "/" + of_folder.files[i]));
    });

    Dataset array = of_folder;
    array.files.clear();
    std::vector<uint8_t> bytes;
    for (const Image& picture : pictures)
      bytes.insert(bytes.end(), picture.bytes.begin(), picture.bytes.end());
    array.pixels = Pixels({9, 70, 96, of_pictures}, bytes);
    options.source = (folder.path() / "pictures.npz").string();
    write_dataset(array, options.source);
    const std::vector<Answer> alone = predictor.answer(array.pixels);
    expect_answers(load_data_for(predictor, options, 1, team), [&](size_t i) { return alone[i]; });

    options.classes = {"c", "a"};  // of the model's
    options.source = (folder.path() / "pictures").string();
    const LoadedData some = load_data_for(predictor, options, 1, team);
    ASSERT_EQ(some.data.size(), 6);
    ASSERT_EQ(some.answers.size(), 6U);
    for (Row row = 0; row < 6; ++row) {
      const size_t source = some.data.source_row(row);
      EXPECT_EQ(some.data.labels[row], source < 3 ? 0 : 2);
      EXPECT_EQ(some.answers.labels[row], loaded.answers.labels[source]);
      EXPECT_EQ(some.answers.probability(row, 1), loaded.answers.probability(source, 1));
    }
  }
}

}  // namespace
}  // namespace mudra
