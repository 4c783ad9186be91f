#include "mudra/serve/events.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace mudra {

void Events::publish(const std::string& name, std::string_view json) {
  std::string text = "event: " + name + "\ndata: ";
  const size_t start = text.size();
  text += json;
  // In JSON a line may only break where a space may stand; in a stream a line ends the data.
  const auto is_break = [](char c) { return c == '\n' || c == '\r'; };
  std::replace_if(text.begin() + static_cast<std::ptrdiff_t>(start), text.end(), is_break, ' ');
  text += "\n\n";
  const std::lock_guard lock(mutex_);
  Event& event = newest_[name];
  event.text = std::move(text);
  event.number = ++published_;
  for (const auto& [number, wake] : watchers_) wake();
}

std::string Events::after(uint64_t& seen) const {
  const std::lock_guard lock(mutex_);
  std::vector<const Event*> fresh;
  for (const auto& [name, event] : newest_) {
    if (event.number > seen) fresh.push_back(&event);
  }
  std::ranges::sort(fresh, {}, &Event::number);
  std::string text;
  for (const Event* event : fresh) text += event->text;
  seen = published_;
  return text;
}

size_t Events::watch(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  watchers_[++watchers_made_] = std::move(wake);
  return watchers_made_;
}

void Events::unwatch(size_t watcher) {
  const std::lock_guard lock(mutex_);
  watchers_.erase(watcher);
}

}  // namespace mudra
