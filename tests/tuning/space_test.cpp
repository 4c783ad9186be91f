// What a search may choose: read from TOML, refused where it cannot be, and turned into options.
#include "mudra/tuning/space.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "../message.h"

namespace mudra {
namespace {

SearchSpace space_of(const std::string& toml) { return SearchSpace::parse(toml, "space.toml"); }

std::string refusal(const std::string& toml) {
  return message_of([&] { space_of(toml); });
}

std::vector<std::string> names_of(const SearchSpace& space) {
  std::vector<std::string> names;
  for (const Dimension& dimension : space.dimensions()) names.push_back(dimension.name);
  return names;
}

constexpr const char* networks = R"(
  [network]
  choices = ["dense {width}, relu", "conv {channels} 3x3, relu, pool 2, conv {channels*2} 3x3, {activation}"]
  [width]
  low = 16
  high = 256
  [channels]
  low = 4
  high = 16
  log = true
  [activation]
  choices = ["relu", "tanh"]
)";

TEST(SearchSpace, PutsWordsIntoTheirPlaces) {
  const SearchSpace space = space_of(networks);
  const Options dense = space.applied({}, {{"network", 0}, {"width", 48}});
  EXPECT_EQ(dense.network, "dense 48, relu");
  const Options convolution = space.applied({}, {{"network", 1}, {"channels", 6}, {"activation", 1}});
  EXPECT_EQ(convolution.network, "conv 6 3x3, relu, pool 2, conv 12 3x3, tanh");
}

TEST(SearchSpace, DrawsAWordOnlyWhereItStands) {
  const SearchSpace space = space_of(networks);
  for (const Dimension& dimension : space.dimensions()) {
    if (dimension.name == "network") continue;
    EXPECT_EQ(space.is_active(dimension, {{"network", 0}}), dimension.name == "width") << dimension.name;
    EXPECT_EQ(space.is_active(dimension, {{"network", 1}}), dimension.name != "width") << dimension.name;
    EXPECT_FALSE(space.is_active(dimension, {})) << dimension.name;
  }
}

TEST(SearchSpace, DrawsAnOptionOnlyWhenItsConditionHolds) {
  const SearchSpace space = space_of(R"(
    [momentum]
    low = 0.8
    high = 0.99
    when.optimizer = ["momentum", "nesterov"]
    [optimizer]
    choices = ["adam", "momentum", "nesterov"]
  )");
  EXPECT_EQ(names_of(space), (std::vector<std::string>{"optimizer", "momentum"}));
  const Dimension& momentum = space.dimensions()[1];
  EXPECT_FALSE(space.is_active(momentum, {{"optimizer", 0}}));
  EXPECT_TRUE(space.is_active(momentum, {{"optimizer", 1}}));
  EXPECT_TRUE(space.is_active(momentum, {{"optimizer", 2}}));
}

TEST(SearchSpace, KnowsWhatItCanHaveDrawn) {
  const SearchSpace space = space_of(networks);
  EXPECT_TRUE(space.could_draw({{"network", 0}, {"width", 16}}));
  EXPECT_FALSE(space.could_draw({{"network", 0}})) << "a word is missing";
  EXPECT_FALSE(space.could_draw({{"network", 0}, {"width", 16}, {"channels", 4}})) << "a word too many";
  EXPECT_FALSE(space.could_draw({{"network", 0}, {"width", 15}})) << "below its limit";
  EXPECT_FALSE(space.could_draw({{"network", 0}, {"width", 16.5}})) << "no whole number";
  EXPECT_FALSE(space.could_draw({{"network", 2}, {"width", 16}})) << "no such choice";
  EXPECT_FALSE(space.could_draw({{"network", -1}, {"width", 16}})) << "no such choice";
  EXPECT_FALSE(space.could_draw({}));
}

TEST(SearchSpace, LeavesOutWhatIsChosenAlready) {
  EXPECT_EQ(names_of(space_of(networks).without({{"network", "dense 8"}})), std::vector<std::string>{});
  const SearchSpace space = space_of(std::string(networks) + "[learning-rate]\nlow = 0.1\nhigh = 1.0\n");
  EXPECT_EQ(names_of(space.without({{"network", "dense 8"}})), std::vector<std::string>{"learning-rate"});
  EXPECT_EQ(names_of(space.without({{"seed", "1"}})), names_of(space));
}

TEST(SearchSpace, LeavesOutWhatAChosenOptionDoesNotBringIn) {
  const SearchSpace space = space_of(
      "[momentum]\nlow = 0.8\nhigh = 0.9\nwhen.optimizer = [\"momentum\"]\n[optimizer]\nchoices = [\"adam\", "
      "\"momentum\"]\n"
      "[ema]\nchoices = [0, 0.9]\n");
  EXPECT_EQ(names_of(space.without({{"optimizer", "adam"}})), std::vector<std::string>{"ema"});
  EXPECT_EQ(names_of(space.without({{"optimizer", "momentum"}})),
            (std::vector<std::string>{"ema", "momentum"}));
}

TEST(SearchSpace, NumbersHaveThreeDigitsOrAreWhole) {
  const SearchSpace space =
      space_of("[learning-rate]\nlow = 0.0001\nhigh = 1\n[batch-size]\nlow = 8\nhigh = 64\n");
  const Dimension &batch = space.dimensions()[0], &rate = space.dimensions()[1];
  EXPECT_TRUE(batch.is_whole);
  EXPECT_FALSE(rate.is_whole);  // one of its limits is not
  EXPECT_EQ(readable(rate, 0.00123456), 0.00123);
  EXPECT_EQ(readable(rate, 3), 1.0);          // within the limits
  EXPECT_EQ(readable(rate, 1.797e308), 1.0);  // 1.80e308 is no number any more
  EXPECT_EQ(readable(batch, 31.5), 32);
  EXPECT_EQ(readable(batch, 7.2), 8);
}

TEST(SearchSpace, NamesWhatIsWrong) {
  const std::pair<const char*, const char*> wrong[] = {
      {"[learning-rte]\nlow = 0.1\nhigh = 1.0", "Did you mean 'learning-rate'?"},
      {"[seed]\nlow = 1\nhigh = 9", "is no option that can be searched"},
      {"[epochs]\nlow = 1\nhigh = 9", "is no option that can be searched"},
      {"[learning-rate]\nlow = 1.0\nhigh = 0.1", "low is not below its high"},
      {"[learning-rate]\nlow = 0.0\nhigh = 0.1\nlog = true", "low must be above 0"},
      {"[learning-rate]\nlow = 0.0\nhigh = 0.1", "--learning-rate"},  // the option takes no 0
      {"[learning-rate]\nlow = 0.1", "neither its choices nor its limits"},
      {"[learning-rate]\nlow = 0.1\nhigh = 1.0\nchoices = [1]", "both choices and limits"},
      {"[learning-rate]\nlow = \"a\"\nhigh = 1.0", "must be a number"},
      {"[learning-rate]\nlow = nan\nhigh = 1.0", "must be a number"},
      {"[optimizer]\nchoices = []", "list of choices is empty"},
      {"[optimizer]\nchoices = [\"adamm\"]", "adamm"},
      {"[optimizer]\nchoice = [\"adam\"]", "Did you mean 'choices'?"},
      {"[network]\nchoices = [\"dense {width}\"]", "a choice has {width}, and nothing says what that is"},
      {"[network]\nchoices = [\"dense {width*0}\"]\n[width]\nlow = 1\nhigh = 2",
       "Write {width} or {width*2}"},
      {"[optimizer]\nchoices = [\"sgd\", \"adam\"]\n[schedule]\nchoices = [\"constant\", \"cosine\", "
       "\"kosine\"]\n"
       "when.optimizer = [\"adam\"]",
       "kosine"},  // possible with the second optimizer only
      {"[momentum]\nlow = 0.1\nhigh = 0.9\nwhen.optimizer = [\"sgd\"]",
       "'optimizer' is never 'sgd' in this space"},
      {"[a]\nchoices = [\"{b}\"]\n[b]\nchoices = [\"{a}\"]\n", "wait for each other"},
      {"learning-rate = 0.1", "must be a table"},
      {"[learning-rate", "space.toml:1"},
      {"", "says nothing that may be chosen"},
  };
  for (const auto& [toml, words] : wrong) {
    const std::string message = refusal(toml);
    EXPECT_NE(message.find(words), std::string::npos) << toml << "\n" << message;
    EXPECT_NE(message.find("space.toml"), std::string::npos) << toml << "\n" << message;
  }
}

TEST(SearchSpace, ThatGrowsWithoutEndIsRefused) {
  std::string words;
  for (int level = 0; level < 60; ++level) {
    const std::string next = "{w" + std::to_string(level + 1) + "}";
    words += "[w" + std::to_string(level) + "]\nchoices = [\"" + next + next + "\"]\n";
  }
  words += "[w60]\nchoices = [\"relu\"]\n[network]\nchoices = [\"{w0}\"]\n";
  EXPECT_NE(refusal(words).find("becomes too long"), std::string::npos);
  std::string many = "[network]\nchoices = [";
  for (int i = 0; i < 300; ++i) many += "\"dense 4\",";
  EXPECT_NE(refusal(many + "]\n").find("more than 256 choices"), std::string::npos);
}

TEST(SearchSpace, ByDefaultHasCornersThatTrain) {
  const SearchSpace space = SearchSpace::named("default");
  Dataset data;
  data.classes = {"0", "1", "2"};
  data.pixels = Pixels(Shape{3, 28, 28, 1}, std::vector<uint8_t>(size_t{3} * 28 * 28));
  EXPECT_NO_THROW(space.check_networks({}, data));
  const SearchSpace too_much = space_of(
      "[network]\nchoices = [\"dense 8, relu, dropout {much}\"]\n"
      "[much]\nlow = 0.0\nhigh = 1.5\n");  // the largest is no share
  EXPECT_NE(message_of([&] { too_much.check_networks({}, data); }).find("Leave it out"), std::string::npos);
  data.pixels = Pixels(Shape{3, 4, 4, 1}, std::vector<uint8_t>(size_t{3} * 4 * 4));
  EXPECT_NE(message_of([&] { space.check_networks({}, data); }).find("Leave it out of the choices"),
            std::string::npos);
}

}  // namespace
}  // namespace mudra
