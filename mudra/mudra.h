// Everything a program of its own uses. What a name is defined in says the library that holds it: onnx.h is
// in mudra::onnx, all else in mudra::mudra.
//
// What holds where a header says nothing else: what goes wrong with a file, an option or a value is thrown as
// mudra::Error, and no file that was there before is lost; too little memory is thrown as std::bad_alloc.
// Functions may be called from several threads at once, and so may const members of one object; whoever
// changes an object must be alone with it.
#pragma once

#include "mudra/box/box.h"
#include "mudra/core/error.h"
#include "mudra/core/progress.h"
#include "mudra/core/thread_team.h"
#include "mudra/data/contact_sheet.h"
#include "mudra/data/image_file.h"
#include "mudra/data/inspect.h"
#include "mudra/data/leaks.h"
#include "mudra/data/read_dataset.h"
#include "mudra/data/split.h"
#include "mudra/data/write_dataset.h"
#include "mudra/evaluation/comparison.h"
#include "mudra/evaluation/evaluation.h"
#include "mudra/experiment/experiment.h"
#include "mudra/experiment/load_data.h"
#include "mudra/experiment/predictions.h"
#include "mudra/export/onnx.h"
#include "mudra/features/augment.h"
#include "mudra/inference/features.h"
#include "mudra/inference/predictor.h"
#include "mudra/network/model.h"
#include "mudra/synth/render_hands.h"
#include "mudra/training/trainer.h"
#include "mudra/tuning/tune.h"
