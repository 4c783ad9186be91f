// Jobs whose time can be compared with other libraries: same network, batch, epochs and number of images.
#pragma once

#include <string>
#include <vector>

#include "mudra/core/thread_team.h"
#include "mudra/inference/predictor.h"
#include "mudra/layers/initialize.h"
#include "mudra/training/optimizer.h"

namespace mudra {

struct BenchmarkJob {
  std::string name;
  std::string what;  // one line
  int64_t images, classes;
  std::string network;
  OptimizerKind optimizer;
  Initialization init;
  double learning_rate;
  int epochs, batch_size;
  int calls = 0;             // 0: train; else ask so often, giving `images` a call
  std::string augment = {};  // instead of either: change all images `epochs` times
};

// seed: the report's experiment; ten: ten digits with two hidden layers; cnn: with two convolutions;
// seed-1, cnn-1, seed-256, cnn-256: the answers of a network to so many images; augment: random changes
// of images. Pixels are random and dense: no zero to skip.
const std::vector<BenchmarkJob>& benchmark_jobs();

// Once for every run: seconds of the training loop, or the median over the calls of the seconds from pixels
// to probabilities.
std::vector<double> run_benchmark(const BenchmarkJob& job, int runs, ThreadTeam& team);

// Seconds from a picture file to its answer, once for every run, on one thread; the first question is not
// counted. Throws Error when the file cannot be read.
std::vector<double> time_picture(const Predictor& predictor, const std::string& file, int runs);

// Floating-point operations of one run or call, two for each multiply-add, if nothing is skipped: what the
// layers' products need forward and, in training, for the gradients. 0: the job has no network.
double operations(const BenchmarkJob& job);

}  // namespace mudra
