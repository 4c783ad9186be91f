// A model answers the same to everyone, and its probabilities are what its logits say.
#include "mudra/inference/predictor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <latch>
#include <numeric>
#include <thread>

#include "mudra/core/rng.h"
#include "mudra/data/image_file.h"
#include "mudra/evaluation/evaluation.h"
#include "mudra/features/prepare.h"
#include "tests/evaluation/answers.h"

namespace mudra {
namespace {

// Not trained: what it answers is as good as any.
Model model_of(int classes, const std::string& network = "conv 4 3x3, relu, pool 2, dense 30, relu",
               int channels = 1) {
  Model model;
  for (int c = 0; c < classes; ++c) model.classes.push_back(std::string(1, static_cast<char>('a' + c)));
  model.preprocessing = {12, 10, channels, Fit::stretch};
  model.network = Network::parse(network, {1, 12, 10, channels}, outputs_for(classes));
  model.network.initialize(Initialization::he, 3);
  return model;
}

Image noise(int height, int width, int channels, uint64_t seed) {
  Rng rng(seed, Purpose::test);
  Image image{height, width, channels, {}};
  for (int i = 0; i < height * width * channels; ++i)
    image.bytes.push_back(static_cast<uint8_t>(rng.below(256)));
  return image;
}

// So many images of the size model_of takes, of three classes.
Dataset noises(int64_t count) {
  Dataset data;
  data.pixels = Pixels({count, 12, 10, 1}, noise(static_cast<int>(count) * 12, 10, 1, 9).bytes);
  data.classes = {"a", "b", "c"};
  for (int64_t i = 0; i < count; ++i) data.labels.push_back(static_cast<int32_t>(i % 3));
  return data;
}

std::vector<float> values_of(const Dataset& data, Row row) {
  std::vector<float> values(120);
  data.pixels.read(row, values.data());
  return values;
}

// Of the logits of one image, in double precision: e^(l/T) / Σ e^(l/T), by the sigmoid for a single one.
std::vector<double> softmax(const std::vector<float>& logits, double temperature) {
  if (logits.size() == 1) {
    const double p = 1 / (1 + std::exp(-static_cast<double>(logits[0]) / temperature));
    return {1 - p, p};
  }
  std::vector<double> p;
  for (const float logit : logits) p.push_back(std::exp(static_cast<double>(logit) / temperature));
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& each : p) each /= sum;
  return p;
}

void expect_same(const Answer& a, const Answer& b) {
  EXPECT_EQ(a.label, b.label);
  EXPECT_EQ(a.confidence, b.confidence);
  EXPECT_EQ(a.probabilities, b.probabilities);
  EXPECT_EQ(a.logits, b.logits);
}

TEST(Predictor, GivesFourThreadsAtOnceTheBitsOfOne) {
  const Predictor predictor(model_of(3));
  const Dataset data = noises(64);
  std::vector<Row> rows(64);
  std::iota(rows.begin(), rows.end(), Row{0});
  std::vector<Answer> alone;
  for (const Row row : rows) alone.push_back(predictor.answer(values_of(data, row)));
  std::latch start(4);
  std::atomic<int> different{0};
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        ThreadTeam team(1);
        start.arrive_and_wait();
        for (int round = 0; round < 300; ++round) {  // long enough to run beside the others
          for (const Row row : rows)
            different += predictor.answer(values_of(data, row)).logits != alone[row].logits;
          if (round % 20 > 0) continue;
          const Answers all = predictor.answers(data, rows, team);
          for (const Row row : rows) {
            different += all.labels[row] != alone[row].label;
            for (size_t c = 0; c < 3; ++c)
              different += all.probability(row, c) != alone[row].probabilities[c];
          }
        }
      });
    }
  }
  EXPECT_EQ(different, 0);
}

TEST(Predictor, BringsAPictureOfAnySizeAndColourToItsInput) {
  for (const int channels : {1, 3}) {
    for (const Fit how : {Fit::stretch, Fit::keep_aspect}) {
      Model model = model_of(3, "dense 30, relu", channels);
      model.preprocessing.fit = how;
      const Predictor predictor(model);
      uint64_t seed = 0;
      for (const int of_picture : {1, 3}) {
        for (const ImageSize size : {ImageSize{12, 10}, {12, 30}, {40, 31}, {5, 9}, {1, 1}}) {
          SCOPED_TRACE(testing::Message() << size.height << "x" << size.width << "x" << of_picture);
          const Image picture = noise(size.height, size.width, of_picture, ++seed);
          const Image fitted = fit(picture, model.preprocessing);
          ASSERT_EQ(fitted.bytes.size(), static_cast<size_t>(120 * channels));
          std::vector<float> values;
          for (const uint8_t byte : fitted.bytes) values.push_back(static_cast<float>(byte) * (1 / 255.F));
          const Answer by_hand = predictor.answer(values);
          expect_same(predictor.answer(picture), by_hand);
          const Pixels array({1, size.height, size.width, of_picture}, picture.bytes);
          expect_same(predictor.answer(array).at(0), by_hand);
        }
      }
    }
  }
}

TEST(Predictor, DividesLogitsByTheTemperatureBeforeSoftmax) {
  for (const int classes : {2, 3, 7}) {
    Model model = model_of(classes);
    const Image picture = noise(12, 10, 1, 4);
    const std::vector<float> logits = Predictor(model).answer(picture).logits;
    ASSERT_EQ(logits.size(), classes == 2 ? 1U : static_cast<size_t>(classes));
    for (const double temperature : {1.0, 0.25, 3.0}) {
      SCOPED_TRACE(testing::Message() << classes << " classes, " << temperature);
      model.temperature = temperature;
      const Answer answer = Predictor(model).answer(picture);
      EXPECT_EQ(answer.logits, logits);  // these stay as they are
      const std::vector<double> expected = softmax(logits, temperature);
      ASSERT_EQ(answer.probabilities.size(), expected.size());
      for (size_t c = 0; c < expected.size(); ++c) EXPECT_NEAR(answer.probabilities[c], expected[c], 1e-6);
      const auto largest = std::max_element(expected.begin(), expected.end());
      EXPECT_EQ(answer.label, largest - expected.begin());
      EXPECT_NEAR(answer.confidence, *largest, 1e-6);
    }
  }
}

TEST(Predictor, RefusesWhatItIsNotSureOf) {
  Model model = model_of(3);
  const Image picture = noise(12, 10, 1, 4);
  const Answer sure = Predictor(model).answer(picture);
  ASSERT_NE(sure.label, refused);
  model.rejection_threshold = static_cast<double>(sure.confidence);
  expect_same(Predictor(model).answer(picture), sure);  // not below it
  model.rejection_threshold = static_cast<double>(sure.confidence) + 1e-6;
  const Answer answer = Predictor(model).answer(picture);
  EXPECT_EQ(answer.label, refused);
  EXPECT_EQ(answer.confidence, sure.confidence);
  EXPECT_EQ(answer.probabilities, sure.probabilities);
  EXPECT_NEAR(std::accumulate(answer.probabilities.begin(), answer.probabilities.end(), 0.0), 1, 1e-6);
}

TEST(Predictor, AnswersRowsAsItAnswersEachImage) {
  Model model = model_of(3);
  const Dataset data = noises(300);
  std::vector<Row> rows;  // more than are answered together, in no order, some twice
  for (Row i = 0; i < 270; ++i) rows.push_back(i * 7 % 290);
  model.rejection_threshold =
      static_cast<double>(Predictor(model).answer(values_of(data, rows[0])).confidence) + 1e-6;
  const Predictor predictor(model);
  for (const int threads : {1, 3}) {
    ThreadTeam team(threads);
    const Answers answers = predictor.answers(data, rows, team);
    ASSERT_EQ(answers.size(), rows.size());
    ASSERT_EQ(answers.classes, 3);
    for (size_t i = 0; i < rows.size(); ++i) {
      const Answer one = predictor.answer(values_of(data, rows[i]));
      EXPECT_EQ(answers.labels[i], one.label);
      EXPECT_EQ(answers.confidence(i), one.confidence);
      for (size_t c = 0; c < 3; ++c) EXPECT_EQ(answers.probability(i, c), one.probabilities[c]);
    }
    EXPECT_EQ(answers.labels[0], refused);
  }
}

TEST(Refusal, IsNotRightAndInNoCellOfTheConfusionMatrix) {
  const std::vector<int32_t> truth = {0, 0, 0, 1, 1, 1, 1, 2, 2, 2};
  const std::vector<int32_t> predicted = {0, 1, refused, 1, 1, refused, refused, 2, 0, 2};
  const std::vector<std::string> classes = {"a", "b", "c"};
  const Evaluation found = evaluate(truth, sure_answers(predicted, 3), classes);
  EXPECT_EQ(found.n, 10);
  EXPECT_EQ(found.refused, 3);
  EXPECT_DOUBLE_EQ(found.accuracy, 0.5);  // 1 + 2 + 2 of ten
  EXPECT_EQ(found.confusion, (std::vector<int64_t>{1, 1, 0, 0, 2, 0, 1, 0, 2}));
}

TEST(Predictor, RefusesTensorsItHasNoRoomFor) {
  const Predictor predictor(model_of(3));
  ThreadTeam team(1);
  Tensor logits, probabilities;
  for (const Shape& x : {Shape{answered_together + 1, 12, 10, 1}, Shape{2, 10, 12, 1}, Shape{2, 12, 10, 3}})
    EXPECT_THROW(predictor.answer(Tensor(x), team, logits, probabilities), Error) << x.text();
  predictor.answer(Tensor({answered_together, 12, 10, 1}), team, logits, probabilities);
  EXPECT_EQ(logits.shape(), (Shape{answered_together, 3}));
  EXPECT_EQ(probabilities.shape(), (Shape{answered_together, 3}));
}

// The logits are the mean of those of an image and of its mirror image, one at a time and all together.
TEST(Predictor, OfAMirroredModelGivesTheMeanOfBothViews) {
  for (const int channels : {1, 3}) {
    Model model = model_of(3, "conv 4 3x3, relu, pool 2, dense 30, relu", channels);
    const Predictor plain(model);
    model.is_mirrored = true;
    const Predictor mirrored(model);
    Dataset data;
    data.classes = model.classes;
    data.pixels = Pixels({5, 12, 10, channels}, noise(60, 10, channels, 4).bytes);
    data.labels.assign(5, 0);
    const std::vector<Row> rows = {0, 1, 2, 3, 4};
    ThreadTeam team(2);
    const Answers all = mirrored.answers(data, rows, team);
    for (const Row row : rows) {
      std::vector<float> image(static_cast<size_t>(120 * channels)), flipped(image.size());
      data.pixels.read(row, image.data());
      for (size_t y = 0; y < 12; ++y) {
        for (size_t x = 0; x < 10; ++x) {
          for (size_t c = 0; c < static_cast<size_t>(channels); ++c)
            flipped[(y * 10 + x) * static_cast<size_t>(channels) + c] =
                image[(y * 10 + 9 - x) * static_cast<size_t>(channels) + c];
        }
      }
      const Answer found = mirrored.answer(image), one = plain.answer(image), other = plain.answer(flipped);
      std::vector<float> mean;
      for (size_t c = 0; c < 3; ++c) mean.push_back((one.logits[c] + other.logits[c]) / 2);
      EXPECT_NE(one.logits, other.logits);
      EXPECT_EQ(found.logits, mean);
      EXPECT_EQ(mirrored.answer(flipped).logits, mean);
      for (size_t c = 0; c < 3; ++c) EXPECT_EQ(all.probability(row, c), found.probabilities[c]);
    }
  }
}

TEST(Predictor, AnswersManyImagesAsItAnswersEach) {
  for (const int classes : {2, 3}) {
    Model model = model_of(classes);
    model.temperature = 1.7;
    const Predictor predictor(model);
    const Dataset data = noises(answered_together + 9);
    const auto images = static_cast<size_t>(data.size()), each = classes == 2 ? size_t{1} : size_t{3};
    std::vector<float> logits(images * each, NAN), probabilities(images * static_cast<size_t>(classes), NAN),
        again(probabilities);
    ThreadTeam one(1), two(2);
    predictor.answer(data.pixels, one, logits, probabilities);
    predictor.answer(data.pixels, two, {}, again);
    EXPECT_TRUE(probabilities == again);
    for (size_t i = 0; i < images; ++i) {
      const Answer expected = predictor.answer(values_of(data, static_cast<Row>(i)));
      for (size_t c = 0; c < expected.probabilities.size(); ++c)
        ASSERT_EQ(probabilities[i * static_cast<size_t>(classes) + c], expected.probabilities[c]) << i;
      for (size_t c = 0; c < each; ++c) ASSERT_EQ(logits[i * each + c], expected.logits[c]) << i;
    }
  }
}

}  // namespace
}  // namespace mudra
