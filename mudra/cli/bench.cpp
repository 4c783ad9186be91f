// mudra bench [JOB...]: how fast this machine trains, answers and augments.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "mudra/cli/commands.h"
#include "mudra/cli/output.h"
#include "mudra/core/did_you_mean.h"
#include "mudra/core/error.h"
#include "mudra/core/text.h"
#include "mudra/run/benchmark.h"
#include "mudra/simd/peak_rates.h"

namespace mudra {
namespace {

struct BenchArguments {
  std::vector<std::string> jobs, pictures;
  std::string model;
  int runs = 5;
  int threads = 1;
  bool json = false;
};

constexpr const char* machine = "machine";

// The jobs named, all without a name; `machine` leaves the list and sets with_machine.
std::vector<BenchmarkJob> chosen(const std::vector<std::string>& names, bool& with_machine) {
  if (names.empty()) return benchmark_jobs();
  std::vector<std::string> known = {machine};
  for (const BenchmarkJob& job : benchmark_jobs()) known.push_back(job.name);
  std::vector<BenchmarkJob> jobs;
  for (const std::string& name : names) {
    const auto at = std::find(known.begin(), known.end(), name);
    if (name == machine) {
      with_machine = true;
      continue;
    }
    if (at == known.end())
      throw usage_error("no job is called '" + name + "'", "bench", did_you_mean(name, known));
    jobs.push_back(benchmark_jobs()[static_cast<size_t>(at - known.begin() - 1)]);
  }
  return jobs;
}

// From a picture file to its answer.
nlohmann::json measure_picture(const Predictor& predictor, const std::string& file, const BenchArguments& a) {
  std::vector<double> seconds = time_picture(predictor, file, a.runs);
  nlohmann::json document = {{"job", "picture"}, {"file", file}, {"seconds", seconds}, {"threads", 1}};
  std::ranges::sort(seconds);
  if (!a.json)
    say("{:<8} {:>9.2f} ms  ({:.2f} to {:.2f})   {}, from the file to its answer\n", "picture",
        1e3 * seconds[seconds.size() / 2], 1e3 * seconds.front(), 1e3 * seconds.back(), file);
  return document;
}

// What a thread can do at most, so that every other figure can be judged.
nlohmann::json measure_machine(bool json) {
  const double rate = fma_rate();
  nlohmann::json document = {{"job", machine}, {"operations_per_second", rate}};
  std::string line =
      fmt::format("{:<8} {:.0f} GFLOP/s of multiply-adds in registers; reads", machine, rate * 1e-9);
  for (const int64_t kib : {16, 512, 8192, 262144}) {
    const double read = read_rate(kib * 1024);
    document["read_bytes_per_second"][std::to_string(kib) + " KiB"] = read;
    line += fmt::format(" {:.0f} GB/s of {}", read * 1e-9,
                        kib < 1024 ? fmt::format("{} KiB,", kib) : fmt::format("{} MiB,", kib / 1024));
  }
  line.back() = '\n';
  if (!json) fmt::print("{}", line);
  return document;
}

}  // namespace

void bench_command(CLI::App& app) {
  auto a = std::make_shared<BenchArguments>();
  app.add_option("JOB", a->jobs,
                 "What to time: seed, ten, cnn (training), seed-1, cnn-1, seed-256, cnn-256 (answers), "
                 "augment, machine (what a thread can do at most); without one, all");
  app.add_option("--picture", a->pictures,
                 "Time this picture instead, from the file to its answer on one thread; may be given often");
  app.add_option(
      "--model", a->model,
      "Who answers for it: a model file, the folder of a run, or a model in the box (default: hands)");
  app.option_defaults()->always_capture_default();
  app.add_option("--runs", a->runs, "how often each is timed");
  app.add_option("--threads", a->threads, "threads to use");
  app.add_flag("--json", a->json, "Print the result as one JSON document");
  app.callback([a] {
    if (a->runs < 1 || a->runs > 1000) throw usage_error("give 1 to 1000", "--runs");
    if (a->threads < 1 || a->threads > most_threads)
      throw usage_error(fmt::format("give 1 to {}", most_threads), "--threads");
    ThreadTeam team(a->threads);
    nlohmann::json document = nlohmann::json::array();
    const bool only_pictures = a->jobs.empty() && !a->pictures.empty();
    bool with_machine = a->jobs.empty() && !only_pictures;
    const std::vector<BenchmarkJob> jobs =
        only_pictures ? std::vector<BenchmarkJob>() : chosen(a->jobs, with_machine);
    if (!a->pictures.empty()) {
      const Predictor predictor(model_named(a->model, a->json).model);
      for (const std::string& file : a->pictures) document.push_back(measure_picture(predictor, file, *a));
    }
    if (with_machine) document.push_back(measure_machine(a->json));
    for (const BenchmarkJob& job : jobs) {
      std::vector<double> seconds = run_benchmark(job, a->runs, team);
      document.push_back({{"job", job.name},
                          {"seconds", seconds},
                          {"threads", a->threads},
                          {"operations", operations(job)}});
      std::sort(seconds.begin(), seconds.end());
      const double median = seconds[seconds.size() / 2];
      if (a->json) continue;
      const bool trains = job.calls == 0;
      const double unit = trains ? 1 : 1e-6;
      fmt::print("{:<8} {:>9.{}f} {}  ({:.{}f} to {:.{}f})   {}", job.name, median / unit, trains ? 3 : 2,
                 trains ? "s " : "us", seconds.front() / unit, trains ? 3 : 2, seconds.back() / unit,
                 trains ? 3 : 2, job.what);
      if (!trains)
        fmt::print(": {} images/s", thousands(std::llround(static_cast<double>(job.images) / median)));
      if (operations(job) > 0) fmt::print(", {:.1f} GFLOP/s", operations(job) / median * 1e-9);
      fmt::print("\n");
    }
    if (a->json) print_json(document);
  });
}

}  // namespace mudra
