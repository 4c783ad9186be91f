// mudra bench [JOB...]: how fast this machine trains and answers.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "mudra/cli/commands.h"
#include "mudra/cli/output.h"
#include "mudra/core/did_you_mean.h"
#include "mudra/core/error.h"
#include "mudra/run/benchmark.h"

namespace mudra {
namespace {

struct BenchArguments {
  std::vector<std::string> jobs;
  int runs = 5;
  int threads = 1;
  bool json = false;
};

std::vector<BenchmarkJob> chosen(const std::vector<std::string>& names) {
  if (names.empty()) return benchmark_jobs();
  std::vector<std::string> known;
  for (const BenchmarkJob& job : benchmark_jobs()) known.push_back(job.name);
  std::vector<BenchmarkJob> jobs;
  for (const std::string& name : names) {
    const auto at = std::find(known.begin(), known.end(), name);
    if (at == known.end())
      throw usage_error("no job is called '" + name + "'", "bench", did_you_mean(name, known));
    jobs.push_back(benchmark_jobs()[static_cast<size_t>(at - known.begin())]);
  }
  return jobs;
}

}  // namespace

Action bench_command(Arguments& arguments) {
  auto a = std::make_shared<BenchArguments>();
  arguments.positional(
      "JOB", a->jobs,
      "What to time: seed, ten, cnn (training), seed-1, cnn-1, seed-256, cnn-256 (answers); without one, all",
      false);
  arguments.option("--runs", a->runs, "how often each is timed");
  arguments.option("--threads", a->threads, "threads to use");
  arguments.flag("--json", a->json, "Print the result as one JSON document");
  return [a] {
    if (a->runs < 1 || a->runs > 1000) throw usage_error("give 1 to 1000", "--runs");
    if (a->threads < 1 || a->threads > 1024) throw usage_error("give 1 to 1024", "--threads");
    ThreadTeam team(a->threads);
    nlohmann::json document = nlohmann::json::array();
    for (const BenchmarkJob& job : chosen(a->jobs)) {
      std::vector<double> seconds = run_benchmark(job, a->runs, team);
      document.push_back({{"job", job.name}, {"seconds", seconds}, {"threads", a->threads}});
      std::sort(seconds.begin(), seconds.end());
      const double median = seconds[seconds.size() / 2];
      if (a->json) continue;
      const bool trains = job.calls == 0;
      const double unit = trains ? 1 : 1e-6;
      fmt::print("{:<8} {:>9.{}f} {}  ({:.{}f} to {:.{}f})   {}", job.name, median / unit, trains ? 3 : 2,
                 trains ? "s " : "us", seconds.front() / unit, trains ? 3 : 2, seconds.back() / unit,
                 trains ? 3 : 2, job.what);
      if (!trains)
        fmt::print(": {} images/s", with_commas(std::llround(static_cast<double>(job.images) / median)));
      fmt::print("\n");
    }
    if (a->json) print_json(document);
  };
}

}  // namespace mudra
