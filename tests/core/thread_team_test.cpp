#include "mudra/core/thread_team.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>
#include <system_error>

#include "mudra/core/error.h"

namespace mudra {
namespace {

void expect_each_task_once(ThreadTeam& team, int64_t tasks) {
  std::vector<std::atomic<int>> done(static_cast<size_t>(tasks));
  team.run(tasks, [&](int64_t task) { ++done[static_cast<size_t>(task)]; });
  for (int64_t task = 0; task < tasks; ++task)
    ASSERT_EQ(done[static_cast<size_t>(task)], 1) << task << " of " << tasks;
}

TEST(ThreadTeam, RunsEveryTaskOnceForAnyNumberOfThreads) {
  for (const int threads : {1, 2, 3, 8, 33}) {
    ThreadTeam team(threads);
    EXPECT_EQ(team.threads(), threads);
    for (const int64_t tasks : {0, 1, 2, 5, 32, 1000}) expect_each_task_once(team, tasks);
  }
}

// Short jobs follow each other before members have seen the last one's end.
TEST(ThreadTeam, ManyShortJobsLoseNoTask) {
  ThreadTeam team(4);
  int64_t plain = 0;  // written by the caller between jobs, read by members: run() must order the two
  for (int64_t job = 0; job < 50000; ++job) {
    plain = job;
    std::atomic<int64_t> sum{0};
    team.run(1 + job % 7, [&](int64_t task) { sum += plain + task; });
    const int64_t tasks = 1 + job % 7;
    ASSERT_EQ(sum, tasks * job + tasks * (tasks - 1) / 2) << job;
  }
}

// What tasks wrote is there when run() returns, without any help of atomics.
TEST(ThreadTeam, ResultsAreThereWhenRunReturns) {
  ThreadTeam team(3);
  std::vector<int64_t> results(257);
  for (int64_t job = 0; job < 2000; ++job) {
    team.run(257, [&](int64_t task) { results[static_cast<size_t>(task)] = job * task; });
    ASSERT_EQ(std::accumulate(results.begin(), results.end(), int64_t{0}), job * 256 * 257 / 2);
  }
}

TEST(ThreadTeam, ParkedMembersWakeUp) {
  ThreadTeam team(3);
  for (int job = 0; job < 20; ++job) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));  // a hundred times the spinning
    std::mutex lock;
    std::set<std::thread::id> members;
    std::atomic<int> arrived{0};
    team.run(3, [&](int64_t) {  // tasks wait for each other, so that every member must take one
      {
        const std::lock_guard guard(lock);
        members.insert(std::this_thread::get_id());
      }
      ++arrived;
      while (arrived < 3) std::this_thread::yield();
    });
    ASSERT_EQ(members.size(), 3U);
  }
}

TEST(ThreadTeam, AnIdleTeamTakesNoTime) {
  ThreadTeam team(3);
  expect_each_task_once(team, 3);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // until all have parked
  timespec before{}, after{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  const double seconds = static_cast<double>(after.tv_sec - before.tv_sec) +
                         1e-9 * static_cast<double>(after.tv_nsec - before.tv_nsec);
  EXPECT_LT(seconds, 0.05);
}

TEST(ThreadTeam, ManyTeamsWorkSideBySideAndEnd) {
  for (int round = 0; round < 200; ++round) {
    ThreadTeam unused(3);  // ends without a job
    std::vector<std::unique_ptr<ThreadTeam>> teams;
    for (int i = 1; i <= 4; ++i) teams.push_back(std::make_unique<ThreadTeam>(i));
    for (const auto& team : teams) expect_each_task_once(*team, 9);
  }
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([] {
      ThreadTeam team(3);
      for (int job = 0; job < 500; ++job) expect_each_task_once(team, 5);
    });
  }
  for (std::thread& caller : callers) caller.join();
}

TEST(ThreadTeam, AnExceptionOfAMemberReachesTheCaller) {
  for (const int threads : {1, 2, 4}) {
    ThreadTeam team(threads);
    for (int job = 0; job < 100; ++job) {
      std::atomic<int> arrived{0};
      const auto caller = std::this_thread::get_id();
      const auto work = [&](int64_t) {  // tasks wait for each other, so that every member must take one
        ++arrived;
        while (arrived < threads) std::this_thread::yield();
        if (threads == 1 || std::this_thread::get_id() != caller) throw Error("thrown by a member");
      };
      EXPECT_THROW(team.run(threads, work), Error);
    }
    expect_each_task_once(team, 50);
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they need more address space than that
TEST(ThreadTeam, SaysWhenTheSystemGivesNoMoreThreads) {
  const auto ask_for_many = [] {
    const rlimit little{rlim_t{1} << 30, rlim_t{1} << 30};
    setrlimit(RLIMIT_AS, &little);
    try {
      const ThreadTeam team(10'000);  // 8 MB of address space each
      std::_Exit(1);
    } catch (const std::system_error&) {
      ThreadTeam small(3);
      expect_each_task_once(small, 9);
      std::_Exit(0);
    }
  };
  EXPECT_EXIT(ask_for_many(), testing::ExitedWithCode(0), "");
}
#endif

TEST(ThreadTeam, HasProcessors) { EXPECT_GE(available_processors(), 1); }

}  // namespace
}  // namespace mudra
