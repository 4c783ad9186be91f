// Images that only train: none of them tells a training of what it holds out.
#include "mudra/experiment/extra.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <set>

#include "mudra/core/error.h"
#include "mudra/experiment/experiment.h"
#include "mudra/synth/render_hands.h"

namespace mudra {
namespace {

Dataset rendered(int64_t count, uint64_t seed) {
  ThreadTeam team(1);
  return render_hands({.count = count, .seed = seed}, team);
}

// Rendered hands that pass for photographs of five people.
Dataset photographs(uint64_t seed = 3) {
  Dataset data = rendered(100, seed);
  data.source = "photographs";
  data.group_names = {"ann", "bo", "cy", "di", "ed"};
  return data;
}

Extra extra_of(Dataset data, int times = 1) {
  Extra extra;
  extra.text = "more";
  extra.data = std::move(data);
  extra.times = times;
  return extra;
}

Options options_of(const std::string& split) {
  Options options;
  options.split = split;
  options.network = "dense 8, relu";
  options.training.epochs = 2;
  options.training.batch_size = 16;
  return options;
}

std::vector<float> image(const Dataset& data, Row row) {
  std::vector<float> values(static_cast<size_t>(data.pixels.shape().per_example()));
  data.pixels.read(row, values.data());
  return values;
}

TEST(ExtraSource, EndsInAShareOrANumberOfTimes) {
  const auto parsed = [](const std::string& text) {
    const ExtraSource from = ExtraSource::parse(text);
    return std::tuple(from.source, from.share, from.times);
  };
  EXPECT_EQ(parsed("ankara:0.3"), std::tuple("ankara", 0.3, 1));
  EXPECT_EQ(parsed("ankara:x4"), std::tuple("ankara", 1.0, 4));
  EXPECT_EQ(parsed("ankara"), std::tuple("ankara", 1.0, 1));
  EXPECT_EQ(parsed("synth:60000:massey"), std::tuple("synth:60000:massey", 1.0, 1));
  EXPECT_EQ(parsed("synth:60000"), std::tuple("synth:60000", 1.0, 1));
  EXPECT_EQ(parsed("synth:60000:x2"), std::tuple("synth:60000", 1.0, 2));
  EXPECT_EQ(parsed("synth:60000:mixed:0.5"), std::tuple("synth:60000:mixed", 0.5, 1));
  for (const char* bad : {"a:0.0", "a:1.5", "a:-0.1", "a:x0", "a:x1001", "a:x99999999999"})
    EXPECT_THROW(ExtraSource::parse(bad), Error) << bad;
}

TEST(Extra, OfAHeldOutHandTrainsNowhereButElsewhere) {
  const Dataset data = photographs();
  Dataset more = photographs(4);  // other pictures of two of these hands, and of others
  more.group_names = {"bo", "zoe", "ed", "yu", "xi"};
  const auto everywhere = std::ranges::count_if(more.groups, [](int32_t g) { return g != 0 && g != 2; });
  for (const char* how : {"leave-one-group-out", "group-kfold:2", "group:0.6"}) {
    for (const double validation : {0.0, 0.3}) {
      SCOPED_TRACE(testing::Message() << how << " " << validation);
      Options options = options_of(how);
      options.validation = validation;
      const Experiment experiment = prepare(data, options, {extra_of(more, 3)});
      for (size_t i = 0; i < experiment.trainings(); ++i) {
        const Fold& fold = experiment.training(i);
        std::set<std::string> held_out, trained;
        for (const auto* part : {&fold.test, &fold.validation})
          for (const Row row : *part)
            held_out.insert(data.group_names[static_cast<size_t>(data.groups[row])]);
        std::multiset<Row> rows;
        for (const Row row : fold.train) {
          if (row < data.size()) continue;
          rows.insert((row - static_cast<Row>(data.size())) % 100);
          trained.insert(more.group_names[static_cast<size_t>(more.groups[*rows.rbegin()])]);
        }
        for (Row row = 0; row < 100; ++row) {
          const std::string& name = more.group_names[static_cast<size_t>(more.groups[row])];
          EXPECT_EQ(rows.count(row), held_out.contains(name) ? 0U : 3U);
        }
        EXPECT_GE(static_cast<int64_t>(rows.size()), 3 * everywhere);
      }
      EXPECT_GT(experiment.extra[0].of_held_out_groups, 0);
      EXPECT_EQ(experiment.extra[0].near_copies, 0);
    }
  }
}

TEST(Extra, WhoseHandsAreNotKnownTrainsWhereItIsNoNearCopy) {
  Dataset data = photographs();
  data.groups.clear(), data.group_names.clear();
  Dataset more = photographs();  // the same pictures, and with them others
  std::vector<Row> copied(30);
  std::iota(copied.begin(), copied.end(), Row{10});
  const std::array<Dataset, 2> both{more.select(copied), photographs(77).select(copied)};
  const Experiment experiment = prepare(data, options_of("kfold:4"), {extra_of(joined(both))});
  EXPECT_EQ(experiment.extra[0].near_copies, 30);
  for (size_t i = 0; i < experiment.trainings(); ++i) {
    const Fold& fold = experiment.training(i);
    const std::set<Row> test(fold.test.begin(), fold.test.end()), train(fold.train.begin(), fold.train.end());
    for (Row k = 0; k < 30; ++k) EXPECT_EQ(train.contains(100 + k), !test.contains(10 + k)) << i << " " << k;
    for (Row k = 30; k < 60; ++k) EXPECT_TRUE(train.contains(100 + k)) << i << " " << k;
  }
}

TEST(Extra, ThatIsRenderedIsACopyOfNoPhotographButOfRenderings) {
  Dataset data = photographs();
  data.groups.clear(), data.group_names.clear();
  Extra same = extra_of(rendered(100, 3));
  same.is_rendered = true;
  same.data.groups.clear(), same.data.group_names.clear();
  EXPECT_EQ(prepare(data, options_of("kfold:4"), {same}).extra[0].near_copies, 0);
  data.source = "synth:100";
  EXPECT_EQ(prepare(data, options_of("kfold:4"), {same}).extra[0].near_copies, 100);
}

TEST(Extra, AndRepetitionsFollowTheData) {
  const Dataset data = photographs();
  Options options = options_of("0.8");
  options.data.repeat = 3;
  Dataset more = photographs(4);
  more.group_names = {"zoe", "yu", "xi", "wu", "vi"};
  const Experiment experiment = prepare(data, options, {extra_of(more)});
  const Dataset& all = experiment.training_data();
  EXPECT_EQ(all.size(), 400);
  EXPECT_EQ(experiment.split.folds[0].train.size(), 80U);
  EXPECT_EQ(experiment.training(0).train.size(), 3U * 80 + 100);
  for (const Row row : {Row{7}, Row{99}}) {
    EXPECT_EQ(image(all, row), image(data, row));
    EXPECT_EQ(image(all, row + 200), image(data, row));
    EXPECT_EQ(image(all, row + 300), image(photographs(4), row));
    EXPECT_EQ(all.labels[row + 300], photographs(4).labels[row]);
  }
}

TEST(Extra, CountsOneWhereTheDataHaveWeights) {
  Dataset data = photographs();
  data.example_weights.assign(100, 2.5F);
  const Experiment experiment = prepare(data, options_of("0.8"), {extra_of(photographs(4))});
  EXPECT_EQ(experiment.training_data().example_weights[99], 2.5F);
  EXPECT_EQ(experiment.training_data().example_weights[100], 1);
}

TEST(Extra, TrainsToTheSameBitsForAnyThreadsAndToOthersThanWithoutIt) {
  const auto model = [](std::vector<Extra> extra, int threads) {
    const Experiment experiment = prepare(photographs(), options_of("group:0.6"), std::move(extra));
    ThreadTeam team(threads);
    return model_bytes(run_experiment(experiment, team)->model);
  };
  const std::string one = model({extra_of(photographs(4))}, 1);
  EXPECT_TRUE(one == model({extra_of(photographs(4))}, 2));
  EXPECT_FALSE(one == model({}, 1));
}

TEST(Extra, WhoseHandsAreNotKnownLeavesNewHandsUntold) {
  ThreadTeam team(1);
  Dataset unknown = photographs(77);
  unknown.groups.clear(), unknown.group_names.clear();
  for (const auto& [extra, is_told] :
       {std::pair(extra_of(photographs(77)), true), {extra_of(unknown), false}}) {
    const auto result =
        run_experiment(prepare(photographs(), options_of("leave-one-group-out"), {extra}), team);
    EXPECT_EQ(result->test.new_group.has_value(), is_told);
  }
}

TEST(Extra, OfMoreRowsThanThereAreNumbersIsRefused) {
  Dataset many;
  many.labels.assign(5'000'000, 0);
  many.pixels = Pixels({5'000'000, 1, 1, 1}, std::vector<uint8_t>(5'000'000));
  Options options;
  options.data.repeat = 1000;
  std::vector<Extra> none;
  std::vector<Fold> folds;
  EXPECT_THROW(add_extra(many, options, none, folds), Error);
}

TEST(Extra, KeepsOnlyTheClassesOfTheData) {
  const std::vector<std::string> kept{"5", "0"};
  const Dataset data = photographs().keep_classes(kept);
  Options options = options_of("0.8");
  options.data.extra = {"synth:100:massey:0.5"};
  ThreadTeam team(1);
  const std::vector<Extra> extra = load_extra(options, data, team);
  ASSERT_EQ(extra.size(), 1U);
  EXPECT_EQ(extra[0].data.size(), 10);  // half of 20
  EXPECT_EQ(extra[0].other_classes, 80);
  EXPECT_EQ(extra[0].data.classes, kept);
  const Dataset all = rendered(100, options.seed);
  for (Row row = 0; row < 10; ++row) {
    const Row from = extra[0].data.source_row(row);
    EXPECT_EQ(kept[static_cast<size_t>(extra[0].data.labels[row])],
              all.classes[static_cast<size_t>(all.labels[from])]);
  }
  options.data.extra = {"synth:1:massey"};
  Dataset without_it = data;  // whose classes that one image does not show
  without_it.classes = {"fist", "thumb"};
  EXPECT_THROW(load_extra(options, without_it, team), Error);
}

}  // namespace
}  // namespace mudra
