#include "mudra/export/onnx.h"

#include <onnx/checker.h>
#include <onnx/defs/schema.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>

#include <initializer_list>
#include <map>
#include <numbers>
#include <utility>
#include <vector>

#include "mudra/core/error.h"
#include "mudra/network/graph.h"

namespace mudra {
namespace {

// A node, which can be had as the name of its one output.
class Node {
 public:
  explicit Node(onnx::NodeProto* node) : node_(node) {}

  operator std::string() const { return node_->output(0); }
  Node& set(const char* name, int64_t value) {
    add(name, onnx::AttributeProto::INT)->set_i(value);
    return *this;
  }
  Node& set(const char* name, double value) {
    add(name, onnx::AttributeProto::FLOAT)->set_f(static_cast<float>(value));
    return *this;
  }
  Node& set(const char* name, std::initializer_list<int64_t> values) {
    onnx::AttributeProto* a = add(name, onnx::AttributeProto::INTS);
    for (const int64_t value : values) a->add_ints(value);
    return *this;
  }

 private:
  onnx::AttributeProto* add(const char* name, onnx::AttributeProto::AttributeType type) {
    onnx::AttributeProto* a = node_->add_attribute();
    a->set_name(name);
    a->set_type(type);
    return a;
  }

  onnx::NodeProto* node_;
};

// Values of ONNX's graph are known by their names. ONNX has channels first: what is [N, H, W, C] in the rest
// of Mudra is [N, C, H, W] here, so that channels or features are axis 1 of every value.
class Writer {
 public:
  // Both must outlive the writer.
  Writer(onnx::GraphProto* graph, const Network& network) : graph_(graph), network_(network) {
    for (const Network::ConstNamed& named : network.parameters()) {
      parameters_.emplace(named.name, named.parameter);
    }
  }

  // From uint8 [N, H, W, C] to logits.
  std::string add_network(const std::string& images) {
    node("Cast", {images}, "bytes").set("to", int64_t{onnx::TensorProto::FLOAT});
    const std::string unit = node("Mul", {"bytes", constant("per_byte", 1 / 255.0)}, "pixels");
    node("Transpose", {unit}, "channels_first").set("perm", {0, 3, 1, 2});
    const Graph graph = lower(network_);
    std::vector<std::string> names;  // of the graph's values
    const auto name_of = [&](int value) {
      return value == Graph::images ? "channels_first" : names[static_cast<size_t>(value)];
    };
    for (const Graph::Node& node : graph.nodes) {
      layer_ = node.layer;
      std::vector<std::string> inputs;
      for (const int value : node.inputs) inputs.push_back(name_of(value));
      names.push_back(add(network_.layers[layer_], inputs, graph.shape(node.inputs[0])));
    }
    if (network_.heads.empty()) return node("Identity", {names.back()}, "logits");
    const std::string outputs = node("Flatten", {names.back()}, "outputs").set("axis", int64_t{1});
    return node("MatMul", {outputs, logits_of_outputs()}, "logits");
  }

  // From logits to one probability per class, as probabilities() of mudra/network/loss.h has them.
  void add_probabilities(const std::string& raw, int64_t classes, double temperature) {
    std::string logits = raw;
    if (temperature != 1) logits = node("Div", {raw, constant("temperature", temperature)}, "cooled");
    if (classes == 2) {
      node("Concat", {node("Neg", {logits}, "first"), logits}, "both").set("axis", int64_t{1});
      node("Sigmoid", {"both"}, "probabilities");
    } else {
      node("Softmax", {logits}, "probabilities").set("axis", int64_t{1});
    }
  }

 private:
  // Templates stand before their use: clang 14 looks no further.
  template <PoolKind Kind>
  std::string add(const Pool2d<Kind>& layer, const std::string& x, const Shape&) {
    const Window& w = layer.window;
    return node(layer.is_max ? "MaxPool" : "AveragePool", {x}, named(layer.kind))
        .set("kernel_shape", {w.height, w.width})
        .set("strides", {w.stride, w.stride});
  }

  template <ActivationKind Function>
  std::string add(const Activation<Function>&, const std::string& x, const Shape&) {
    return activation(Function, x);
  }

  // The layer's nodes, or the sum of the two ways of a block.
  std::string add(const AnyLayer& any, const std::vector<std::string>& inputs, const Shape& shape) {
    return std::visit(
        [&]<class L>(const L& layer) -> std::string {
          if constexpr (IsMark<L>) {
            return node("Add", {inputs.at(0), inputs.at(1)}, named("add"));
          } else {
            return add(layer, inputs[0], shape);
          }
        },
        any);
  }

  // One overload for each layer: makes its nodes and names their result. `shape` is that of x, [N, H, W, C].
  std::string add(const Dense&, const std::string& x, const Shape&) {
    return node("Gemm", {x, weights("weight"), weights("bias")}, named("dense")).set("transB", int64_t{1});
  }

  std::string add(const Conv2d& layer, const std::string& x, const Shape&) {
    const Conv2d::Geometry& g = layer.geometry;
    const int64_t inputs_of_filter = file_shape(parameters_.at(named("weight")))[1];
    return node("Conv", {x, weights("weight"), weights("bias")}, named("conv"))
        .set("kernel_shape", {g.kernel_height, g.kernel_width})
        .set("strides", {g.stride, g.stride})
        .set("group", g.in / inputs_of_filter)
        .set("pads", {g.pad_height, g.pad_width, g.pad_height, g.pad_width});
  }

  std::string add(const GlobalPool&, const std::string& x, const Shape&) {
    const std::string mean = node("GlobalAveragePool", {x}, named("mean"));
    return node("Flatten", {mean}, named("global-pool")).set("axis", int64_t{1});
  }

  std::string add(const BatchNorm&, const std::string& x, const Shape&) {
    return node("BatchNormalization",
                {x, weights("weight"), weights("bias"), weights("running_mean"), weights("running_var")},
                named("batch-norm"))
        .set("epsilon", BatchNorm::epsilon);
  }

  // Operator set 17 has it in one node; here it is spelled out.
  std::string add(const LayerNorm& layer, const std::string& x, const Shape& shape) {
    const auto mean = [&](const std::string& of, const std::string& name) {
      return node("ReduceMean", {of}, name).set("axes", {1}).set("keepdims", int64_t{1});
    };
    const std::vector<int64_t> column =  // stretches over the axes behind axis 1
        shape.rank() == 4 ? std::vector<int64_t>{layer.channels, 1, 1} : std::vector<int64_t>{layer.channels};
    const std::string distance = node("Sub", {x, mean(x, named("mean"))}, named("distance"));
    const std::string variance = mean(node("Mul", {distance, distance}, named("square")), named("variance"));
    const std::string guarded =
        node("Add", {variance, constant(named("epsilon"), LayerNorm::epsilon)}, named("guarded"));
    const std::string unit =
        node("Div", {distance, node("Sqrt", {guarded}, named("deviation"))}, named("normalized"));
    const std::string scaled = node("Mul", {unit, weights("weight", column)}, named("scaled"));
    return node("Add", {scaled, weights("bias", column)}, named("layer-norm"));
  }

  std::string add(const Dropout&, const std::string& x, const Shape&) { return x; }

  std::string add(const Flatten&, const std::string& x, const Shape& shape) {
    if (shape.rank() == 2) return x;
    return node("Flatten", {x}, named("flatten")).set("axis", int64_t{1});
  }

  std::string activation(ActivationKind function, const std::string& x) {
    std::string y = named(activation_name(function));
    switch (function) {
      case ActivationKind::none:
        return x;
      case ActivationKind::sigmoid:
        return node("Sigmoid", {x}, y);
      case ActivationKind::tanh:
        return node("Tanh", {x}, y);
      case ActivationKind::relu:
        return node("Relu", {x}, y);
      case ActivationKind::leaky_relu:
        return node("LeakyRelu", {x}, y).set("alpha", 0.01);
      case ActivationKind::gelu: {  // x (1 + erf(x / sqrt 2)) / 2, in the order runtimes know how to fuse
        const std::string ratio =
            node("Div", {x, constant(named("sqrt2"), std::numbers::sqrt2)}, named("ratio"));
        const std::string twice =
            node("Add", {node("Erf", {ratio}, named("erf")), constant(named("one"), 1)}, named("twice"));
        return node("Mul", {node("Mul", {x, twice}, named("double")), constant(named("half"), 0.5)}, y);
      }
      case ActivationKind::silu:
        return node("Mul", {x, node("Sigmoid", {x}, named("gate"))}, y);
      case ActivationKind::hard_swish:  // x clamp(x / 6 + 1 / 2, 0, 1)
        node("HardSigmoid", {x}, named("gate")).set("alpha", 1.0 / 6).set("beta", 0.5);
        return node("Mul", {x, named("gate")}, y);
    }
    return x;
  }

  // A node whose one output has its own name, "3.conv".
  Node node(const char* type, std::initializer_list<std::string> inputs, const std::string& name) {
    onnx::NodeProto* made = graph_->add_node();
    made->set_op_type(type);
    made->set_name(name);
    for (const std::string& input : inputs) made->add_input(input);
    made->add_output(name);
    return Node(made);
  }

  std::string named(std::string_view name) const { return std::to_string(layer_) + "." + std::string(name); }

  // The matrix [channels of all heads, logits] that does what class_logits() does.
  std::string logits_of_outputs() {
    const int64_t all = channels_of(network_.heads), classes = network_.heads[0].channels;
    const int64_t logits = outputs_for(classes);
    std::vector<Scalar> values(static_cast<size_t>(all * logits), 0);
    for (int64_t c = 0; c < logits; ++c) values[static_cast<size_t>(c * logits + c)] = 1;
    if (classes == 2) values[0] = -1, values[1] = 1;
    initializer("of_classes", {all, logits}, values);
    return "of_classes";
  }

  // The parameter of the layer at hand as a constant, in the file's shape or another of as many values.
  std::string weights(std::string_view name) {
    return weights(name, sizes(file_shape(parameters_.at(named(name)))));
  }

  std::string weights(std::string_view name, const std::vector<int64_t>& shape) {
    initializer(named(name), shape, to_file_order(parameters_.at(named(name))));
    return named(name);
  }

  std::string constant(const std::string& name, double value) {
    initializer(name, {}, {static_cast<Scalar>(value)});
    return name;
  }

  void initializer(const std::string& name, const std::vector<int64_t>& shape,
                   const std::vector<Scalar>& values) {
    onnx::TensorProto* tensor = graph_->add_initializer();
    tensor->set_name(name);
    tensor->set_data_type(onnx::TensorProto::FLOAT);
    for (const int64_t size : shape) tensor->add_dims(size);
    const std::vector<float> floats(values.begin(), values.end());
    tensor->set_raw_data(floats.data(),
                         floats.size() * sizeof(float));  // little endian, as every processor here
  }

  onnx::GraphProto* graph_;
  const Network& network_;
  std::map<std::string, ConstParameter> parameters_;
  size_t layer_ = 0;  // of the network, whose nodes are being made
};

// A value the model takes or gives; the first of its axes, the images, is free.
void describe(onnx::ValueInfoProto* value, const std::string& name, int type,
              std::initializer_list<int64_t> of_one) {
  value->set_name(name);
  onnx::TypeProto::Tensor* tensor = value->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(type);
  tensor->mutable_shape()->add_dim()->set_dim_param("N");
  for (const int64_t size : of_one) tensor->mutable_shape()->add_dim()->set_dim_value(size);
}

// What ONNX itself finds wrong would be our bug, but must not become a file.
void check(const onnx::ModelProto& model) {
  try {
    onnx::checker::check_model(model);
    onnx::ModelProto copy = model;
    constexpr bool check_types = true;
    constexpr int strict = 1;
    onnx::shape_inference::InferShapes(copy, onnx::OpSchemaRegistry::Instance(), {check_types, strict});
  } catch (const std::exception& error) {
    throw Error(std::string("ONNX's checker refuses the model: ") + error.what(), "export",
                "Please report this with the model's architecture");
  }
}

}  // namespace

std::string onnx_bytes(const Model& model) {
  check_classifier(model.network, std::ssize(model.classes), "export");
  onnx::ModelProto proto;
  proto.set_ir_version(8);
  proto.add_opset_import()->set_version(13);
  proto.set_producer_name("mudra");
  for (const auto& [key, value] : model_metadata(model)) {
    if (key == "parts") continue;  // they are not exported
    onnx::StringStringEntryProto* entry = proto.add_metadata_props();
    entry->set_key(key);
    entry->set_value(value);
  }
  const auto classes = static_cast<int64_t>(model.classes.size());
  const Shape& in = model.network.input;
  onnx::GraphProto* graph = proto.mutable_graph();
  graph->set_name("mudra");
  describe(graph->add_input(), "images", onnx::TensorProto::UINT8, {in[1], in[2], in[3]});
  describe(graph->add_output(), "probabilities", onnx::TensorProto::FLOAT, {classes});
  describe(graph->add_output(), "logits", onnx::TensorProto::FLOAT, {outputs_for(classes)});
  Writer writer(graph, model.network);
  writer.add_probabilities(writer.add_network("images"), classes, model.temperature);
  check(proto);
  std::string bytes;
  if (!proto.SerializeToString(&bytes)) {
    throw Error("is larger than the 2 GB an ONNX file can be", "model", "Use a smaller network");
  }
  return bytes;
}

}  // namespace mudra
