// The list of commands. Each is one file of its own name, with a function that declares its arguments and
// what it does with them.
#pragma once

namespace CLI {
class App;
}

namespace mudra {

void bench_command(CLI::App&);
void data_command(CLI::App&);
void synth_command(CLI::App&);
void train_command(CLI::App&);
void evaluate_command(CLI::App&);
void predict_command(CLI::App&);
void tune_command(CLI::App&);
void runs_command(CLI::App&);
void compare_command(CLI::App&);
void export_command(CLI::App&);
void models_command(CLI::App&);
void serve_command(CLI::App&);

void check_command(CLI::App&);  // of `data`

struct Command {
  const char *name, *summary;
  void (*declare)(CLI::App&);
};

inline constexpr Command commands[] = {
    {"train", "Learn from labelled images, and say how well", train_command},
    {"evaluate", "Test a model on labelled images", evaluate_command},
    {"predict", "Say what pictures show", predict_command},
    {"tune", "Search for better options, by images the test does not hold", tune_command},
    {"runs", "List what was trained, and how well", runs_command},
    {"compare", "Say whether one run is better than another", compare_command},
    {"export", "Write a model for other programs", export_command},
    {"models", "List the models in the box, and what is known of a model", models_command},
    {"serve", "Teach signs by webcam, and say what pictures show, over HTTP", serve_command},
    {"data", "Inspect, convert and split labelled images", data_command},
    {"synth", "Render labelled hands from nothing", synth_command},
    {"bench", "Time training and answers on this machine", bench_command},
};

}  // namespace mudra
