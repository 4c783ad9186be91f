#include "mudra/serve/live_trainings.h"

#include <algorithm>

#include "mudra/serve/access.h"
#include "mudra/serve/http.h"

namespace mudra {
namespace {

constexpr size_t most_trainings = 8;

}  // namespace

std::string LiveTrainings::keep(std::shared_ptr<LiveTraining> training) {
  const std::string name = new_token();
  const std::lock_guard lock(mutex_);
  latest_.emplace_front(name, std::move(training));
  if (latest_.size() > most_trainings) latest_.pop_back();
  return name;
}

std::shared_ptr<LiveTraining> LiveTrainings::find(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(latest_, name, [](const auto& each) { return each.first; });
  if (found == latest_.end())
    throw HttpError(404, "this training is not here any more", "id",
                    "Begin it again: the same options give the same numbers");
  latest_.splice(latest_.begin(), latest_, found);
  return found->second;
}

}  // namespace mudra
