// What is answered to whoever asks over HTTP, apart from how requests travel.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mudra/box/box.h"
#include "mudra/box/model_facts.h"
#include "mudra/inference/predictor.h"
#include "mudra/serve/events.h"
#include "mudra/serve/http.h"

namespace mudra {

// What routes answer from. Thread-safe: any number of threads may ask at once.
class Service {
 public:
  // `runs` is a folder of runs; it need not be there.
  Service(FoundModel found, std::string version, std::filesystem::path runs = "runs");

  // Never throws but for want of memory: what goes wrong is a response of its own.
  Response answer(Request request) const;

  const std::string& version() const { return version_; }
  const std::string& model_name() const { return model_name_; }
  const Predictor& predictor() const { return predictor_; }
  // Of the model that answers, which is the first, and of those in the box.
  const std::vector<ModelFacts>& facts() const { return facts_; }
  const std::filesystem::path& runs() const { return runs_; }
  Events& events() const { return events_; }

 private:
  mutable Events events_;  // whose listeners come and go
  std::string model_name_, version_;
  std::filesystem::path runs_;
  Predictor predictor_;
  std::vector<ModelFacts> facts_;
};

}  // namespace mudra
