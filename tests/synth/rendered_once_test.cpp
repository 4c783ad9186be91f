#include "mudra/synth/rendered_once.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

namespace mudra {
namespace {
namespace fs = std::filesystem;

struct Cache {
  fs::path folder = fs::temp_directory_path() / ("mudra-cache-" + std::to_string(std::random_device{}()));
  ~Cache() { fs::remove_all(folder); }
  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder)) found.push_back(entry.path());
    return found;
  }
};

void expect_renderings(const Dataset& data, const SynthOptions& options) {
  ThreadTeam team(1);
  const Dataset rendered = render_hands(options, team);
  ASSERT_EQ(data.pixels.shape(), rendered.pixels.shape());
  EXPECT_EQ(data.labels, rendered.labels);
  EXPECT_EQ(data.groups, rendered.groups);
  std::vector<float> one(static_cast<size_t>(rendered.pixels.shape().per_example())), other(one.size());
  for (int64_t i = 0; i < options.count; ++i) {
    data.pixels.read(i, one.data());
    rendered.pixels.read(i, other.data());
    ASSERT_EQ(one, other) << i;
  }
}

// How many images were rendered, as progress tells.
int64_t rendered_by(const SynthOptions& options, const fs::path& cache, Dataset& data) {
  int64_t calls = 0;
  ThreadTeam team(2);
  data = rendered_once(options, cache, team, Progress([&](int64_t, int64_t) { ++calls; }));
  return calls;
}

TEST(RenderedOnce, IsReadFromItsFileTheSecondTime) {
  const Cache cache;
  const SynthOptions options{.count = 90, .size = 20, .colour = true};
  Dataset data;
  EXPECT_GT(rendered_by(options, cache.folder, data), 0);
  expect_renderings(data, options);
  EXPECT_EQ(rendered_by(options, cache.folder, data), 0);
  expect_renderings(data, options);
  ASSERT_EQ(cache.files().size(), 1U);
  EXPECT_GT(rendered_by({.count = 90, .size = 20, .seed = 2, .colour = true}, cache.folder, data), 0);
  EXPECT_EQ(cache.files().size(), 2U);
}

TEST(RenderedOnce, IsRenderedAgainWhenItsFileIsDamagedOrCutOff) {
  const Cache cache;
  const SynthOptions options{.count = 60, .domain = "ankara"};
  Dataset data;
  rendered_by(options, cache.folder, data);
  const fs::path file = cache.files().at(0);
  for (const bool is_cut : {false, true}) {
    if (is_cut) {
      fs::resize_file(file, fs::file_size(file) - 1);
    } else {
      std::fstream(file, std::ios::in | std::ios::out | std::ios::binary).seekp(1000).put('\x7f');
    }
    EXPECT_GT(rendered_by(options, cache.folder, data), 0);
    expect_renderings(data, options);
    EXPECT_EQ(rendered_by(options, cache.folder, data), 0);
  }
}

TEST(RenderedOnce, NeedsNoFolder) {
  const SynthOptions options{.count = 50};
  Dataset data;
  for (const char* folder : {"", "/proc/nowhere", "/dev/full/nowhere"}) {
    rendered_by(options, folder, data);
    expect_renderings(data, options);
  }
}

TEST(RenderedOnce, LeavesNothingWhenItIsStopped) {
  const Cache cache;
  std::stop_source stop;
  stop.request_stop();
  ThreadTeam team(1);
  EXPECT_THROW(rendered_once({.count = 400}, cache.folder, team, Progress({}, stop.get_token(), "rendering")),
               std::exception);
  EXPECT_TRUE(cache.files().empty());
}

}  // namespace
}  // namespace mudra
