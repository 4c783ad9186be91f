#include "mudra/run/benchmark.h"

#include <algorithm>
#include <numeric>

#include "mudra/core/stopwatch.h"
#include "mudra/features/augment.h"
#include "mudra/inference/model_picture.h"
#include "mudra/inference/predictor.h"
#include "mudra/training/trainer.h"

namespace mudra {
namespace {

constexpr const char* seed_network = "dense 128, sigmoid";
constexpr const char* cnn_network =
    "conv 16 3x3, relu, pool 2, conv 32 3x3, relu, pool 2, flatten, dense 128, relu";

BenchmarkJob answers(const char* name, const char* what, const char* network, int64_t classes, int64_t images,
                     int calls) {
  return {name, what, images, classes, network, OptimizerKind::sgd, Initialization::he, 0, 0, 0, calls};
}

double median_call(const BenchmarkJob& job, const Network& network, ThreadTeam& team) {
  Rng rng(7, Purpose::test);
  Tensor x({job.images, 28, 28, 1});
  for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<Scalar>(rng.uniform());
  Tensor found({job.images, job.classes}), logits;
  Model model;
  model.network = network;
  for (int64_t c = 0; c < job.classes; ++c) model.classes.push_back(std::to_string(c));
  const Predictor predictor(std::move(model));
  std::vector<double> seconds;
  for (int call = -job.calls / 4; call < job.calls; ++call) {  // the first ones warm up
    const Stopwatch taken;
    predictor.answer(x, team, logits, found);
    if (call >= 0) seconds.push_back(taken.seconds());
  }
  const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
  std::nth_element(seconds.begin(), middle, seconds.end());
  return *middle;
}

std::vector<double> time_augmentation(const BenchmarkJob& job, int runs, ThreadTeam& team) {
  const int64_t batch = job.batch_size, size = int64_t{28} * 28;
  Augmenter augmenter(Augmentation::parse(job.augment), {1, 28, 28, 1}, batch);
  Rng rng(7, Purpose::test);
  std::vector<Scalar> pixels(static_cast<size_t>(job.images * size));
  for (Scalar& value : pixels) value = static_cast<Scalar>(rng.uniform());
  std::vector<Scalar> images(static_cast<size_t>(batch * size));
  std::vector<Row> numbers(static_cast<size_t>(batch));
  std::vector<double> seconds;
  for (int run = 0; run < runs; ++run) {
    const Stopwatch taken;
    for (int epoch = 1; epoch <= job.epochs; ++epoch) {
      for (int64_t first = 0; first < job.images; first += batch) {
        std::copy_n(pixels.begin() + first * size, batch * size, images.begin());
        std::iota(numbers.begin(), numbers.end(), static_cast<Row>(first));
        augmenter.apply(images.data(), batch, 1, static_cast<uint32_t>(epoch), numbers, team);
      }
    }
    seconds.push_back(taken.seconds());
  }
  return seconds;
}

}  // namespace

std::vector<double> time_picture(const Predictor& predictor, const std::string& file, int runs) {
  std::vector<double> seconds;
  for (int run = -1; run < runs; ++run) {
    const Stopwatch taken;
    predictor.answer(read_picture_for(predictor.model(), file));
    if (run >= 0) seconds.push_back(taken.seconds());
  }
  return seconds;
}

const std::vector<BenchmarkJob>& benchmark_jobs() {
  static const std::vector<BenchmarkJob> jobs = {
      {"seed", "784-128-1 sigmoid, SGD, 800 images, batch 32, 100 epochs", 800, 2, seed_network,
       OptimizerKind::sgd, Initialization::normal, 0.01, 100, 32},
      {"ten", "784-128-64-10 ReLU, Adam, 4,000 images, batch 64, 30 epochs", 4000, 10,
       "dense 128, relu, dense 64, relu", OptimizerKind::adam, Initialization::he, 0.001, 30, 64},
      {"cnn", "conv 16, conv 32, dense 128, 10; ReLU, pools, Adam, 4,000 images, batch 64, 10 epochs", 4000,
       10, cnn_network, OptimizerKind::adam, Initialization::he, 0.001, 10, 64},
      answers("seed-1", "one image, 784-128-1 sigmoid", seed_network, 2, 1, 5000),
      answers("cnn-1", "one image, the network of cnn", cnn_network, 10, 1, 5000),
      answers("seed-256", "256 images, 784-128-1 sigmoid", seed_network, 2, 256, 800),
      answers("cnn-256", "256 images, the network of cnn", cnn_network, 10, 256, 240),
      {"augment", "rotate, scale, shear, shift, brightness, noise: 100,000 images 28x28", 1000, 2, "",
       OptimizerKind::sgd, Initialization::he, 0, 100, 100, 0,
       "rotate 15, scale 0.1, shear 0.1, shift 2, brightness 0.2, noise 0.02"},
  };
  return jobs;
}

std::vector<double> run_benchmark(const BenchmarkJob& job, int runs, ThreadTeam& team) {
  if (!job.augment.empty()) return time_augmentation(job, runs, team);
  Network network = Network::parse(job.network, {1, 28, 28, 1}, outputs_for(job.classes));
  network.initialize(job.init, 1);
  std::vector<double> seconds;
  if (job.calls > 0) {
    for (int run = 0; run < runs; ++run) seconds.push_back(median_call(job, network, team));
    return seconds;
  }
  constexpr int64_t held_out = int64_t{2} * 16;  // watched after every epoch, outside the time taken
  Rng rng(7, Purpose::test);
  const int64_t count = job.images + held_out;
  std::vector<float> pixels(static_cast<size_t>(count) * 784);
  for (float& value : pixels) value = static_cast<float>(rng.uniform());
  Dataset data;
  data.pixels = Pixels({count, 28, 28, 1}, std::move(pixels), 1);
  Fold fold;
  for (int64_t i = 0; i < count; ++i) {
    data.labels.push_back(static_cast<int32_t>(rng.below(static_cast<uint64_t>(job.classes))));
    (i < job.images ? fold.train : fold.test).push_back(i);
  }
  for (int64_t c = 0; c < job.classes; ++c) data.classes.push_back(std::to_string(c));
  TrainingOptions options;
  options.optimizer = job.optimizer;
  options.learning_rate = job.learning_rate;
  options.epochs = job.epochs;
  options.batch_size = job.batch_size;
  options.shuffle = false;
  for (int run = 0; run < runs; ++run) {
    Trainer trainer(network, data, fold, options, 1, team);
    trainer.run();
    double taken = 0;
    for (const Epoch& epoch : trainer.history()) taken += epoch.seconds;
    seconds.push_back(taken);
  }
  return seconds;
}

double operations(const BenchmarkJob& job) {
  if (!job.augment.empty()) return 0;
  const Network network = Network::parse(job.network, {1, 28, 28, 1}, outputs_for(job.classes));
  const double forward = static_cast<double>(network.multiply_adds());
  if (job.calls > 0) return 2 * forward * static_cast<double>(job.images);
  // Nobody asks for the gradient of the images: the first layer with weights has two products, not three.
  const std::vector<Shape> inputs = network.shapes();
  double first = 0;
  for (size_t i = 0; first == 0; ++i) {
    first = std::visit([&](const auto& l) { return static_cast<double>(l.multiply_adds(inputs[i])); },
                       network.layers[i]);
  }
  return 2 * (3 * forward - first) * static_cast<double>(job.images) * job.epochs;
}

}  // namespace mudra
