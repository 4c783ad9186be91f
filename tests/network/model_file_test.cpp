#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "mudra/core/error.h"
#include "mudra/network/model.h"
#include "mudra/network/plan.h"
#include "tests/message.h"
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

// With everything that format 2 adds.
Model full_model() {
  Model model = small_model();
  model.temperature = 1.7;
  model.rejection_threshold = 0.65;
  model.none_class = "fist";
  model.card = {{"licence", "CC0"}, {"made for", "a lesson \u270b"}};
  Part& finder = model.parts["finder"];
  finder = {Network::parse("conv 2 3x2, relu, global-pool", {1, 3, 4, 3}, 5), {3, 4, 3, Fit::keep_aspect}};
  finder.network.initialize(Initialization::he, 6);
  model.parts["second"] = {Network::parse("dense 2", {1, 2, 1, 1}, 2), {2, 1, 1, Fit::stretch}};
  return model;
}

// The file of the model with one value of its metadata set, or taken away, and a right checksum.
std::string edited(const Model& model, const std::string& key, const std::optional<std::string>& value) {
  Safetensors content = read_safetensors(model_bytes(model), "m");
  content.metadata.erase("checksum");
  content.metadata.erase(key);
  if (value) content.metadata[key] = *value;
  return write_safetensors(content);
}

TEST(ModelFile, FormatTwoReadsBackAllItHolds) {
  const Model model = full_model();
  const std::string bytes = model_bytes(model);
  const Model again = model_from_bytes(bytes, "m");
  EXPECT_EQ(again.temperature, 1.7);
  EXPECT_EQ(again.rejection_threshold, 0.65);
  EXPECT_EQ(again.none_class, "fist");
  EXPECT_EQ(again.card, model.card);
  ASSERT_EQ(again.parts.size(), 2U);
  const Part &finder = again.parts.at("finder"), &wanted = model.parts.at("finder");
  EXPECT_EQ(finder.network.text(), "conv 2 3x2, relu, global-pool, dense 5");
  EXPECT_EQ(finder.preprocessing, wanted.preprocessing);
  const auto found = finder.network.parameters(), expected = wanted.network.parameters();
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    const std::vector<Scalar> values = to_file_order(found[i].parameter);
    const std::vector<Scalar> others = to_file_order(expected[i].parameter);
    for (size_t v = 0; v < values.size(); ++v) EXPECT_EQ(values[v], static_cast<float>(others[v]));
  }
  EXPECT_TRUE(model_bytes(again) == model_bytes(model_from_bytes(model_bytes(again), "m")));
  const Safetensors content = read_safetensors(bytes, "m");
  EXPECT_EQ(content.metadata.at("format"), "mudra 2");
  EXPECT_TRUE(content.find("finder/0.weight"));
  EXPECT_EQ(read_safetensors(model_bytes(small_model()), "m").metadata.at("format"), "mudra 1");
}

// Tensors of half precision take two bytes a value, and are the halves nearest to the weights.
TEST(ModelFile, OfHalfPrecisionKeepsTheNearestHalves) {
  Model model = full_model();
  const std::string whole = model_bytes(model);
  model.is_half = true;
  const std::string bytes = model_bytes(model);
  int64_t values = model.network.parameter_count();
  for (const auto& [name, part] : model.parts) values += part.network.parameter_count();
  EXPECT_NEAR(static_cast<double>(whole.size() - bytes.size()), static_cast<double>(2 * values),
              64);  // a shorter header
  const Model again = model_from_bytes(bytes, "m");
  EXPECT_TRUE(again.is_half);
  const auto found = again.network.parameters();
  const auto wanted = model.network.parameters();
  for (size_t i = 0; i < wanted.size(); ++i) {
    for (int64_t k = 0; k < wanted[i].parameter.tensor->size(); ++k) {
      const double value = (*wanted[i].parameter.tensor)[k];
      EXPECT_NEAR((*found[i].parameter.tensor)[k], value, std::fabs(value) * 0x1p-11 + 0x1p-25);
    }
  }
  EXPECT_EQ(model_bytes(again), bytes);
  EXPECT_FALSE(model_from_bytes(whole, "m").is_half);
}

TEST(ModelFile, KeepsThatMirrorImagesAreAskedAbout) {
  Model model = full_model();
  EXPECT_FALSE(model_from_bytes(model_bytes(model), "m").is_mirrored);
  model.is_mirrored = true;
  EXPECT_TRUE(model_from_bytes(model_bytes(model), "m").is_mirrored);
}

TEST(ModelFile, FormatTwoRefusesWhatCannotBe) {
  const auto answer = [](const std::string& temperature, const std::string& threshold,
                         const std::string& none) {
    return edited(full_model(), "answer",
                  R"({"temperature":)" + temperature + R"(,"rejection_threshold":)" + threshold +
                      R"(,"none_class":")" + none + "\"}");
  };
  const auto parts = [](const std::string& name, const std::string& outputs, const std::string& height) {
    return edited(full_model(), "parts",
                  "{\"" + name +
                      R"(":{"architecture":{"input":[3,3,4],"layers":["conv 2 3x2","relu","global-pool",)"
                      R"("dense 5"]},"outputs":)" +
                      outputs + R"(,"preprocessing":{"height":)" + height +
                      R"(,"width":4,"channels":3,"fit":"stretch"}}})");
  };
  EXPECT_NO_THROW(model_from_bytes(answer("0.5", "1", ""), "m"));
  EXPECT_NO_THROW(model_from_bytes(parts("finder", "5", "3"), "m"));
  const std::pair<std::string, std::string> cases[] = {
      {answer("0", "0.5", ""), "temperature"},
      {answer("-1", "0.5", ""), "temperature"},
      {answer("1e999", "0.5", ""), "cannot be read"},
      {answer("null", "0.5", ""), "cannot be read"},
      {answer("1", "1.5", ""), "threshold"},
      {answer("1", "-0.1", ""), "threshold"},
      {answer("1", "0.5", "thumb"), "no class 'thumb'"},
      {parts("finder", "0", "3"), "impossible outputs"},
      {parts("finder", "4", "3"), "lacks tensor finder/4.weight"},
      {parts("finder", "5", "4"), "another shape"},
      {parts("Finder", "5", "3"), "impossible name"},
      {parts("", "5", "3"), "impossible name"},
      {parts("reader", "5", "3"), "lacks tensor reader/0.weight"},
      {edited(full_model(), "card", "{\"a\":1}"), "cannot be read"},
      {edited(full_model(), "card", std::nullopt), "lacks metadata"},
      {edited(full_model(), "parts", "[]]"), "cannot be read"},
      {edited(full_model(), "format", "mudra 3"), "has format 'mudra 3'"}};
  for (const auto& [bytes, mention] : cases) {
    try {
      model_from_bytes(bytes, "m");
      ADD_FAILURE() << "was taken: " << mention;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(mention), std::string::npos) << error.what();
    }
  }
}

TEST(ModelFile, KeepsHeadsOfTheNetworkAndOfParts) {
  Model model = small_model();
  model.network = Network::parse("dense 3, heads(classes 2, distance 4 weight 0.5)", {1, 2, 2, 1}, 1);
  model.network.initialize(Initialization::he, 3);
  Network finder =
      Network::parse("conv 2 3x3, relu, heads(presence 1 weight 3, distance 6)", {1, 64, 64, 3}, 1);
  finder.initialize(Initialization::he, 6);
  model.parts["finder"] = {finder, {64, 64, 3, Fit::stretch}};
  const Model again = model_from_bytes(model_bytes(model), "m");
  EXPECT_EQ(again.network.text(), "flatten, dense 3, heads(classes 2, distance 4 weight 0.5)");
  EXPECT_EQ(again.network.heads, model.network.heads);
  EXPECT_EQ(again.parts.at("finder").network.text(), finder.text());
  EXPECT_EQ(again.parts.at("finder").network.heads, finder.heads);
  EXPECT_EQ(again.parts.at("finder").network.outputs(), 64 * 64 * 7);
  Model plain = small_model();
  plain.network = model.network;
  EXPECT_EQ(read_safetensors(model_bytes(plain), "m").metadata.at("format"), "mudra 2");
  const auto forged = [&](const std::string& from, const std::string& to, const std::string& key) {
    std::string text = read_safetensors(model_bytes(model), "m").metadata.at(key);
    text.replace(text.find(from), from.size(), to);
    return message_of([&] { model_from_bytes(edited(model, key, text), "m"); });
  };
  EXPECT_NE(forged("\"outputs\":7", "\"outputs\":8", "parts").find("has 8 outputs"), std::string::npos);
  EXPECT_NE(forged("distance 6", "distance 9", "parts").find("has 7 outputs"), std::string::npos);
  EXPECT_NE(forged("distance 4 weight", "distance 5 weight", "architecture").find("lacks tensor 2.weight"),
            std::string::npos);
  EXPECT_NE(forged("weight 0.5", "weight -1", "architecture").find("is no weight"), std::string::npos);
  EXPECT_NE(forged("heads(classes 2", "heads(classes 0", "architecture").find("number of channels"),
            std::string::npos);
}

// Each is written with the checksum it should have.
TEST(ModelFile, BelievesNothingThatCannotBe) {
  const auto images = [](const std::string& height, const std::string& width, const std::string& channels,
                         const std::string& fit = "stretch") {
    return edited(small_model(), "preprocessing",
                  R"({"height":)" + height + R"(,"width":)" + width + R"(,"channels":)" + channels +
                      R"(,"fit":")" + fit + "\"}");
  };
  const auto input = [](const std::string& sizes) {
    return edited(small_model(), "architecture",
                  R"({"input":)" + sizes + R"(,"layers":["flatten","dense 3","sigmoid","dense 1"]})");
  };
  const auto weight = [](float value) {
    Safetensors content = read_safetensors(model_bytes(small_model()), "m");
    content.metadata.erase("checksum");
    content.arrays[0].values[1] = value;
    return write_safetensors(content);
  };
  EXPECT_NO_THROW(model_from_bytes(images("2", "2", "1"), "m"));
  EXPECT_NO_THROW(model_from_bytes(input("[1,2,2]"), "m"));
  EXPECT_NO_THROW(model_from_bytes(weight(3), "m"));
  const std::pair<std::string, std::string> cases[] = {
      {images("-1", "2", "1"), "impossible height -1"},
      {images("0", "2", "1"), "impossible height 0"},
      {images("2.5", "2", "1"), "impossible height 2.5"},
      {images("4294967298", "2", "1"), "impossible height"},  // 2 in 32 bits
      {images("1e300", "2", "1"), "impossible height"},
      {images("100000", "100000", "1"), "impossible height 100000"},
      {images("2", "\"2\"", "1"), "cannot be read"},
      {images("2", "2", "-1"), "impossible channels -1"},
      {images("2", "2", "2"), "2 channels, not 1 or 3"},
      {images("2", "2", "3"), "another shape than its network's"},
      {images("4", "1", "1"), "another shape than its network's"},
      {images("2", "2", "1", "tile"), "unknown way, \"tile\""},
      {input("[1,2,-2]"), "impossible input -2"},
      {input("[1,2,4294967298]"), "impossible input"},
      {input("[1,2]"), "cannot be read"},
      {weight(NAN), "no number"},
      {weight(INFINITY), "no number"},
      {edited(small_model(), "classes", "[\"fist\"]"), "fewer than two classes"},
      {edited(small_model(), "classes", "[]"), "fewer than two classes"},
      {edited(small_model(), "classes", R"(["fist","fist"])"), "two classes of one name"}};
  for (const auto& [bytes, mention] : cases) {
    const std::string message = message_of([&] { model_from_bytes(bytes, "m"); });
    EXPECT_NE(message.find(mention), std::string::npos) << mention << ": " << message;
  }
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
                  {1, 5, 8, 3}, 3),
              {"a", "b", "c"},
              {5, 8, 3, Fit::stretch}};
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
  Tensor x({4, 5, 8, 3});
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
  const std::string bytes = model_bytes(full_model());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(model_from_bytes(std::string_view(bytes).substr(0, size), "m"), Error) << size;
  }
  EXPECT_THROW(model_from_bytes(bytes + '\0', "m"), Error);
}

TEST(ModelFile, EveryFlippedBitIsRefused) {
  const std::string bytes = model_bytes(full_model());
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
