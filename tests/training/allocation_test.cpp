// A training step takes no memory from the heap, and a question no more than its answer: everything else is
// placed before the first. What ends for lack of memory on another thread ends on the caller's.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "mudra/data/fingerprint.h"
#include "mudra/data/near_copies.h"
#include "mudra/inference/predictor.h"
#include "mudra/synth/render_hands.h"
#include "mudra/training/trainer.h"

namespace {
std::atomic<int64_t> allocations{0}, refusals{0};
std::atomic<bool> refuses{false};  // memory to all threads but the caller's
thread_local bool is_caller = false;

void* counted(size_t size, size_t alignment) {
  ++allocations;
  if (refuses && !is_caller) {
    ++refusals;
    throw std::bad_alloc();
  }
  void* memory = alignment > alignof(std::max_align_t)
                     ? std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment)
                     : std::malloc(size);
  if (!memory) throw std::bad_alloc();
  return memory;
}

// Apart, or the compiler looks inside and takes free() for the wrong partner of new.
__attribute__((noinline)) void release(void* memory) { std::free(memory); }
}  // namespace

void* operator new(size_t size) { return counted(size, 0); }
void* operator new[](size_t size) { return counted(size, 0); }
void* operator new(size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<size_t>(alignment));
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<size_t>(alignment));
}
void* operator new(size_t size, const std::nothrow_t&) noexcept { return counted(size, 0); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return counted(size, 0); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, size_t) noexcept { release(memory); }
void operator delete[](void* memory, size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, size_t, std::align_val_t) noexcept { release(memory); }

namespace mudra {
namespace {

// Allocations of a whole training of so many images and epochs.
int64_t count_allocations(int64_t images, const TrainingOptions& options,
                          const std::string& line = "dense 17, relu, dense 5, gelu") {
  Dataset data;
  data.pixels = Pixels({images, 6, 5, 1}, std::vector<uint8_t>(static_cast<size_t>(images) * 30, 100));
  data.classes = {"0", "1", "2"};
  const Shape targets = {6, 5, 7};
  std::vector<float> ones(static_cast<size_t>(images * targets.elements()), 1);
  data.targets = std::make_shared<StoredTargets>(targets, std::move(ones));
  Fold fold;
  for (int64_t i = 0; i < images; ++i) {
    data.labels.push_back(static_cast<int32_t>(i % 3));
    (i < 3 ? fold.test : fold.train).push_back(i);
  }
  Network network = Network::parse(line, {1, 6, 5, 1}, 3);
  network.initialize(Initialization::he, 1);
  ThreadTeam team(2);
  const int64_t before = allocations;
  Trainer(std::move(network), data, fold, options, 1, team).run();
  return allocations - before;
}

TEST(Training, AStepAllocatesNothing) {
  for (const OptimizerKind optimizer : {OptimizerKind::sgd, OptimizerKind::momentum, OptimizerKind::adam}) {
    for (const bool shuffle : {false, true}) {
      TrainingOptions options;
      options.augment =
          Augmentation::parse(shuffle ? "rotate 9, elastic 1, noise 0.1, background 1, blur 1, jpeg 50" : "");
      options.optimizer = optimizer;
      options.ema = shuffle ? 0.9 : 0;
      options.clip = shuffle ? 0.1 : 0;
      options.class_weights.is_balanced = shuffle;
      options.schedule = shuffle ? ScheduleKind::cosine : ScheduleKind::constant;
      options.shuffle = shuffle;
      options.batch_size = 4;
      options.epochs = 1;
      // Setting up may depend on the images only by a bounded number of growing vectors.
      const int64_t few = count_allocations(103, options);
      const int64_t many = count_allocations(203, options);
      EXPECT_LE(many - few, 4) << name_of(optimizer) << ": 25 more steps took memory";
      EXPECT_GT(few, 10);
      options.augment = Augmentation::parse(shuffle ? "noise 0.1" : "");
      const std::string heads = "conv 4 3x3, heads(presence 2, classes 3, distance 1)";
      EXPECT_LE(count_allocations(203, options, heads) - count_allocations(103, options, heads), 4);
    }
  }
}

TEST(Predictor, AQuestionOfOneImageTakesMemoryForItsAnswerOnly) {
  Model model;
  model.classes = {"0", "1", "2"};
  model.preprocessing = {12, 10, 1, Fit::stretch};
  model.network = Network::parse("conv 4 3x3, relu, pool 2, dense 30, relu", {1, 12, 10, 1}, 3);
  model.network.initialize(Initialization::he, 1);
  const Predictor predictor(std::move(model));
  const std::vector<float> image(120, 0.5F);
  const auto count = [&] {
    const int64_t before = allocations;
    const Answer answer = predictor.answer(image);
    EXPECT_EQ(answer.probabilities.size(), 3U);
    return allocations - before;
  };
  EXPECT_GT(count(), 2);
  for (int again = 0; again < 3; ++again) EXPECT_EQ(count(), 2);  // probabilities and logits
}

// Calls work(team) until a member has found no memory in it: that, and nothing else, must throw.
template <class Work>
void expect_lack_on_a_thread_to_be_thrown(const Work& work) {
  ThreadTeam team(4);
  is_caller = true;
  refusals = 0;
  while (refusals == 0) {
    refuses = true;
    bool is_thrown = false;
    try {
      work(team);
    } catch (const std::bad_alloc&) {
      is_thrown = true;
    }
    refuses = false;
    EXPECT_EQ(is_thrown, refusals > 0);
  }
}

TEST(Memory, MissingOnAThreadEndsRendering) {
  expect_lack_on_a_thread_to_be_thrown([](ThreadTeam& team) { render_hands({.count = 400}, team, {}); });
}

TEST(Memory, MissingOnAThreadEndsTheSearchForCopies) {
  std::vector<Fingerprint> fingerprints;
  std::vector<Row> rows;
  std::vector<float> image(28 * 28);
  for (Row row = 0; row < 200; ++row) {
    for (size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i * (row % 5 + 1) % 17) / 17;
    fingerprints.push_back(make_fingerprint(image));
    rows.push_back(row);
  }
  expect_lack_on_a_thread_to_be_thrown(
      [&](ThreadTeam& team) { find_copies(fingerprints, rows, rows, team); });
}

}  // namespace
}  // namespace mudra
