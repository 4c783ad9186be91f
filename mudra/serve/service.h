// What is answered to whoever asks over HTTP, apart from how requests travel.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "mudra/box/box.h"
#include "mudra/box/model_facts.h"
#include "mudra/inference/predictor.h"
#include "mudra/serve/events.h"
#include "mudra/serve/http.h"
#include "mudra/serve/live_trainings.h"
#include "mudra/studio/studio.h"

namespace mudra {

// What a model is called that was taught here.
inline constexpr const char* taught_name = "signs";

struct ServiceFolders {
  std::filesystem::path recordings{};   // of a studio; empty: there is none
  std::filesystem::path runs = "runs";  // need not be there
};

// What routes answer from. Thread-safe: any number of threads may ask at once.
class Service {
 public:
  // Throws Error when the studio's folder cannot be had.
  Service(FoundModel found, std::string version, ServiceFolders folders = {});

  // Never throws but for want of memory: what goes wrong is a response of its own.
  Response answer(Request request) const;

  const std::string& version() const { return version_; }
  // Of the model that answers: the one that was taught, or as long as there is none the one that was given.
  std::string model_name() const;
  // The model of that name, or the one that answers. Throws HttpError 404 when there is none.
  std::shared_ptr<const Predictor> predictor(const std::optional<std::string>& name = {}) const;
  // Of the model that answers, which is the first, and of the others.
  std::vector<ModelFacts> facts() const;
  const std::filesystem::path& runs() const { return runs_; }
  Events& events() const { return events_; }
  LiveTrainings& live_trainings() const { return live_trainings_; }
  std::filesystem::path recordings() const;  // of the studio, or empty
  Studio& studio() const;                    // throws HttpError 404 when there is none

 private:
  mutable Events events_;                 // whose listeners come and go
  mutable LiveTrainings live_trainings_;  // the same of those who watch
  std::mutex publishing_;                 // so that what is told last is what was found out last
  std::string model_name_, version_;
  std::filesystem::path runs_;
  std::shared_ptr<const Predictor> given_, boxed_;  // boxed_: the default of the box, unless that was given
  std::vector<ModelFacts> facts_;                   // of these
  std::unique_ptr<Studio> studio_;                  // goes first: it publishes events
};

}  // namespace mudra
