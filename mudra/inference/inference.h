// The loop in which a network answers for the rows of a data set.
#pragma once

#include <algorithm>
#include <span>

#include "mudra/features/batches.h"
#include "mudra/network/plan.h"

namespace mudra {

inline constexpr int64_t answered_together = 256;  // images

// Everything is placed once, for networks of one architecture whose weights may change between two runs. The
// data and `rows` must outlive it; the images must be of the network's input size. One thread at a time.
class Inference {
 public:
  Inference(const Network& network, const Dataset& data, std::span<const Row> rows)
      : batches_(data, rows, answered_together),
        plan_(network, std::clamp<int64_t>(batches_.images(), 1, answered_together), Mode::infer) {}

  int64_t images() const { return batches_.images(); }
  int64_t max_batch() const { return plan_.max_batch(); }

  // Calls visit(outputs, labels, rows) for the rows in order, batch by batch. An image gets the same bits in
  // any batch and for any team.
  template <class Visit>
  void run(const Network& network, ThreadTeam& team, Visit visit) {
    for (int64_t b = 0; b < batches_.count(); ++b) {
      visit(plan_.infer(network, batches_.batch(b), Context{team}), batches_.labels(b),
            batches_.row_numbers(b));
    }
  }

 private:
  Batches batches_;
  Plan plan_;
};

}  // namespace mudra
