// A picture with what a model answered drawn into it.
#pragma once

#include <string>

#include "mudra/data/image.h"
#include "mudra/inference/answer.h"
#include "mudra/network/model.h"

namespace mudra {

// "4   93.5%"; "none of these   nearest to 4: 31.2%" for an answer that names no sign.
std::string answer_text(const Answer& answer, const Model& model);

// In colour: the box the model looked at, the joints of the hand and their bones where the answer has them,
// and below them what it answers. A small picture is enlarged so that the text can be read.
Image draw_answer(const Image& picture, const Answer& answer, const Model& model);

}  // namespace mudra
