#include "mudra/core/thread_team.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>

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

TEST(ThreadTeam, HasProcessors) { EXPECT_GE(available_processors(), 1); }

}  // namespace
}  // namespace mudra
