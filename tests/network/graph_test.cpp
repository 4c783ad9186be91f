// A residual block becomes a node with two inputs; what its marks did is checked by hand.
#include "mudra/network/graph.h"

#include <gtest/gtest.h>

#include "mudra/network/network.h"

namespace mudra {
namespace {

using Values = std::vector<int>;

TEST(Graph, ABlockIsANodeWithTwoInputs) {
  //  layer 0 conv   1 fork   2 relu   3 shortcut   4 fork   5 tanh   6 add   7 add   8 flatten   9 dense
  const Network network = Network::parse("conv 3 3x3, residual(relu | residual(tanh))", {1, 5, 7, 2}, 4);
  const Graph graph = lower(network, 6);
  const std::vector<size_t> layers = {0, 2, 5, 6, 7, 8, 9};
  const std::vector<Values> inputs = {{-1}, {0}, {0}, {2, 0}, {3, 1}, {4}, {5}};
  const std::vector<Values> forks = {{}, {0}, {0}, {}, {}, {}, {}};
  ASSERT_EQ(graph.nodes.size(), layers.size());
  for (size_t i = 0; i < layers.size(); ++i) {
    EXPECT_EQ(graph.nodes[i].layer, layers[i]) << i;
    EXPECT_EQ(graph.nodes[i].inputs, inputs[i]) << i;
    EXPECT_EQ(graph.nodes[i].forks, forks[i]) << i;
  }
  EXPECT_EQ(graph.reached, (Values{0, 0, 1, 0, 0, 2, 3, 4, 5, 6}));
  EXPECT_EQ(graph.shape(Graph::images), (Shape{6, 5, 7, 2}));
  EXPECT_EQ(graph.shape(3), (Shape{6, 5, 7, 3}));
  EXPECT_EQ(graph.shape(6), (Shape{6, 4}));
}

TEST(Graph, ImagesCanBeBothWaysOfABlock) {
  const Graph graph = lower(Network::parse("residual(relu)", {1, 5, 7, 2}, 4));
  EXPECT_EQ(graph.nodes[0].inputs, Values{Graph::images});
  EXPECT_EQ(graph.nodes[0].forks, Values{Graph::images});
  EXPECT_EQ(graph.nodes[1].inputs, (Values{0, Graph::images}));
}

}  // namespace
}  // namespace mudra
