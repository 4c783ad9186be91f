// mudra data inspect|convert|split|leaks: look at a data set, bring it to another form, write down a split,
// and find copies across it. `check` has a file of its own.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "mudra/cli/commands.h"
#include "mudra/cli/output.h"
#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/core/text.h"
#include "mudra/core/thread_team.h"
#include "mudra/data/contact_sheet.h"
#include "mudra/data/image_file.h"
#include "mudra/data/inspect.h"
#include "mudra/data/leaks.h"
#include "mudra/data/split.h"
#include "mudra/data/write_dataset.h"
#include "mudra/experiment/load_data.h"
#include "mudra/features/augment.h"

namespace mudra {
namespace {

using nlohmann::json;

// DATA and the options that say how it is read, under the names they have everywhere.
struct DataArguments {
  std::map<std::string, std::string> given;
  std::string out;
  bool json = false;
  bool compress = false;

  Options options() const { return make_options({}, given); }
  Dataset load() const {
    ThreadTeam team(1);
    const Options all = options();
    return load_data(all.data, all.seed, team, show_progress("reading")).data;
  }
};

std::shared_ptr<DataArguments> declare_data(CLI::App& app, std::vector<std::string_view> names) {
  auto a = std::make_shared<DataArguments>();
  app.add_option("DATA", a->given["data"],
                 "Labelled images: .npz, .npy, .csv, IDX, a folder or synth:N[:DOMAIN]")
      ->required();
  for (const char* reading :
       {"classes", "groups", "labels", "corrections", "strict", "size", "range", "channels", "fit"})
    names.emplace_back(reading);
  add_options(app, a->given, names);
  return a;
}

// ---- inspect ----

json inspection_json(const Dataset& data, const Inspection& found) {
  json classes = json::array(), groups = json::array();
  for (size_t c = 0; c < data.classes.size(); ++c) {
    classes.push_back({{"name", data.classes[c]}, {"images", found.class_counts[c]}});
  }
  for (size_t g = 0; g < found.group_counts.size(); ++g) {
    groups.push_back({{"name", data.group_names[g]}, {"images", found.group_counts[g]}});
  }
  return {{"source", data.source},
          {"images", found.images},
          {"height", found.height},
          {"width", found.width},
          {"channels", found.channels},
          {"values",
           {{"low", found.low}, {"high", found.high}, {"mean", found.mean}, {"deviation", found.deviation}}},
          {"classes", classes},
          {"groups", groups},
          {"constant", found.constant.rows},
          {"duplicates", found.duplicates},
          {"conflicting", found.conflicting.rows},
          {"inverted", found.inverted.rows},
          {"counts",
           {{"constant", found.constant.count},
            {"copies", found.copies},
            {"conflicting", found.conflicting.count},
            {"inverted", found.inverted.count}}},
          {"notes", data.notes},
          {"skipped", data.skipped},
          {"warnings", found.warnings}};
}

// A row for each class; with few groups, a column for each.
void print_counts(const Dataset& data, const Inspection& found) {
  constexpr size_t most_columns = 10;
  const std::vector<std::string> classes = shown_names(data.classes), names = shown_names(data.group_names);
  const size_t groups = found.group_counts.size() <= most_columns ? found.group_counts.size() : 0;
  size_t width = 5;
  for (const std::string& name : classes) width = std::max(width, name.size());
  fmt::print("{:<{}}  {:>8}", "class", width, "images");
  for (size_t g = 0; g < groups; ++g) fmt::print("  {:>{}}", names[g], std::max<size_t>(6, names[g].size()));
  fmt::print("\n");
  for (size_t c = 0; c < classes.size(); ++c) {
    fmt::print("{:<{}}  {:>8}", classes[c], width, thousands(found.class_counts[c]));
    for (size_t g = 0; g < groups; ++g) {
      fmt::print("  {:>{}}", thousands(found.group_counts[g][c]), std::max<size_t>(6, names[g].size()));
    }
    fmt::print("\n");
  }
  if (found.group_counts.size() > most_columns) {
    std::vector<int64_t> sizes;
    for (const auto& counts : found.group_counts)
      sizes.push_back(std::accumulate(counts.begin(), counts.end(), int64_t{0}));
    const auto [least, most] = std::minmax_element(sizes.begin(), sizes.end());
    fmt::print("\n{} groups of {} to {} images\n", thousands(static_cast<int64_t>(sizes.size())),
               thousands(*least), thousands(*most));
  }
}

void inspect_command(CLI::App& app) {
  const auto a = declare_data(app, {"augment", "seed"});
  app.add_option(
      "--out", a->out,
      "A PNG to write: some images of every class, or with --augment what it makes of some images");
  app.add_flag("--json", a->json, "Print the result as one JSON document");
  app.callback([a] {
    const Options options = a->options();
    const Augmentation& augmentation = options.training.augment;
    if (augmentation.any() && a->out.empty()) {
      throw usage_error("there is nothing to show it in", "--augment", "Give --out sheet.png");
    }
    const Dataset data = a->load();
    const Inspection found = inspect(data, show_progress("inspecting"));
    if (!a->out.empty()) {
      write_file_atomically(a->out,
                            encode_png(augmentation.any() ? augment_sheet(data, augmentation, options.seed)
                                                          : contact_sheet(data)));
    }
    if (a->json) return print_json(inspection_json(data, found));
    print_notes(data);
    say("{}: {} images {}x{} in {}\n", data.source, thousands(found.images), found.height, found.width,
        found.channels == 1 ? "grey" : "colour");
    fmt::print("values from {:.3g} to {:.3g}, mean {:.3f}, deviation {:.3f}\n\n", found.low, found.high,
               found.mean, found.deviation);
    print_counts(data, found);
    if (!found.warnings.empty()) fmt::print("\n");
    print_warnings(found.warnings);
    if (!a->out.empty()) {
      say("\nsheet     {}\n", a->out);
      for (size_t c = 0; c < data.classes.size() && !augmentation.any(); ++c) {
        if (const std::string label = sheet_label(data, c);
            label.starts_with('#') && label != data.classes[c])
          fmt::print("          {} is {}\n", label, display_name(data.classes[c], 40));
      }
    }
  });
}

// ---- convert ----

void convert_command(CLI::App& app) {
  const auto a = declare_data(app, {"seed"});
  app.add_option("--out", a->out,
                 "File .npz, .npy, .csv[.gz], .idx[.gz], ...images-idx3-ubyte[.gz], or a new folder of PNGs")
      ->required();
  app.add_flag("--compress", a->compress, "Deflate the .npz; it can then not be read piece by piece");
  app.add_flag("--json", a->json, "Print the result as one JSON document");
  app.callback([a] {
    const Dataset data = a->load();
    const std::vector<std::string> notes = write_dataset(
        data, a->out, {.compress = a->compress, .progress = show_progress("writing " + a->out)});
    if (a->json) {
      return print_json(
          {{"out", a->out}, {"images", data.size()}, {"notes", notes}, {"skipped", data.skipped}});
    }
    print_notes(data);
    say("{}: {} images {}x{}\n", a->out, thousands(data.size()), data.pixels.shape()[1],
        data.pixels.shape()[2]);
    for (const std::string& note : notes) say("note      {}\n", note);
  });
}

// ---- split ----

void split_command(CLI::App& app) {
  const auto a = declare_data(app, {"split", "seed"});
  const auto inner = std::make_shared<std::string>();
  app.add_option("--inner", *inner,
                 "Nest: divide every training part again by such a rule, to choose options without a look "
                 "at the test part");
  app.add_option("--out", a->out, "The file to write, such as split.json; train --split takes it");
  app.add_flag("--json", a->json, "Print the split as one JSON document");
  app.callback([a, inner] {
    const Options options = a->options();
    const Dataset data = a->load();
    Split split = make_split(data, options.split, options.seed);
    if (!inner->empty()) nest_split(data, *inner, options.seed, split);
    if (!a->out.empty()) write_split(split, data.size(), a->out);
    if (a->json) return split_text(split, data.size(), [](std::string_view text) { fmt::print("{}", text); });
    print_notes(data);
    say("{}: {}\n", data.source, split.description);
    for (const Fold& fold : split.folds) {
      say("{:<12}{:>8} to train {:>8} held out", fold.name.empty() ? "split" : fold.name,
          thousands(static_cast<int64_t>(fold.train.size())),
          thousands(static_cast<int64_t>(fold.test.size())));
      if (!fold.inner.empty())
        fmt::print("   {} inner fold{}", fold.inner.size(), fold.inner.size() == 1 ? "" : "s");
      fmt::print("\n");
    }
    if (!a->out.empty()) say("written to {}\n", a->out);
  });
}

// ---- leaks ----

void leaks_command(CLI::App& app) {
  const auto a = declare_data(app, {"split", "seed", "threads"});
  const auto cache = std::make_shared<std::string>(default_cache_folder().string());
  app.add_option("--cache", *cache, "Folder that keeps results; empty for none")->capture_default_str();
  app.add_flag("--json", a->json, "Print the result as one JSON document");
  app.callback([a, cache] {
    const Options options = a->options();
    const Dataset data = a->load();
    const Split split = make_split(data, options.split, options.seed);
    ThreadTeam team(threads_allowed(options.run));
    const LeakReport report = find_leaks(data, split, team, *cache, show_progress("comparing"));
    if (a->json) return print_json(json::parse(leaks_text(report)));
    print_notes(data);
    say("{}: {}\n", data.source, split.description);
    fmt::print("{} of {} held-out images have a near copy in training\n", thousands(report.test_with_twin),
               thousands(report.test));
    constexpr size_t shown = 10;
    const size_t rows = std::min(shown, report.pairs.size());
    if (rows > 0)
      fmt::print("\n{:>30}  {:>30}  {:>10}  {:>7}\n", "held out", "training", "similarity", "turned");
    for (size_t i = 0; i < rows; ++i) {
      const Twins& twins = report.pairs[i];
      const auto name = [&](int64_t row) {
        return data.files.empty() ? "row " + std::to_string(row) : data.files[static_cast<size_t>(row)];
      };
      say("{:>30}  {:>30}  {:>10.3f}  {:>6.0f}°\n", name(twins.test), name(twins.train), twins.similarity,
          twins.degrees);
    }
    if (report.pairs.size() > rows) {
      fmt::print("{:>30}\n",
                 "and " + thousands(static_cast<int64_t>(report.pairs.size() - rows)) + " pairs more");
    }
    if (report.test_with_twin > 0) {
      fmt::print("\nAccuracy on this split says less about new hands. Try --split group --groups FILE.\n");
    }
  });
}

}  // namespace

void data_command(CLI::App& app) {
  inspect_command(*app.add_subcommand("inspect", "Count, look for what is wrong, and make a contact sheet"));
  convert_command(*app.add_subcommand("convert", "Bring a data set to another form"));
  split_command(*app.add_subcommand("split", "Divide a data set for training and testing"));
  leaks_command(*app.add_subcommand("leaks", "Find held-out images with a near copy in training"));
  check_command(*app.add_subcommand("check", "Find labels that may be wrong"));
}

}  // namespace mudra
