// The list of commands. Each is one file of its own name.
#pragma once

#include "mudra/cli/arguments.h"

namespace mudra {

Action bench_command(Arguments&);
Action data_command(Arguments&);
Action synth_command(Arguments&);
Action train_command(Arguments&);
Action evaluate_command(Arguments&);
Action predict_command(Arguments&);
Action export_command(Arguments&);

inline std::vector<Command> commands() {
  return {
      {"train", "Learn from labelled images, and say how well", train_command},
      {"evaluate", "Test a model on labelled images", evaluate_command},
      {"predict", "Say what pictures show", predict_command},
      {"export", "Write a model for other programs", export_command},
      {"data", "Inspect, convert and split labelled images", data_command},
      {"synth", "Render labelled hands from nothing", synth_command},
      {"bench", "Time training and answers on this machine", bench_command},
  };
}

}  // namespace mudra
