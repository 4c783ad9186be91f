// What Python has to say while C++ works without the interpreter's lock: Ctrl-C, and what a callback raises.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <future>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "mudra/core/progress.h"

namespace mudra::python {

namespace py = pybind11;

// Made, and asked to raise(), by a thread that holds the lock; the rest without it.
class Listener {
 public:
  std::stop_token stop() const { return stop_.get_token(); }

  // Looks for signals, at most twenty times a second: taking the lock costs more than a step of training.
  void poll() {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_ || std::this_thread::get_id() != owner_) return;
    next_ = now + every;
    call([] {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    });
  }

  // Calls a function of Python's. What it raises ends the work.
  template <class Function>
  void call(Function&& function) {
    const py::gil_scoped_acquire lock;
    if (failure_) return;
    try {
      function();
    } catch (py::error_already_set& error) {
      failure_.emplace(std::move(error));
      stop_.request_stop();
    }
  }

  bool has_failed() const { return failure_.has_value(); }
  // Raises what was raised meanwhile.
  void raise() {
    if (failure_) throw *std::exchange(failure_, std::nullopt);
  }

  Progress progress() {
    return Progress([this](int64_t, int64_t) { poll(); }, stop());
  }

  // Does work that says nothing for long on another thread, and listens meanwhile.
  template <class Work>
  auto listen_during(Work&& work) {
    auto result = std::async(std::launch::async, std::forward<Work>(work));
    while (result.wait_for(every) != std::future_status::ready) poll();
    return result.get();
  }

 private:
  static constexpr std::chrono::milliseconds every{50};
  std::thread::id owner_ = std::this_thread::get_id();
  std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now() + every;
  std::stop_source stop_;
  std::optional<py::error_already_set> failure_;
};

// Calls work(listener) without the lock, and gives its result unless something was raised meanwhile.
template <class Work>
auto without_lock(Work&& work) {
  Listener listener;
  try {
    auto result = [&] {
      const py::gil_scoped_release unlocked;
      return work(listener);
    }();
    listener.raise();
    return result;
  } catch (...) {
    listener.raise();  // rather than that it was stopped
    throw;
  }
}

}  // namespace mudra::python
