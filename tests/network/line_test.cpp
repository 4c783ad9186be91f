#include "mudra/network/line.h"

#include <gtest/gtest.h>

#include "mudra/network/network.h"

namespace mudra {
namespace {

const Shape image = {1, 28, 20, 3};

std::string spelled_out(const std::string& line) { return Network::parse(line, image, 5).text(); }

TEST(Line, UnfoldsRepeatsBlocksAndNames) {
  EXPECT_EQ(spelled_out("2 x (conv 4 3x3, relu), dense 8"),
            "conv 4 3x3, relu, conv 4 3x3, relu, flatten, dense 8, dense 5");
  EXPECT_EQ(spelled_out("  3x( residual( conv 3 3x3 ,relu ) ,2 x (relu)),flatten"),
            "residual(conv 3 3x3, relu), relu, relu, residual(conv 3 3x3, relu), relu, relu, "
            "residual(conv 3 3x3, relu), relu, relu, flatten, dense 5");
  EXPECT_EQ(spelled_out("residual(conv 8 3x3 stride 2 | conv 8 1x1 stride 2), global-pool"),
            "residual(conv 8 3x3 stride 2 | conv 8 1x1 stride 2), global-pool, dense 5");
  EXPECT_EQ(spelled_out("cnn-tiny, dense 16"),
            "conv 8 3x3 stride 2, relu, conv 16 3x3 stride 2, relu, conv 32 3x3 stride 2, relu, global-pool, "
            "dense 16, dense 5");
}

TEST(Line, EveryNamedNetworkReadsItsOwnTextAndMarks) {
  for (const NamedNetwork& named : named_networks()) {
    const Network network = Network::parse(named.name, image, 5);
    EXPECT_EQ(Network::parse(network.text(), image, 5).text(), network.text());
    std::string flat;  // as a model file keeps it
    for (const std::string& item : network.items()) flat += (flat.empty() ? "" : ", ") + item;
    EXPECT_EQ(Network::parse(flat, image, 5).text(), network.text());
  }
}

// Heads get a layer of the sum of their channels: at every place of an image, or behind a vector.
TEST(Line, HeadsAreTheLastLayerAndReadTheirOwnText) {
  const Network places = Network::parse(
      "conv 4 3x3, pool 2,  heads( presence 1,distance 6  weight 0.50 , classes 11 )", image, 5);
  EXPECT_EQ(places.text(), "conv 4 3x3, pool 2, heads(presence 1, distance 6 weight 0.5, classes 11)");
  const std::vector<Head> heads = {
      {HeadKind::presence, 1, 1}, {HeadKind::distance, 6, 0.5}, {HeadKind::classes, 11, 1}};
  EXPECT_EQ(places.heads, heads);
  EXPECT_EQ(places.shapes(7).back(), (Shape{7, 14, 10, 18}));
  EXPECT_EQ(places.items().size(), places.layers.size());
  const Network vector = Network::parse("lenet, heads(classes 11, distance 42 weight 1e-05)", image, 5);
  EXPECT_EQ(vector.shapes(7).back(), (Shape{7, 53}));
  for (const Network& network : {places, vector}) {
    const Network again = Network::parse(network.text(), image, 5);
    EXPECT_EQ(again.text(), network.text());
    EXPECT_EQ(again.heads, network.heads);
  }
}

// The words a message points at, and what it says.
void expect_pointed(const std::string& line, const std::string& pointed, const std::string& mention) {
  SCOPED_TRACE(line);
  try {
    Network::parse(line, image, 5);
    FAIL() << "was taken";
  } catch (const LineError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error.what()).find(mention), std::string::npos) << error.what();
    const std::string& picture = error.picture();
    const size_t middle = picture.find('\n');
    ASSERT_NE(middle, std::string::npos);
    const std::string above = picture.substr(0, middle) + " ", below = picture.substr(middle + 1);
    const size_t first = below.find('^');
    EXPECT_EQ(above.substr(first, below.size() - first), pointed) << "\n" << picture << "\n" << error.what();
  }
}

TEST(Line, AnErrorPointsAtTheWord) {
  expect_pointed("dense 12, sigmod", "sigmod", "Did you mean 'sigmoid'?");
  expect_pointed("dense 12, sigmod", "sigmod", "layer 3 'sigmod', column 11");
  expect_pointed("dense 12, resnet-mimi", "resnet-mimi", "Did you mean 'resnet-mini'?");
  expect_pointed("conv 4 3y3, relu", "3y3", "size of the kernel");
  expect_pointed("relu, dense", " ", "number of units is missing");
  expect_pointed("dense 8,, relu", ",", "an item is empty");
  expect_pointed("dense 8,", " ", "an item is empty");
  EXPECT_THROW(Network::parse("", image, 5), LineError);
  expect_pointed("dense 8 tanh", "tanh", "not expected");
  expect_pointed("2 x (dense 8, relu", "(", "never closed");
  expect_pointed("dense 8), relu", ")", "closes");
  expect_pointed("dense 8 | relu", "|", "closes or divides");
  expect_pointed("4 times (relu)", "4 times", "cannot stand before a bracket");
  expect_pointed("0 x (relu)", "0 x", "cannot stand before a bracket");
  expect_pointed("2 x (relu) relu", "r", "comma");
  expect_pointed("2 x (relu | relu)", "|", "not expected");
  expect_pointed("residual()", ")", "an item is empty");
  expect_pointed("relu, add", "add", "residual(...)");
  expect_pointed("fork, relu", "relu", "never closed");
  expect_pointed("251 x (relu)", "251 x", "cannot stand");
  expect_pointed("250 x (250 x (relu))", "relu", "more than 250 layers");
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "2 x (";
  EXPECT_THROW(parse_line(deep), LineError);
  expect_pointed(std::string(300, ' ') + "dense 12, sigmod, " + std::string(300, ' ') + "relu", "sigmod",
                 "column 311");
}

TEST(Line, AnErrorInHeadsPointsAtTheWord) {
  expect_pointed("dense 9, heads(distance 2, presense 1)", "presense", "Did you mean 'presence'?");
  expect_pointed("dense 9, heads(distance 2, presense 1)", "presense", "layer 3");
  expect_pointed("dense 9, heads(distance)", ")", "number of channels is missing");
  expect_pointed("heads(distance 0)", "0", "number of channels");
  expect_pointed("heads(distance 1025)", "1025", "at most 1024");
  expect_pointed("heads(classes 1)", "1", "nothing to tell apart");
  expect_pointed("heads(distance 2 weight 0)", "0", "above 0");
  expect_pointed("heads(distance 2 weight nan)", "nan", "above 0");
  expect_pointed("heads(distance 2 heavy 1)", "heavy", "not expected");
  expect_pointed("heads(distance 2,, presence 1)", ",", "is missing");
  expect_pointed("heads()", ")", "is missing");
  expect_pointed("heads(distance 2, )", ")", "is missing");
  expect_pointed("heads(distance 2", "(", "never closed");
  expect_pointed("heads(distance 2), relu", ",", "end of the line");
  expect_pointed("2 x (relu, heads(distance 2))", "heads", "end of the line");
  expect_pointed("residual(heads(distance 2))", "heads", "end of the line");
  expect_pointed("fork, heads(distance 2)", "heads(distance 2)", "never closed");
  std::string eight = "distance 1";
  for (int i = 0; i < 7; ++i) eight += ",distance 1";
  EXPECT_EQ(Network::parse("heads(" + eight + ")", image, 5).heads.size(), 8U);
  expect_pointed("heads(" + eight + ", presence 2)", "presence 2", "more than 8 heads");
}

TEST(Line, AShapeThatCannotFitNamesTheLayerAndWhatWould) {
  expect_pointed("6 x (conv 4 3x3, pool 2)", "pool 2", "layer 10 'pool 2'");
  expect_pointed("6 x (conv 4 3x3, pool 2)", "pool 2", "at most 1x1");
  expect_pointed("pool 4, conv 4 9x9 pad 0", "conv 4 9x9 pad 0", "at most 7x5");
  expect_pointed("conv 6 3x3, conv 8 3x3 groups 4", "4", "Any divisor of 2 does");
  expect_pointed("dense 8, conv 4 3x3", "conv", "put it before `flatten`");
  expect_pointed("residual(conv 8 3x3 stride 2, relu)", "residual", "| conv 8 1x1 stride 2)");
  expect_pointed("residual(conv 3 3x3 stride 2, relu)", "residual",
                 "3 channels of 14x10 and 3 channels of 28x20");
  expect_pointed("flatten, residual(dense 9)", "residual", "| dense 9)");
  expect_pointed("relu, lenet, pool 4", "pool", "no image");
  EXPECT_THROW(Network::parse("lenet", {1, 8, 8, 1}, 5), LineError);
}

TEST(Line, ShapesFollowBothWaysOfABlock) {
  const Network network =
      Network::parse("residual(conv 8 3x3 stride 2 | conv 8 1x1 stride 2), global-pool", image, 5);
  const std::vector<Shape> expected = {{7, 28, 20, 3}, {7, 28, 20, 3}, {7, 14, 10, 8}, {7, 28, 20, 3},
                                       {7, 14, 10, 8}, {7, 14, 10, 8}, {7, 8},         {7, 5}};
  EXPECT_EQ(network.shapes(7), expected);
}

}  // namespace
}  // namespace mudra
