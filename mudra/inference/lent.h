// Things that one question needs for itself, such as a plan, and the next one can have again.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

namespace mudra {

// Thread-safe.
template <class T>
class Lender {
 public:
  struct GiveBack {
    const Lender* to;
    void operator()(T* thing) const {
      const std::lock_guard lock(to->mutex_);
      to->idle_.emplace_back(thing);
    }
  };
  using Lent = std::unique_ptr<T, GiveBack>;

  // One that nobody uses and that `fits`, or a new one from `make`. The lender must outlive it.
  template <class Fits, class Make>
  Lent lend(const Fits& fits, const Make& make) const {
    std::unique_ptr<T> thing;
    {
      const std::lock_guard lock(mutex_);
      const auto found = std::ranges::find_if(idle_, [&](const auto& idle) { return fits(*idle); });
      if (found != idle_.end()) {
        thing = std::move(*found);
        idle_.erase(found);
      }
    }
    if (!thing) thing = make();
    return {thing.release(), {this}};
  }

 private:
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<T>> idle_;
};

}  // namespace mudra
