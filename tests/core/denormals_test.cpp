#include "mudra/core/denormals.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "mudra/core/thread_team.h"

namespace mudra {
namespace {

bool makes_denormals() {
  volatile float small = 1.5e-38F, half = 0.5F;
  return small * half != 0;
}
bool takes_denormals() {
  volatile float denormal = 1e-40F, large = 1e30F;
  return denormal * large != 0;
}

TEST(Denormals, AreFlushedWhileAGuardLives) {
  ASSERT_TRUE(makes_denormals() && takes_denormals());
  {
    const FlushDenormals flush;
    EXPECT_FALSE(makes_denormals());
    EXPECT_FALSE(takes_denormals());
    {
      const FlushDenormals again;
      EXPECT_FALSE(makes_denormals());
    }
    EXPECT_FALSE(makes_denormals()) << "the inner guard leaves the outer one alone";
  }
  EXPECT_TRUE(makes_denormals() && takes_denormals());
}

// Tasks wait for each other, so that every member takes one.
int members_that_make_denormals(ThreadTeam& team) {
  std::atomic<int> arrived{0}, count{0};
  team.run(team.threads(), [&](int64_t) {
    ++arrived;
    while (arrived < team.threads()) std::this_thread::yield();
    if (makes_denormals()) ++count;
  });
  return count;
}

TEST(Denormals, EveryMemberOfATeamFollowsTheCaller) {
  ThreadTeam team(4);
  EXPECT_EQ(members_that_make_denormals(team), 4);
  {
    const FlushDenormals flush;
    EXPECT_EQ(members_that_make_denormals(team), 0);
  }
  EXPECT_EQ(members_that_make_denormals(team), 4);
}

}  // namespace
}  // namespace mudra
