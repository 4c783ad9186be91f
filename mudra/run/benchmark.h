// Jobs whose time can be compared with other libraries: same network, batch, epochs and number of images.
#pragma once

#include <string>
#include <vector>

#include "mudra/core/thread_team.h"

namespace mudra {

struct BenchmarkJob {
  std::string name;
  std::string what;  // one line
  int64_t images, classes;
  std::string network, optimizer, init;
  double learning_rate;
  int epochs, batch_size;
};

// seed: the report's experiment; ten: ten digits with two hidden layers; cnn: with two convolutions. Pixels
// are random and dense: no zero to skip.
const std::vector<BenchmarkJob>& benchmark_jobs();

// Seconds of the training loop, once for every run.
std::vector<double> run_benchmark(const BenchmarkJob& job, int runs, ThreadTeam& team);

}  // namespace mudra
