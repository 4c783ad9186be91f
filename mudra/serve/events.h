// What has happened, for whoever listens: GET /api/events. Of every name only the newest event is kept, so a
// listener costs the same however slow it is, and one that comes later hears how things stand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace mudra {

// Thread-safe.
class Events {
 public:
  // `json` is what there is to know under this name from now on. Who has not been told of an earlier event of
  // the name is told of this one alone; events of several names are told in the order of publishing.
  void publish(const std::string& name, std::string_view json);

  // The events published after the first `seen`, as text/event-stream has them, oldest first; then all are
  // seen. Empty: there are none.
  std::string after(uint64_t& seen) const;

  // Calls `wake` whenever there are events, on the thread that publishes, until unwatch(): it may neither
  // take time nor use this object.
  size_t watch(std::function<void()> wake);
  void unwatch(size_t watcher);

 private:
  struct Event {
    uint64_t number = 0;
    std::string text{};
  };

  mutable std::mutex mutex_;
  uint64_t published_ = 0;
  std::map<std::string, Event> newest_;
  size_t watchers_made_ = 0;
  std::map<size_t, std::function<void()>> watchers_;
};

}  // namespace mudra
