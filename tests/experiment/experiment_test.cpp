// An experiment is a value: its trainings may be done in any order, on several threads, and in pieces.
#include "mudra/experiment/experiment.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <stop_token>
#include <thread>

#include "mudra/core/error.h"
#include "mudra/core/rng.h"
#include "mudra/core/text.h"
#include "mudra/inference/calibration.h"
#include "mudra/inference/predictor.h"

namespace mudra {
namespace {

// Three classes, noise with a little of the class in it, shown by six hands.
Dataset hands() {
  Rng rng(8, Purpose::test);
  Dataset data;
  std::vector<uint8_t> bytes;
  for (int i = 0; i < 120; ++i) {
    data.labels.push_back(i % 3);
    data.groups.push_back(i % 7 % 6);
    for (int p = 0; p < 56; ++p) bytes.push_back(static_cast<uint8_t>(rng.below(p % 3 == i % 3 ? 256 : 180)));
  }
  data.source = "hands";
  data.pixels = Pixels({120, 7, 8, 1}, std::move(bytes));
  data.classes = {"a", "b", "c"};
  data.group_names = {"h0", "h1", "h2", "h3", "h4", "h5"};
  return data;
}

Options options_of(const std::map<std::string, std::string>& more = {}) {
  Options options;
  options.split = "kfold:3";
  options.network = "dense 20, dropout 0.1, relu";
  options.training.epochs = 4;
  options.training.batch_size = 16;
  options.training.learning_rate = 0.02;
  for (const auto& [name, text] : more) set_option(options, name, text);
  return options;
}

FoldResult train(const Experiment& experiment, size_t training) {
  ThreadTeam team(1);
  Trainer trainer = trainer_for(experiment, training, team);
  trainer.run();
  return result_of(experiment, training, std::move(trainer), team);
}

// Everything but the seconds, bit for bit.
void expect_same(const ExperimentResult& a, const ExperimentResult& b) {
  EXPECT_TRUE(model_bytes(a.model) == model_bytes(b.model));
  EXPECT_EQ(to_json(a.test), to_json(b.test));
  EXPECT_EQ(a.test_rows, b.test_rows);
  EXPECT_EQ(a.answers.labels, b.answers.labels);
  EXPECT_EQ(a.answers.probabilities, b.answers.probabilities);
  ASSERT_EQ(a.trainings.size(), b.trainings.size());
  for (size_t i = 0; i < a.trainings.size(); ++i) {
    EXPECT_EQ(a.trainings[i].kept_epoch, b.trainings[i].kept_epoch);
    ASSERT_EQ(a.trainings[i].history.size(), b.trainings[i].history.size());
    for (size_t e = 0; e < a.trainings[i].history.size(); ++e)
      EXPECT_EQ(a.trainings[i].history[e].loss_train, b.trainings[i].history[e].loss_train);
  }
}

// what() of the Error that `act` throws.
template <class Act>
std::string refusal(Act act, ErrorKind kind = ErrorKind::usage) {
  try {
    act();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  return "nothing is refused";
}

TEST(Experiment, FoldsTrainedApartInAnyOrderGiveTheSameBits) {
  for (const char* how : {"kfold:3", "leave-one-group-out"}) {
    const Experiment experiment = prepare(hands(), options_of({{"split", how}, {"validation", "0.2"}}));
    ThreadTeam team(2);
    const auto together = run_experiment(experiment, team);
    ASSERT_TRUE(together);
    std::vector<FoldResult> results(experiment.trainings());
    const auto backwards = [&](size_t every, size_t from) {
      for (size_t i = results.size(); i-- > 0;) {
        if (i % every == from) results[i] = train(experiment, i);
      }
    };
    std::thread odd(backwards, 2, 1), even(backwards, 2, 0);
    odd.join();
    even.join();
    expect_same(conclude(experiment, std::move(results)), *together);
    EXPECT_EQ(together->test.n, 120);
    EXPECT_GT(together->test.accuracy, 0.4);  // of three classes: something is learned
  }
}

TEST(Experiment, OneStoppedAnywhereGoesOnToTheSameBits) {
  const Experiment experiment = prepare(hands(), options_of());
  ThreadTeam team(1);
  int64_t steps = 0;
  ExperimentEvents count;
  count.step = [&](const auto&, const Trainer&) { ++steps; };
  const auto whole = run_experiment(experiment, team, count);
  ASSERT_TRUE(whole);
  EXPECT_EQ(steps, 4 * (3 * 5 + 8));  // epochs, and batches of 16 of thrice 80 and once 120 images

  for (const int64_t last : {1, 5, 20, 21, 47, 70}) {
    SCOPED_TRACE(last);
    std::stop_source stop;
    Resumption resumption;
    resumption.where = "memory";
    int64_t done = 0;
    bool is_stopped = false;
    ExperimentEvents events;
    events.step = [&](const auto&, const Trainer&) {
      if (++done == last) stop.request_stop();
    };
    events.stopped = [&](const std::vector<FoldResult>& so_far, const Trainer& now) {
      EXPECT_FALSE(is_stopped);
      is_stopped = true;
      resumption.done = so_far;
      now.put_state(resumption.trainer);
    };
    EXPECT_FALSE(run_experiment(experiment, team, events, stop.get_token()));
    ASSERT_TRUE(is_stopped);
    EXPECT_EQ(done, last);  // nothing more is done
    // A fold's last step is before its end.
    EXPECT_EQ(resumption.done.size(), static_cast<size_t>((last - 1) / 20));

    int64_t more = 0;
    ExperimentEvents after;
    after.step = [&](const auto&, const Trainer&) { ++more; };
    const auto gone_on = run_experiment(experiment, team, after, {}, &resumption);
    ASSERT_TRUE(gone_on);
    EXPECT_EQ(done + more, steps);  // and nothing twice
    expect_same(*gone_on, *whole);
  }
}

TEST(Experiment, RefusesOneClassBeforeAnyWork) {
  Dataset data = hands();
  data.classes = {"fist"};
  data.labels.assign(120, 0);
  const std::string text = refusal([&] { prepare(data, options_of()); }, ErrorKind::failure);  // of the data
  EXPECT_NE(text.find("one class, 'fist'"), text.npos) << text;
}

TEST(Experiment, RefusesPatienceWithoutValidation) {
  Options options = options_of();
  options.training.patience = 3;
  const std::string text = refusal([&] { prepare(hands(), options); });
  EXPECT_NE(text.find("--patience"), text.npos) << text;
  EXPECT_NE(text.find("--validation"), text.npos) << text;
  options.validation = 0.2;
  EXPECT_NO_THROW(prepare(hands(), options));
}

TEST(Experiment, OfSeveralFoldsTrainsOnAllImagesLast) {
  const Experiment one = prepare(hands(), options_of({{"split", "0.75"}}));
  EXPECT_FALSE(one.trains_on_all());
  EXPECT_EQ(one.trainings(), 1U);
  EXPECT_EQ(one.training(0).train.size(), 90U);
  EXPECT_EQ(one.training(0).test.size(), 30U);

  const Experiment three = prepare(hands(), options_of());
  ASSERT_TRUE(three.trains_on_all());
  EXPECT_EQ(three.trainings(), 4U);
  std::vector<Row> all(120);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<Row>(i);
  EXPECT_EQ(three.training(3).train, all);
  EXPECT_TRUE(three.training(3).test.empty());
  EXPECT_EQ(three.training(3).name, "all images");

  const Experiment validated = prepare(hands(), options_of({{"validation", "0.25"}}));
  EXPECT_EQ(validated.training(3).train.size(), 90U);
  EXPECT_EQ(validated.training(3).validation.size(), 30U);
}

// Answers of temperature 1 for some rows, by the weights a training keeps.
Answers raw_answers(const Experiment& experiment, size_t training, const std::vector<Row>& rows) {
  ThreadTeam team(1);
  Trainer trainer = trainer_for(experiment, training, team);
  trainer.run();
  Model model = experiment.initial;
  model.network = trainer.kept();
  return Predictor(model).answers(experiment.data, rows, team);
}

// The folder of a test, and a model in it that was trained on other signs.
std::filesystem::path trained_model() {
  const Experiment other = prepare(hands(), options_of({{"split", "0.5"}, {"seed", "5"}}));
  Model model = other.initial;
  model.network = train(other, 0).network;
  model.classes = {"x", "y", "z"};
  const auto file =
      std::filesystem::temp_directory_path() / ("mudra-from-" + std::to_string(::getpid()) + ".safetensors");
  save_model(model, file);
  return file;
}

TEST(Experiment, FromAModelBeginsWithItsWeightsButTheLast) {
  const std::filesystem::path file = trained_model();
  const Network trunk = load_model(file).network;
  Dataset data = hands();
  data.classes = {"a", "b", "c", "d"};  // one sign more than the model knows
  data.labels[0] = 3;
  const Options options = options_of({{"split", "0.5"}, {"from", file.string()}});
  const Network begun = initial_network(options, data);
  Network fresh = network_for(options, data);
  fresh.initialize(options.init, options.seed);
  const auto values = [](const Network& network, const std::string& name) {
    for (const auto& each : network.parameters()) {
      if (each.name == name) {
        const auto all = each.parameter.tensor->values();
        return std::vector<Scalar>(all.begin(), all.end());
      }
    }
    return std::vector<Scalar>();
  };
  // flatten, dense 20, dropout, relu, dense: layer 1 is the model's, layer 4 the seed's.
  for (const std::string name : {"1.weight", "1.bias"}) {
    ASSERT_FALSE(values(begun, name).empty());
    EXPECT_EQ(values(begun, name), values(trunk, name));
    EXPECT_NE(values(begun, name), values(fresh, name));
  }
  EXPECT_EQ(values(begun, "4.weight"), values(fresh, "4.weight"));
  EXPECT_EQ(begun.outputs(), 4);

  // Frozen, they are the model's after training, too.
  Options frozen = options;
  frozen.training.freeze = 4;
  frozen.training.learning_rate = 0.02;
  const FoldResult result = train(prepare(hands(), frozen), 0);
  EXPECT_EQ(values(result.network, "1.weight"), values(trunk, "1.weight"));
  EXPECT_NE(values(result.network, "4.weight"), values(fresh, "4.weight"));
  std::filesystem::remove(file);
}

// The features of frozen layers are only a faster way to the same bits.
TEST(Experiment, ALastLayerThatLearnsAloneIsTrainedOnFeatures) {
  const std::filesystem::path file = trained_model();
  const auto options = [&](const std::map<std::string, std::string>& more) {
    Options made = options_of({{"from", file.string()}, {"freeze", "4"}});
    for (const auto& [name, text] : more) set_option(made, name, text);
    return made;
  };
  const Experiment once = prepare(hands(), options({{"validation", "0.2"}, {"ema", "0.9"}}));
  ASSERT_TRUE(once.features);
  for (const size_t training : {size_t{0}, once.trainings() - 1}) {
    ThreadTeam team(2);
    Trainer whole(once.initial.network, once.training_data(), once.training(training), once.options.training,
                  once.options.seed, team);
    whole.run();
    const Trainer expected = std::move(whole);
    Trainer found = trainer_for(once, training, team);
    found.run();
    ASSERT_EQ(found.history().size(), expected.history().size());
    for (size_t i = 0; i < found.history().size(); ++i) {
      EXPECT_EQ(found.history()[i].loss_train, expected.history()[i].loss_train);
      EXPECT_EQ(found.history()[i].loss_validation, expected.history()[i].loss_validation);
    }
    const FoldResult result = result_of(once, training, std::move(found), team);
    if (training + 1 < once.trainings()) continue;
    Model one = once.initial, other = once.initial;
    one.network = result.network;
    other.network = expected.kept();
    EXPECT_TRUE(model_bytes(one) == model_bytes(other));
  }
  EXPECT_FALSE(prepare(hands(), options({{"freeze", "3"}})).features) << "two layers learn";
  EXPECT_FALSE(prepare(hands(), options({{"freeze", "0"}})).features);

  // Changed once for each time an epoch takes them, the images to train on; the others as they are.
  const Experiment changed =
      prepare(hands(), options({{"split", "0.75"}, {"augment", "rotate 20"}, {"repeat", "3"}}));
  const FeatureTrainings& made = *changed.features;
  EXPECT_EQ(made.data.size(), 120 + 3 * 90);
  EXPECT_EQ(made.folds[0].test, changed.split.folds[0].test);
  const auto feature = [&](Row row) {
    std::vector<float> values(20);
    made.data.pixels.read(row, values.data());
    return values;
  };
  const std::vector<Row>&trained = made.folds[0].train, &images = changed.training(0).train;
  ASSERT_EQ(trained.size(), 270U);
  for (const size_t i : {size_t{0}, size_t{89}}) {
    EXPECT_EQ(made.data.labels[trained[i]], changed.data.labels[images[i]]);
    EXPECT_EQ(made.data.labels[trained[i + 90]], changed.data.labels[images[i]]);
    EXPECT_NE(feature(trained[i]), feature(images[i]));
    EXPECT_NE(feature(trained[i]), feature(trained[i + 90]));
  }
  std::filesystem::remove(file);
}

TEST(Experiment, FromAModelOfAnotherNetworkOrSizeIsRefused) {
  const std::filesystem::path file = trained_model();
  const auto message = [&](const std::string& network, Dataset data) {
    try {
      prepare(std::move(data), options_of({{"from", file.string()}, {"network", network}}));
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  Dataset small = hands();
  small.pixels = Pixels({120, 4, 4, 1}, std::vector<uint8_t>(size_t{120} * 16));
  EXPECT_NE(message("dense 21, dropout 0.1, relu", hands()).find("--from"), std::string::npos);
  EXPECT_NE(message("dense 20, dropout 0.1, relu", small).find("for images"), std::string::npos);
  EXPECT_EQ(message("dense 20, dropout 0.1, relu", hands()), "no error");
  std::filesystem::remove(file);
}

TEST(Experiment, IsCalibratedByItsValidationPart) {
  ThreadTeam team(1);
  const Experiment experiment =
      prepare(hands(), options_of({{"split", "group:0.6"}, {"validation", "0.4"}, {"refuse", "0.2"}}));
  const auto result = run_experiment(experiment, team);
  const Fold& fold = experiment.training(0);
  const auto images = static_cast<double>(fold.validation.size());
  const Answers raw = raw_answers(experiment, 0, fold.validation);
  const std::vector<int32_t> truth = experiment.data.select(fold.validation).labels;
  const Model& model = result->model;
  EXPECT_NE(model.temperature, 1);
  EXPECT_EQ(model.temperature, fit_temperature(truth, raw, static_cast<int64_t>(images)));
  const Predictor predictor(model);
  const Answers told = predictor.answers(experiment.data, fold.validation, team);
  EXPECT_NEAR(static_cast<double>(std::ranges::count(told.labels, refused)), 0.2 * images, 1);
  const Interval interval =
      wilson_interval(static_cast<double>(std::ranges::count(told.labels, refused)), images);
  EXPECT_EQ(model.card.at("refusal"),
            "refuses " + percent(static_cast<double>(std::ranges::count(told.labels, refused)) / images) +
                " of its own signs (95% interval " + percent(interval.low) + " to " + percent(interval.high) +
                ")");
  // What was tested is what the model answers.
  const Answers tested = predictor.answers(experiment.data, fold.test, team);
  EXPECT_EQ(tested.labels, result->answers.labels);
  for (size_t i = 0; i < tested.probabilities.size(); ++i)
    EXPECT_NEAR(tested.probabilities[i], result->answers.probabilities[i], 1e-6);
  EXPECT_GT(result->test.refused, 0);
  ASSERT_TRUE(result->calibration.before);
  EXPECT_NE(result->calibration.before->log_loss, result->calibration.after.log_loss);
}

TEST(Experiment, WithoutAValidationPartAndFoldsIsNotCalibrated) {
  ThreadTeam team(1);
  const auto result =
      run_experiment(prepare(hands(), options_of({{"split", "0.7"}, {"refuse", "0.2"}})), team);
  EXPECT_EQ(result->model.temperature, 1);
  EXPECT_EQ(result->model.rejection_threshold, 0);
  EXPECT_FALSE(result->model.card.contains("refusal"));
  EXPECT_FALSE(result->calibration.before);
}

TEST(Experiment, OfFoldsIsCalibratedByTheOtherFolds) {
  ThreadTeam team(1);
  const Experiment experiment = prepare(hands(), options_of({{"split", "group-kfold:3"}, {"refuse", "0.1"}}));
  const auto result = run_experiment(experiment, team);
  std::vector<Answers> raw;
  std::vector<std::vector<int32_t>> truth;
  for (size_t i = 0; i < 3; ++i) {
    raw.push_back(raw_answers(experiment, i, experiment.training(i).test));
    truth.push_back(experiment.data.select(experiment.training(i).test).labels);
  }
  const auto fitted = [&](const std::vector<size_t>& folds) {
    Answers answers;
    std::vector<int32_t> labels;
    for (const size_t fold : folds) {
      answers.append(raw[fold]);
      labels.insert(labels.end(), truth[fold].begin(), truth[fold].end());
    }
    return fit_temperature(labels, answers, static_cast<int64_t>(labels.size()));
  };
  EXPECT_EQ(result->model.temperature, fitted({0, 1, 2}));
  EXPECT_GT(result->model.rejection_threshold, 0);
  size_t at = 0;
  for (const auto& [fold, others] :
       {std::pair<size_t, std::vector<size_t>>{0, {1, 2}}, {1, {0, 2}}, {2, {0, 1}}}) {
    const Answers expected = tempered(raw[fold], 1 / fitted(others));
    for (const float p : expected.probabilities) EXPECT_EQ(p, result->answers.probabilities[at++]);
  }
}

TEST(Options, AnUnknownWordIsRefusedWithTheChoices) {
  Options options;
  const std::pair<const char*, std::vector<std::string>> cases[] = {
      {"optimizer", {"sgd", "momentum", "nesterov", "adam", "adamw"}},
      {"fit", {"stretch", "keep-aspect"}},
      {"schedule", {"constant", "cosine", "step"}},
  };
  for (const auto& [name, choices] : cases) {
    const std::string text = refusal([&] { set_option(options, name, "zebra"); });
    EXPECT_NE(text.find("zebra"), text.npos) << text;
    EXPECT_NE(text.find(std::string("--") + name), text.npos) << text;
    for (const std::string& choice : choices) EXPECT_NE(text.find(choice), text.npos) << text;
  }
  EXPECT_NE(refusal([&] { set_option(options, "optimizer", "adan"); }).find("adam"), std::string::npos);
  EXPECT_NE(refusal([&] { set_option(options, "epoch", "3"); }).find("epochs"), std::string::npos);
  EXPECT_NE(refusal([&] { set_option(options, "epochs", "3.5"); }).find("--epochs"), std::string::npos);
  EXPECT_EQ(options, Options());  // what is refused changes nothing
}

// Every option with a value that is not its default.
const std::map<std::string, std::string>& others() {
  static const std::map<std::string, std::string> all = {
      {"data", "a \"b\" \\ c.npz"},
      {"classes", "5,0"},
      {"groups", "hands.csv"},
      {"by", "light,device"},
      {"labels", "labels.npy"},
      {"strict", "true"},
      {"range", "-1,1"},
      {"size", "28x31"},
      {"channels", "3"},
      {"fit", "keep-aspect"},
      {"example-weights", "w.npy"},
      {"true-labels", "truth.npy"},
      {"extra", "synth:600:massey,more/:x2"},
      {"repeat", "4"},
      {"corrections", "corrections.csv"},
      {"split", "kfold:7"},
      {"validation", "0.1"},
      {"refuse", "0.02"},
      {"network", "conv 3 3x3, relu"},
      {"init", "xavier"},
      {"optimizer", "nesterov"},
      {"learning-rate", "0.0173"},
      {"schedule", "cosine"},
      {"warm-up", "0.3"},
      {"step-every", "11"},
      {"step-factor", "0.7"},
      {"momentum", "0.1"},
      {"weight-decay", "1e-07"},
      {"clip", "3"},
      {"ema", "0.999"},
      {"label-smoothing", "0.05"},
      {"class-weights", "1,2.5"},
      {"epochs", "17"},
      {"patience", "4"},
      {"batch-size", "33"},
      {"shuffle", "false"},
      {"augment", "rotate 15, shift 2"},
      {"freeze", "2"},
      {"from", "runs/a model"},
      {"recipe", "report"},
      {"seed", "9007199254740993"},
      {"threads", "3"},
      {"checkpoint", "1.5"},
      {"keep-epochs", "6"},
  };
  return all;
}

struct Scratch {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("mudra-options-" + std::to_string(std::random_device{}()));
  ~Scratch() { std::filesystem::remove(path); }
};

// The text of every option, by its name.
std::map<std::string, std::string> texts_of(const Options& options) {
  std::map<std::string, std::string> texts;
  describe(options, [&](const OptionInfo& option, const auto& value) {
    texts[std::string(option.name)] = text_of(value);
  });
  return texts;
}

TEST(Options, EveryOneOfThemSurvivesToml) {
  const Scratch scratch;
  const auto reread = [&](const Options& options) {
    std::ofstream(scratch.path) << to_toml(options);
    return make_options(scratch.path, {});
  };
  EXPECT_EQ(reread(Options()), Options());
  const std::map<std::string, std::string> defaults = texts_of(Options());
  Options every;
  for (const auto& [name, text] : defaults) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(others().contains(name)) << "give the new option a value here";
    ASSERT_NE(others().at(name), text) << "is the default";
    Options options;
    if (name == "patience") options.validation = 0.5;
    if (name == "freeze") options.from = "hands";
    set_option(options, name, others().at(name));
    set_option(every, name, others().at(name));
    EXPECT_EQ(texts_of(options).at(name), others().at(name));
    const Options again = reread(options);
    EXPECT_EQ(again, options);
    EXPECT_NE(again, Options());
  }
  EXPECT_EQ(defaults.size(), others().size());
  EXPECT_EQ(reread(every), every);
  EXPECT_EQ(texts_of(reread(every)), others());
}

TEST(Options, WhatIsGivenByNameWinsOverTheFileAndThatOverTheRecipe) {
  const Scratch scratch;
  std::ofstream(scratch.path) << "recipe = \"report\"\nepochs = 7\nbatch-size = 9\n";
  const Options options = make_options(scratch.path, {{"epochs", "5"}});
  EXPECT_EQ(options.training.epochs, 5);
  EXPECT_EQ(options.training.batch_size, 9);
  EXPECT_EQ(options.network, "dense 128, sigmoid");  // the recipe's
  EXPECT_EQ(options.seed, 1U);
}

}  // namespace
}  // namespace mudra
