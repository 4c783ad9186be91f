#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "mudra/core/error.h"
#include "mudra/network/model.h"
#include "mudra/network/plan.h"
#include "tests/reference.h"

namespace mudra {
namespace {

Model small_model() {
  Model model{Network::parse("dense 3, sigmoid", {1, 2, 2, 1}, 1),
              {"fist", "\"open\" \u270b"},
              {2, 2, 1, Fit::stretch}};
  model.network.initialize(Initialization::normal, 4);
  return model;
}

TEST(ModelFile, ReadBackPredictsTheSameBits) {
  const ScratchFolder folder;
  const Model model =
      model_from_bytes(model_bytes(small_model()), "m");  // weights a file can hold, in double too
  save_model(model, folder.path() / "m.safetensors");
  const Model again = load_model(folder.path() / "m.safetensors");
  EXPECT_EQ(again.classes, model.classes);
  EXPECT_EQ(again.preprocessing, model.preprocessing);
  EXPECT_EQ(again.network.text(), model.network.text());
  EXPECT_TRUE(model_bytes(again) == model_bytes(model));
  Tensor x({5, 2, 2, 1});
  for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<Scalar>(i) / 20;
  ThreadTeam team(1);
  Plan one(model.network, 5, Plan::Mode::infer), two(again.network, 5, Plan::Mode::infer);
  const Tensor& a = one.infer(model.network, x, Context{team});
  const Tensor& b = two.infer(again.network, x, Context{team});
  for (int64_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i], b[i]);
}

// Blocks, running statistics, and a dense layer after images whose C, H and W all differ.
TEST(ModelFile, KeepsRunningStatisticsAndBlocks) {
  Model model{Network::parse(
                  "conv 3 3x3, batch-norm, residual(conv 4 3x3 stride 2, batch-norm | conv 4 1x1 stride 2), "
                  "relu, flatten, batch-norm",
                  {1, 5, 8, 2}, 3),
              {"a", "b", "c"},
              {5, 8, 2, Fit::stretch}};
  model.network.initialize(Initialization::he, 2);
  Rng rng(8, Purpose::test);
  int states = 0;
  for (const Network::Named& named : model.network.parameters()) {
    if (named.trained) continue;
    ++states;
    for (Scalar& value : named.parameter.tensor->values()) value = static_cast<float>(rng.uniform(0.5, 2));
  }
  EXPECT_EQ(states, 6);
  model = model_from_bytes(model_bytes(model), "m");
  Model again = model_from_bytes(model_bytes(model), "m");
  auto before = model.network.parameters(), after = again.network.parameters();
  ASSERT_EQ(before.size(), after.size());
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(before[i].name, after[i].name);
    EXPECT_EQ(to_file_order(before[i].parameter), to_file_order(after[i].parameter)) << before[i].name;
    if (before[i].trained) continue;
    EXPECT_GE(to_file_order(after[i].parameter)[0], 0.5) << before[i].name;
  }
  Tensor x({4, 5, 8, 2});
  for (Scalar& value : x.values()) value = static_cast<Scalar>(rng.uniform());
  ThreadTeam team(2);
  Plan one(model.network, 4, Plan::Mode::infer), two(again.network, 4, Plan::Mode::infer);
  const Tensor& a = one.infer(model.network, x, Context{team});
  const Tensor& b = two.infer(again.network, x, Context{team});
  for (int64_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i], b[i]);
}

// https://huggingface.co/docs/safetensors, "Format"
TEST(ModelFile, KeepsTheRulesOfSafetensors) {
  const std::string bytes = model_bytes(small_model());
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  ASSERT_LE(8 + length, bytes.size());
  EXPECT_EQ(length % 8, 0U);
  EXPECT_EQ(bytes[8], '{');
  const auto header = nlohmann::json::parse(bytes.substr(8, length));
  uint64_t covered = 0;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      for (const auto& [key, value] : entry.items()) EXPECT_TRUE(value.is_string()) << key;
      continue;
    }
    EXPECT_EQ(entry.at("dtype"), "F32");
    uint64_t count = 4;
    for (const uint64_t size : entry.at("shape")) count *= size;
    EXPECT_EQ(entry.at("data_offsets").at(1).get<uint64_t>() - entry.at("data_offsets").at(0).get<uint64_t>(),
              count);
    covered += count;
  }
  EXPECT_EQ(covered, bytes.size() - 8 - length) << "the values have no holes";
  EXPECT_EQ(header.at("1.weight").at("shape"), nlohmann::json({3, 4}));
  EXPECT_EQ(header.at("__metadata__").at("checksum").get<std::string>().size(), 32U);
}

TEST(ModelFile, EveryTruncationIsRefused) {
  const std::string bytes = model_bytes(small_model());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(model_from_bytes(std::string_view(bytes).substr(0, size), "m"), Error) << size;
  }
  EXPECT_THROW(model_from_bytes(bytes + '\0', "m"), Error);
}

TEST(ModelFile, EveryFlippedBitIsRefused) {
  const std::string bytes = model_bytes(small_model());
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ 1 << bit);
      EXPECT_THROW(model_from_bytes(flipped, "m"), Error) << "byte " << at << " bit " << bit;
    }
  }
}

}  // namespace
}  // namespace mudra
