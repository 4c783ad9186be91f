// mudra bench [JOB...]: how fast this machine trains.
#include <fmt/format.h>

#include <algorithm>
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
  arguments.positional("JOB", a->jobs, "What to time: seed, ten, cnn; without one, everything", false);
  arguments.option("--runs", a->runs, "how often each is timed");
  arguments.option("--threads", a->threads, "threads to train with");
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
      if (!a->json) {
        fmt::print("{:<6} {:.3f} s  ({:.3f} to {:.3f})   {}\n", job.name, seconds[seconds.size() / 2],
                   seconds.front(), seconds.back(), job.what);
      }
    }
    if (a->json) print_json(document);
  };
}

}  // namespace mudra
