#include "mudra/run/evaluate_run.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "mudra/run/load_data.h"
#include "mudra/run/stopwatch.h"
#include "mudra/training/trainer.h"

namespace mudra {

ModelTest evaluate_run(const Options& options, const std::filesystem::path& file) {
  Stopwatch total, watch;
  ModelTest test;
  test.options = options;
  test.file = file;
  test.model = load_model(file);
  const int allowed = threads_allowed(options);
  ThreadTeam loading(allowed);
  std::tie(test.data, test.data_text) = load_data_for(test.model, options, loading);
  const int64_t together = std::min(answered_together, test.data.size());
  ThreadTeam team(worthwhile_threads(together * test.model.network.multiply_adds(), allowed));
  test.seconds.load = watch.lap();
  std::vector<Row> rows(static_cast<size_t>(test.data.size()));
  std::iota(rows.begin(), rows.end(), Row{0});
  test.answers = answers_for(test.model.network, test.data, rows, team);
  const IndependentUnits units{test.data.groups, test.data.photographs, options.seed};
  test.evaluation = evaluate(test.data.labels, test.answers.labels, test.data.classes, units);
  test.seconds.evaluate = watch.lap();
  test.seconds.total = total.lap();
  return test;
}

}  // namespace mudra
