// A team of threads that stays together between short pieces of work.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

namespace mudra {

// Splits work into numbered tasks, which any member may take: results must not depend on who did
// which. Members spin briefly, then park, so an idle team costs nothing; they compute in the caller's
// floating-point mode. One caller at a time; a task must not call run().
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): counters stand in cache lines of their own
class ThreadTeam {
 public:
  // At least 1; the caller is one of them. Throws std::system_error when the system gives no more threads.
  explicit ThreadTeam(int threads);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls work(task) once for every task in [0, tasks) and returns when all are done. The first exception of
  // a task, on whatever thread, is then thrown to the caller; the team can be used further.
  template <class Work>
  void run(int64_t tasks, Work&& work) {
    if (tasks <= 1 || workers_.empty()) {
      for (int64_t task = 0; task < tasks; ++task) work(task);
      return;
    }
    auto* pointer = &work;
    auto call = [](void* context, int64_t task) { (**static_cast<decltype(pointer)*>(context))(task); };
    run_on_team(tasks, call, &pointer);
  }

 private:
  using Call = void (*)(void* context, int64_t task);
  void run_on_team(int64_t tasks, Call call, void* context);
  void end() noexcept;
  void take_tasks(uint64_t generation);
  void work();

  // High 32 bits: generation of the job; low 32 bits: tasks nobody has taken yet. Taking a task is
  // one compare-and-swap, so a late member can never take a task of a job it has not seen.
  alignas(64) std::atomic<uint64_t> job_{0};
  alignas(64) std::atomic<int64_t> done_{0};
  alignas(64) std::atomic<int> parked_{0};
  std::atomic<bool> stop_{false};
  Call call_ = nullptr;
  void* context_ = nullptr;
  uint64_t mode_ = 0;  // the caller's floating-point mode
  std::atomic<bool> failed_{false};
  std::exception_ptr failure_;  // of the task that set failed_
  std::vector<std::thread> workers_;
};

// More have no use, and a slip of the finger is told from a number.
inline constexpr int most_threads = 1024;

// Processors this process may use.
int available_processors();

}  // namespace mudra
