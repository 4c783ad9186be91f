// The trainings that pages are watching, each under a name of its own.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "mudra/learn/live_training.h"

namespace mudra {

// Thread-safe. Only the last ones asked for are there: whoever misses one makes it anew.
class LiveTrainings {
 public:
  // Returns the name, which nobody can guess.
  std::string keep(std::shared_ptr<LiveTraining> training);
  // Throws HttpError 404 when it is not there (any more).
  std::shared_ptr<LiveTraining> find(const std::string& name);

 private:
  std::mutex mutex_;
  std::list<std::pair<std::string, std::shared_ptr<LiveTraining>>> latest_;  // first
};

}  // namespace mudra
