#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "mudra/cli/commands.h"
#include "mudra/cli/output.h"
#include "mudra/core/error.h"
#include "mudra/core/option.h"
#include "mudra/core/stopwatch.h"
#include "mudra/core/text.h"
#include "mudra/data/write_dataset.h"
#include "mudra/synth/render_hands.h"

namespace mudra {
namespace {

struct SynthArguments {
  SynthOptions synth;
  int threads = 0;
  std::string out;
  bool json = false;
};

}  // namespace

void synth_command(CLI::App& app) {
  auto a = std::make_shared<SynthArguments>();
  SynthOptions& o = a->synth;
  app.option_defaults()->always_capture_default();
  app.add_option("--count", o.count, "Images to render");
  app.add_option("--size", o.size, "Pixels a side, 16 to 512");
  app.add_option_function<std::string>(
         "--seed",
         [&o](const std::string& text) {
           set_from_text({.name = "seed", .help = {}, .limits = seed_limits}, o.seed, text);
         },
         "The same seed gives the same images, for any number of threads")
      ->default_str(text_of(o.seed));
  app.add_option("--none", o.none_fraction, "Share of images that show no digit, labelled none");
  app.add_option("--domain", o.domain,
                 "massey (cut out on black), ankara (bright wall), webcam (anything), mixed (these three), "
                 "room (pictures of people in rooms) or room-cut (hands cut out of such pictures)");
  app.add_flag("--colour", o.colour, "Red, green and blue instead of grey");
  app.add_option("--threads", a->threads, "Threads; 0 for one a processor");
  app.add_option("--out", a->out, "FILE.npz, FILE.npy, FILE.csv, or a folder of PNG files");
  app.add_flag("--json", a->json, "Print the result as one JSON document");
  app.callback([a] {
    const SynthOptions& options = a->synth;
    if (a->out.empty())
      throw usage_error("nowhere to write", "--out", "Name a file such as hands.npz, or a folder");
    if (a->threads < 0 || a->threads > most_threads)
      throw usage_error(fmt::format("give 0 to {}", most_threads), "--threads",
                        "0 means one for each processor");
    ThreadTeam team(a->threads > 0 ? a->threads : available_processors());
    const Stopwatch clock;
    const Dataset data = render_hands(options, team, show_progress("rendering"));
    const double seconds = clock.seconds();
    const std::vector<std::string> notes =
        write_dataset(data, a->out, {.progress = show_progress("writing " + a->out)});
    if (a->json) {
      return print_json({{"out", a->out},
                         {"count", data.size()},
                         {"size", options.size},
                         {"classes", data.classes},
                         {"groups", data.group_names.size()},
                         {"seconds", {{"render", seconds}, {"total", clock.seconds()}}}});
    }
    fmt::print("rendered  {} hands of {} {}, {}x{}, in {:.2f} s\n", thousands(data.size()),
               thousands(static_cast<int64_t>(data.group_names.size())),
               data.group_names.size() == 1 ? "person" : "people", options.size, options.size, seconds);
    say("written   {}\n", a->out);
    for (const std::string& note : notes) say(stderr, "note      {}\n", note);
  });
}

}  // namespace mudra
