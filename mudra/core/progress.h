// How anything long says how far it is, and how it is asked to end.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <utility>

#include "mudra/core/error.h"

namespace mudra {

// Called now and then by whatever takes long. Ends it by an Error once a stop was requested, so that it
// leaves nothing half done. Thread-safe if `show` is.
class Progress {
 public:
  Progress() = default;
  // show(done, of): so much is done; `of` is 0 while the end is not known. `what`: the work, for the message.
  explicit Progress(std::function<void(int64_t done, int64_t of)> show, std::stop_token stop = {},
                    std::string what = {})
      : show_(std::move(show)), stop_(std::move(stop)), what_(std::move(what)) {}

  void operator()(int64_t done, int64_t of) const {
    if (stop_.stop_requested()) throw Error("stopped", what_, "Nothing is left half done");
    if (show_) show_(done, of);
  }

 private:
  std::function<void(int64_t, int64_t)> show_;
  std::stop_token stop_;
  std::string what_;
};

}  // namespace mudra
