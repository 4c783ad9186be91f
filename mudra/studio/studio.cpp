#include "mudra/studio/studio.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <set>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/core/text.h"
#include "mudra/data/image_file.h"
#include "mudra/data/label_index.h"
#include "mudra/inference/model_picture.h"
#include "mudra/studio/false_hands.h"

namespace mudra {
namespace {

// The longer side of a picture as it is kept: hands are read at 48 pixels.
constexpr int recorded_side = 320;
constexpr std::chrono::seconds looks_at_folder{2};

Image kept_picture(const Image& picture) { return within(picture, recorded_side); }

// Null when the file is not there any more: it was moved meanwhile, and is looked at under its new name.
std::shared_ptr<const HandFeatures> features_of_file(const HandReader& reader, const std::string& path) {
  HandFeatures features;
  try {
    features = reader.read(kept_picture(read_picture(path, 3, {.longer = recorded_side})));
  } catch (const Error&) {  // what cannot be read shows no hand
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) return nullptr;
  }
  return std::make_shared<const HandFeatures>(std::move(features));
}

// What has to be taught before there is anything to tell apart; empty when there is enough.
std::string lacking(const std::vector<std::string>& taught, size_t signs) {
  if (taught.size() >= 2) return "";
  if (signs == 0) return "Record a sign, then a second one";
  if (taught.empty()) return "No hand was found in any picture: hold a hand before the camera";
  return "Record a second sign: with " + display_name(taught[0], 24) +
         " alone there is nothing to tell apart";
}

}  // namespace

Studio::Studio(const std::filesystem::path& folder, Model begun, std::function<void(const Studio&)> changed)
    : reader_(std::move(begun)),
      changed_(std::move(changed)),
      recordings_(folder),
      thread_([this](const std::stop_token& end) { work(end); }) {}

Studio::~Studio() {
  thread_.request_stop();
  const std::lock_guard lock(mutex_);
  going_on_.request_stop();
  woken_.notify_all();
}

uint64_t Studio::version() const {
  const std::lock_guard lock(mutex_);
  return recordings_.version();
}

Signs Studio::signs() const {
  const std::lock_guard lock(mutex_);
  Signs found{{}, recordings_.version(), recordings_.undoable()};
  for (const std::string& name : recordings_.signs()) {
    SignCount count{name};
    std::set<std::string> recordings;
    for (const Sample& sample : recordings_.samples(name)) {
      ++count.samples;
      recordings.insert(sample.recording);
      const auto hand = hands_.find(sample.id);
      count.without_hand += hand != hands_.end() && !hand->second->found();
    }
    count.recordings = std::ssize(recordings);
    found.signs.push_back(std::move(count));
  }
  return found;
}

std::optional<bool> Studio::has_hand(const Sample& sample) const {
  const std::lock_guard lock(mutex_);
  const auto hand = hands_.find(sample.id);
  return hand == hands_.end() ? std::nullopt : std::optional(hand->second->found());
}

std::vector<Sample> Studio::samples(const std::string& sign) const {
  const std::lock_guard lock(mutex_);
  return recordings_.samples(sign);
}

Image Studio::picture(const std::string& file) const {
  {
    const std::lock_guard lock(mutex_);
    if (!recordings_.has(file)) throw Error("there is no picture '" + file + "'", "file", "Look again");
  }
  return kept_picture(read_picture((folder() / file).string(), 3, {.longer = recorded_side}));
}

std::vector<Sample> Studio::add(const std::string& sign, const std::string& recording,
                                std::span<const Image> pictures) {
  std::vector<std::string> pngs;
  for (const Image& picture : pictures) pngs.push_back(encode_png(kept_picture(picture)));
  return change([&](Recordings& recordings) { return recordings.add(sign, recording, pngs); });
}

void Studio::wake() {
  {
    const std::lock_guard lock(mutex_);
    if (asked_++ == begun_) since_change_ = Stopwatch();
    if (state_.state == Teaching::checking) going_on_.request_stop();
    woken_.notify_all();
  }
  changed_(*this);
}

void Studio::train() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = false;
  }
  wake();
}

void Studio::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
    going_on_.request_stop();
    state_.state = Teaching::stopped;
    state_.why = "Stopped. It goes on when you ask for a training";
  }
  changed_(*this);
}

TeachingState Studio::teaching() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

std::shared_ptr<const TaughtModel> Studio::taught() const {
  const std::lock_guard lock(mutex_);
  return taught_;
}

std::shared_ptr<const Checked> Studio::checked() const {
  const std::lock_guard lock(mutex_);
  return checked_;
}

void Studio::say(Teaching state, std::string why, double done) {
  {
    const std::lock_guard lock(mutex_);
    if (is_stopped_) return;
    state_.state = state;
    state_.why = std::move(why);
    state_.done = done;
  }
  changed_(*this);
}

void Studio::work(const std::stop_token& end) {
  while (!end.stop_requested()) {
    std::stop_token stop;
    bool is_new = false;
    {
      std::unique_lock lock(mutex_);
      const auto has_work = [&] { return end.stop_requested() || (asked_ != begun_ && !is_stopped_); };
      woken_.wait_for(lock, looks_at_folder, has_work);
      if (end.stop_requested()) return;
      try {
        if (recordings_.refresh()) {
          is_new = true;
          if (asked_++ == begun_) since_change_ = Stopwatch();
        }
      } catch (const std::exception&) {  // the folder is gone for the moment: what is known stays
      }
      if (has_work()) {
        begun_ = asked_;
        going_on_ = std::stop_source();
        stop = going_on_.get_token();
      }
    }
    if (is_new) changed_(*this);
    if (!stop.stop_possible()) continue;
    try {
      teach(stop);
    } catch (const std::exception& error) {
      say(Teaching::failed, error.what());
    }
  }
}

// Features of the pictures that nobody has looked at yet.
void Studio::look_at(const std::vector<Sample>& samples, const std::stop_token& stop) {
  std::vector<const Sample*> fresh;
  {
    const std::lock_guard lock(mutex_);
    for (const Sample& sample : samples) {
      if (!hands_.contains(sample.id)) fresh.push_back(&sample);
    }
  }
  constexpr size_t together = 32;
  std::optional<ThreadTeam> team;
  for (size_t first = 0; first < fresh.size() && !stop.stop_requested(); first += together) {
    if (fresh.size() > together)
      say(Teaching::preparing, {}, static_cast<double>(first) / static_cast<double>(fresh.size()));
    if (!team) team.emplace(fresh.size() > 1 ? available_processors() : 1);
    const size_t count = std::min(together, fresh.size() - first);
    std::vector<std::shared_ptr<const HandFeatures>> found(count);
    team->run(static_cast<int64_t>(count), [&](int64_t i) {
      const std::string path = (folder() / fresh[first + static_cast<size_t>(i)]->file).string();
      found[static_cast<size_t>(i)] = features_of_file(reader_, path);
    });
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < count; ++i) {
      if (found[i]) hands_[fresh[first + i]->id] = found[i];
    }
  }
}

void Studio::teach(const std::stop_token& stop) {
  std::vector<Sample> samples;
  uint64_t version = 0;
  size_t signs = 0;
  {
    const std::lock_guard lock(mutex_);
    samples = recordings_.samples();
    version = recordings_.version();
    signs = recordings_.signs().size();
    state_ = {Teaching::preparing, version, {}, 0, state_.seconds};
  }
  look_at(samples, stop);
  if (!samples.empty() && false_hands_.empty()) {
    say(Teaching::preparing);
    std::vector<HandFeatures> all = false_hands(reader_, stop);
    if (!stop.stop_requested()) false_hands_ = std::move(all);
  }
  if (stop.stop_requested()) return;

  Hands hands;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(samples, [&](const Sample& sample) { return !hands_.contains(sample.id); });
    for (const Sample& sample : samples) hands[sample.id] = hands_.at(sample.id);
    hands_ = hands;  // those of pictures that are gone are let go
  }
  std::erase_if(samples, [&](const Sample& sample) { return !hands.at(sample.id)->found(); });
  std::vector<std::string> classes;
  for (const Sample& sample : samples)
    if (sample.sign != none_name && (classes.empty() || classes.back() != sample.sign))
      classes.push_back(sample.sign);
  std::ranges::sort(classes, label_less);
  if (std::string why = lacking(classes, signs); !why.empty()) {
    {
      const std::lock_guard lock(mutex_);
      taught_.reset();
      checked_.reset();
    }
    return say(Teaching::idle, std::move(why));
  }
  classes.emplace_back(none_name);

  say(Teaching::training);
  std::vector<Pupil> pupils;
  for (const Sample& sample : samples) {
    const auto label = std::ranges::find(classes, sample.sign) - classes.begin();
    pupils.push_back({hands.at(sample.id).get(), static_cast<int32_t>(label), sample.recording});
  }
  const Lesson lesson(classes, reader_.width(), pupils, false_hands_);
  std::vector<Row> all(samples.size());
  std::iota(all.begin(), all.end(), Row{0});
  std::optional<Model> taught = learn(lesson, reader_.model(), all, stop);
  if (!taught) return;
  publish(*taught, version, std::ssize(samples));
  check_lesson(lesson, std::move(samples), std::move(*taught), version, stop);
}

void Studio::publish(Model model, uint64_t version, int64_t hands) {
  auto made = std::make_shared<const TaughtModel>(std::move(model), version, hands);
  const std::lock_guard lock(mutex_);
  if (!taught_ || taught_->version != version) state_.seconds = since_change_.seconds();
  taught_ = std::move(made);
}

void Studio::check_lesson(const Lesson& lesson, std::vector<Sample> learned, Model taught, uint64_t version,
                          const std::stop_token& stop) {
  say(Teaching::checking);
  const RecordingFolds folds = folds_by_recording(lesson);
  Checked found{version, lesson.classes(), std::move(learned), {}, {}, folds.untested};
  if (!folds.folds.empty()) {
    std::optional<Check> told = check(lesson, folds.folds, taught, stop);
    if (!told) return;
    found.by_recording = std::move(*told);
    publish(taught, version, std::ssize(found.samples));
    say(Teaching::checking, {}, 0.8);
  }
  if (const std::vector<Fold> frames = fold_by_frames(lesson); !frames[0].test.empty()) {
    found.by_frames = check(lesson, frames, taught, stop);
    if (!found.by_frames) return;
  }
  {
    const std::lock_guard lock(mutex_);
    checked_ = std::make_shared<const Checked>(std::move(found));
  }
  say(Teaching::idle);
}

}  // namespace mudra
