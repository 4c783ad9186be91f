#include "mudra/core/thread_team.h"

#include <sched.h>

#include <algorithm>
#include <utility>

#include "mudra/core/denormals.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mudra {
namespace {

// About 20 microseconds: longer than the gap between two layers, shorter than a time slice.
constexpr int spins_before_parking = 2000;

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

}  // namespace

int available_processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

ThreadTeam::ThreadTeam(int threads) {
  try {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
  } catch (...) {  // the system gives no more: those that run are sent home
    end();
    throw;
  }
}

ThreadTeam::~ThreadTeam() { end(); }

void ThreadTeam::end() noexcept {
  stop_.store(true);
  job_.fetch_add(uint64_t{1} << 32);
  job_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadTeam::run_on_team(int64_t tasks, Call call, void* context) {
  call_ = call;
  context_ = context;
  mode_ = floating_point_mode();
  done_.store(0, std::memory_order_relaxed);
  const uint64_t generation = (job_.load(std::memory_order_relaxed) >> 32) + 1;
  job_.store(generation << 32 | static_cast<uint64_t>(tasks));  // publishes call_, context_ and mode_
  if (parked_.load() > 0) job_.notify_all();
  take_tasks(generation & 0xFFFFFFFF);
  int spins = 0;
  for (int64_t done = done_.load(std::memory_order_acquire); done < tasks;
       done = done_.load(std::memory_order_acquire)) {
    if (++spins < spins_before_parking) {
      pause();
    } else {
      done_.wait(done);
    }
  }
  if (failed_.load(std::memory_order_relaxed)) {
    failed_.store(false, std::memory_order_relaxed);
    std::rethrow_exception(std::exchange(failure_, nullptr));
  }
}

void ThreadTeam::take_tasks(uint64_t generation) {
  uint64_t job = job_.load(std::memory_order_acquire);
  while (job >> 32 == generation && (job & 0xFFFFFFFF) > 0) {
    if (!job_.compare_exchange_weak(job, job - 1, std::memory_order_acq_rel)) continue;
    if (floating_point_mode() != mode_) set_floating_point_mode(mode_);
    try {
      call_(context_, static_cast<int64_t>((job & 0xFFFFFFFF) - 1));
    } catch (...) {
      if (!failed_.exchange(true)) failure_ = std::current_exception();
    }
    done_.fetch_add(1, std::memory_order_release);
    done_.notify_one();
    job = job_.load(std::memory_order_acquire);
  }
}

void ThreadTeam::work() {
  uint64_t seen = 0;
  for (;;) {
    uint64_t job = job_.load(std::memory_order_acquire);
    for (int spins = 0; job >> 32 == seen && spins < spins_before_parking; ++spins) {
      pause();
      job = job_.load(std::memory_order_acquire);
    }
    while (job >> 32 == seen) {
      parked_.fetch_add(1);
      job_.wait(job);
      parked_.fetch_sub(1);
      job = job_.load(std::memory_order_acquire);
    }
    if (stop_.load()) return;
    seen = job >> 32;
    take_tasks(seen);
  }
}

}  // namespace mudra
