#include "mudra/experiment/model_test.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "mudra/core/stopwatch.h"
#include "mudra/inference/predictor.h"

namespace mudra {

ModelTest test_model(Model model, const DataOptions& options, uint64_t seed, const RunOptions& run,
                     const Progress& progress) {
  const Stopwatch total;
  const int allowed = threads_allowed(run);
  ThreadTeam loading(allowed);
  auto [data, text] = load_data_for(model, options, seed, loading, progress);
  ModelTest test{std::move(model), std::move(data), std::move(text), {}, {}, {}};
  const int64_t together = std::min(answered_together, test.data.size());
  ThreadTeam team(worthwhile_threads(together * test.model.network.multiply_adds(), allowed));
  test.seconds.load = total.seconds();
  std::vector<Row> rows(static_cast<size_t>(test.data.size()));
  std::iota(rows.begin(), rows.end(), Row{0});
  test.answers = Predictor(test.model).answers(test.data, rows, team);
  test.evaluation =
      evaluate(test.data.labels, test.answers.labels, test.data.classes, units_of(test.data, seed));
  test.seconds.total = total.seconds();
  test.seconds.evaluate = test.seconds.total - test.seconds.load;
  return test;
}

}  // namespace mudra
