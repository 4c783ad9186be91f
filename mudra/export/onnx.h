// A model as an ONNX file, for ONNX Runtime and every other program that reads the format.
#pragma once

#include <filesystem>
#include <string>

#include "mudra/network/model.h"

namespace mudra {

// An ONNX model (IR version 8, operator set 13, float) with the model's preprocessing inside:
//
//   images         uint8 [N, H, W, C], 0..255, already of the model's size; N is free
//   probabilities  float [N, classes], one entry per class, two classes included
//   logits         float [N, classes], or [N, 1] for two classes
//
// Probabilities are of logits divided by the model's temperature. A rejection threshold is not applied but
// said in the metadata, and parts beside the network are left out. Layers and weights have the names of the
// model file ("0.weight"); the metadata are the model file's without `checksum` and `parts`. The same model
// is the same bytes. It has passed ONNX's own checker and shape inference. Several threads may export one
// model at once. Throws Error when the checker refuses the model, or it is larger than the 2 GB of a file.
std::string onnx_bytes(const Model& model);

}  // namespace mudra
