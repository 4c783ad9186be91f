// Signs taught while they are recorded: whatever changes in the folder of recordings, a thread of its own
// learns them anew and tells how well. Answers never wait for it.
//
//   Studio studio("signs", box_model(), [](const Studio&) {});  // told that something can be asked anew
//   studio.add("fist", "a1", pictures);                      // on the disk when it returns
//   if (auto taught = studio.taught()) taught->predictor.answer(picture);
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "mudra/core/named.h"
#include "mudra/data/image.h"
#include "mudra/inference/predictor.h"
#include "mudra/studio/lesson.h"
#include "mudra/studio/recordings.h"

namespace mudra {

enum class Teaching { idle, preparing, training, checking, stopped, failed };
template <>
struct Named<Teaching> {
  static constexpr std::pair<Teaching, std::string_view> values[] = {
      {Teaching::idle, "idle"},         {Teaching::preparing, "preparing"}, {Teaching::training, "training"},
      {Teaching::checking, "checking"}, {Teaching::stopped, "stopped"},     {Teaching::failed, "failed"}};
};

// A model learned from what was in the folder at some time. Never changed once it is made.
struct TaughtModel {
  TaughtModel(Model model, uint64_t of_version, int64_t learned)
      : predictor(std::move(model)), version(of_version), hands(learned) {}

  const Predictor predictor;
  const uint64_t version;  // of the folder
  const int64_t hands;     // it learned from
};

// How it does on recordings, and on frames, that were kept from it.
struct Checked {
  uint64_t version;
  std::vector<std::string> classes;
  std::vector<Sample> samples;  // those that Check::tested and suspects count
  Check by_recording;           // without answers when nothing can be tested
  std::optional<Check> by_frames;
  std::vector<std::string> untested;  // classes with one recording

  bool tells() const { return by_recording.answers.size() > 0; }
};

struct TeachingState {
  Teaching state = Teaching::idle;
  uint64_t version = 0;  // of the folder that it is about
  std::string why;       // it is idle, stopped or failed, and what to do; or empty
  double done = 0;       // 0..1 of what it does
  double seconds = 0;    // from the last change to the model that learned it
};

struct SignCount {
  std::string name;
  int64_t samples = 0, recordings = 0, without_hand = 0;
};

struct Signs {
  std::vector<SignCount> signs;
  uint64_t version = 0;
  std::string undoable;
};

// Thread-safe.
class Studio {
 public:
  // `begun` finds hands and reads them. `changed` is called from any thread, often, and must take no time.
  // Throws Error when the folder cannot be had.
  Studio(const std::filesystem::path& folder, Model begun, std::function<void(const Studio&)> changed);
  ~Studio();

  const std::filesystem::path& folder() const { return recordings_.folder(); }
  uint64_t version() const;  // of the folder
  Signs signs() const;
  // Whether a hand was found in it; nothing as long as nobody has looked.
  std::optional<bool> has_hand(const Sample& sample) const;
  std::vector<Sample> samples(const std::string& sign) const;
  // The picture as it is kept. Throws Error when there is none of that name.
  Image picture(const std::string& file) const;

  // What changes the folder, as Recordings does; pictures are made no larger than they must be. A training
  // follows by itself.
  std::vector<Sample> add(const std::string& sign, const std::string& recording,
                          std::span<const Image> pictures);
  template <class Work>
  auto change(Work&& work) {
    struct Tell {
      Studio* studio;
      uint64_t before;
      ~Tell() {
        if (studio->version() != before) studio->wake();
      }
    } tell{this, version()};  // once the lock is gone
    const std::lock_guard lock(mutex_);
    return work(recordings_);
  }

  void train();  // now, also after stop()
  void stop();   // until train()
  TeachingState teaching() const;
  std::shared_ptr<const TaughtModel> taught() const;  // null before there is one
  std::shared_ptr<const Checked> checked() const;     // the same

 private:
  using Hands = std::unordered_map<uint64_t, std::shared_ptr<const HandFeatures>>;

  void wake();
  void work(const std::stop_token& end);
  void teach(const std::stop_token& stop);
  void look_at(const std::vector<Sample>& samples, const std::stop_token& stop);
  void check_lesson(const Lesson& lesson, std::vector<Sample> learned, Model taught, uint64_t version,
                    const std::stop_token& stop);
  void publish(Model model, uint64_t version, int64_t hands);
  void say(Teaching state, std::string why = {}, double done = 0);

  const HandReader reader_;
  const std::function<void(const Studio&)> changed_;
  mutable std::mutex mutex_;  // of all below
  std::condition_variable woken_;
  Recordings recordings_;
  Hands hands_;  // by Sample::id
  TeachingState state_;
  std::shared_ptr<const TaughtModel> taught_;
  std::shared_ptr<const Checked> checked_;
  uint64_t asked_ = 1, begun_ = 0;  // changes, and the last of them that was taken up
  bool is_stopped_ = false;
  Stopwatch since_change_;
  std::stop_source going_on_;              // of what the thread does
  std::vector<HandFeatures> false_hands_;  // of the thread alone
  std::jthread thread_;                    // last: it ends before all that it uses
};

}  // namespace mudra
