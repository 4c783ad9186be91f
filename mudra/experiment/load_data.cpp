#include "mudra/experiment/load_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/core/text.h"
#include "mudra/data/corrections.h"
#include "mudra/data/read_dataset.h"
#include "mudra/features/prepare.h"
#include "mudra/inference/hand_cutter.h"
#include "mudra/inference/model_picture.h"
#include "mudra/synth/render_hands.h"

namespace mudra {

SynthOptions synth_options(const std::string& source, uint64_t seed, std::string_view option) {
  SynthOptions synth;
  synth.seed = seed;
  const std::string_view rest = std::string_view(source).substr(source.find(':') + 1);
  const size_t colon = rest.find(':');
  synth.count = parse_number<int64_t>(rest.substr(0, colon)).value_or(0);
  if (synth.count < 1) {
    throw usage_error("'" + source + "' names no number of images", option,
                      "Write it as synth:2000 or synth:2000:mixed");
  }
  if (colon == rest.npos) return synth;
  const std::string_view kind = rest.substr(colon + 1);
  const size_t second = kind.find(':');
  synth.domain = kind.substr(0, second);
  if (second == kind.npos) return synth;
  const std::optional<double> none = parse_number<double>(kind.substr(second + 1));
  if (!none) {
    throw usage_error("'" + source + "' names no share of images without a digit", option,
                      "Write it as synth:2000:room:0.2");
  }
  synth.none_fraction = *none;
  return synth;
}

namespace {

std::string source_of(const DataOptions& options) {
  return options.source.empty() ? std::string(default_data) : options.source;
}

constexpr int rendered_picture = 256;  // pixels a side of what a finder looks for hands in

SynthOptions asked_of_renderer(const std::string& source, const SizeOption& size, int channels,
                               uint64_t seed) {
  SynthOptions synth = synth_options(source, seed);
  synth.colour = channels == 3;
  if (size.height != size.width)
    throw usage_error("rendered images are square", "--size", "Give one number, such as 28");
  if (size.height > 0) synth.size = size.height;
  return synth;
}

// "5,000 images 28x28, ten classes"
std::string description(const Dataset& data) {
  const Shape& shape = data.pixels.shape();
  const auto classes = static_cast<int64_t>(data.classes.size());
  return fmt::format("{} image{} {}x{}{}, {} class{}", thousands(shape[0]), shape[0] == 1 ? "" : "s",
                     shape[1], shape[2], shape[3] == 3 ? " in colour" : "", number_word(classes),
                     classes == 1 ? "" : "es");
}

// Images as a page shows them.
Pixels small(const Pixels& pixels) {
  const Shape& shape = pixels.shape();
  if (std::max(shape[1], shape[2]) <= shown_side) return pixels;
  return fit_to(pixels, {shown_side, shown_side, static_cast<int>(shape[3]), Fit::keep_aspect});
}

LoadedData load(const DataOptions& options, uint64_t seed, ThreadTeam& team, const Progress& progress,
                const Shrink& shrink = {}, const Look& look = {}) {
  const std::string source = source_of(options);
  if (options.channels == 2) {
    throw usage_error("2 is no number of channels", "--channels", "Give 1 for grey or 3 for colour");
  }
  Dataset data;
  std::optional<SynthOptions> rendered;
  if (is_rendered(options)) {
    if (!options.by.empty())
      throw usage_error("rendered hands have no columns", "--by",
                        "Leave it out, or give images with --groups");
    rendered = asked_of_renderer(source, options.size, options.channels, seed);
    check_renderable(*rendered);
    data = rendered_on_demand(*rendered);
    data.source = source;
  } else {
    data = read_dataset(source, {.height = options.size.height,
                                 .width = options.size.width,
                                 .shrink = shrink,
                                 .channels = options.channels,
                                 .fit = options.fit,
                                 .look = look,
                                 .black = static_cast<float>(options.range.black),
                                 .white = static_cast<float>(options.range.white),
                                 .labels = options.labels,
                                 .groups = options.groups,
                                 .true_labels = options.true_labels,
                                 .columns = options.by,
                                 .strict = options.strict,
                                 .progress = progress});
  }
  if (!options.example_weights.empty()) read_example_weights(options.example_weights, data);
  if (!options.corrections.empty()) apply_corrections(options.corrections, data);
  std::string text = data.source + ": " + description(data);
  if (!options.classes.empty()) {
    data = data.keep_classes(options.classes);
    text += "; kept " +
            (data.classes.size() > 12 ? thousands(static_cast<int64_t>(data.classes.size())) + " classes"
                                      : listed(data.classes)) +
            ": " + thousands(data.size());
  }
  if (rendered && data.size() > 0) {  // now that it is known which images are kept
    std::vector<Row> rows(static_cast<size_t>(data.size()));
    for (Row row = 0; row < rows.size(); ++row) rows[row] = data.source_row(row);
    data.pixels = render_images(*rendered, rows, team, progress);
  }
  if (look && data.files.empty()) {
    data.shown = small(data.pixels);
    data.pixels = mapped(data.pixels, look);
  }
  return {std::move(data), std::move(text), false, {}};
}

}  // namespace

bool is_rendered(const DataOptions& options) { return source_of(options).starts_with("synth:"); }

Look look_of(const Model& model) {
  if (!finds_hands(model)) return {};
  const auto cutter = std::make_shared<HandCutter>(model);
  return [cutter, to = model.preprocessing](const Image& picture) {
    const HandCuts cuts = cutter->cut_out(within(picture, searched_side));
    return cuts.found() ? cuts.looks.back().image : no_cut(to);
  };
}

LoadedData load_data(const DataOptions& options, uint64_t seed, ThreadTeam& team, const Progress& progress,
                     const Shrink& shrink, const Look& look) {
  LoadedData loaded = load(options, seed, team, progress, shrink, look);
  const Shape& found = loaded.data.pixels.shape();
  Preprocessing wanted{static_cast<int>(found[1]), static_cast<int>(found[2]), static_cast<int>(found[3]),
                       options.fit};
  if (shrink.applies(found[1], found[2])) wanted.height = wanted.width = shrink.to;
  const bool is_folder = !loaded.data.files.empty();  // whose pictures were brought to that size one by one
  loaded.is_shrunk = shrink.above > 0 && wanted.height == shrink.to && wanted.width == shrink.to &&
                     (is_folder || wanted.height < found[1] || wanted.width < found[2]);
  if (options.size.height > 0) wanted.height = options.size.height, wanted.width = options.size.width;
  if (options.channels > 0) wanted.channels = options.channels;
  loaded.data = fit_to(std::move(loaded.data), wanted);
  return loaded;
}

LoadedData load_data_for(const Predictor& predictor, const DataOptions& options, uint64_t seed,
                         ThreadTeam& team, const Progress& progress) {
  const Model& model = predictor.model();
  check_reads_pictures(model);
  DataOptions wanted = options;
  // Pictures come to the model's size in one step, as they did when it was trained.
  if (std::filesystem::is_directory(options.source)) {
    const Preprocessing& to = model.preprocessing;
    if (options.size.height == 0) wanted.size = {to.height, to.width};
    wanted.channels = to.channels;
    wanted.fit = to.fit;
  }
  if (is_rendered(options) && finds_hands(model)) {  // as a camera would have it
    if (options.size.height == 0) wanted.size = {rendered_picture, rendered_picture};
    if (options.channels == 0) wanted.channels = 3;
  }
  Answers answers;  // one a picture that was read
  Look look;
  if (finds_hands(model)) {
    look = [&](const Image& picture) {
      Image seen;
      answers.append(predictor.answer(within(picture, searched_side), &seen));
      return seen;
    };
  }
  LoadedData loaded = load(wanted, seed, team, progress, {}, look);
  Dataset& data = loaded.data;
  if (look && std::ssize(answers.labels) > data.size()) {  // only some classes of a folder were kept
    std::vector<uint32_t> kept;
    for (Row row = 0; row < data.labels.size(); ++row) kept.push_back(data.source_row(row));
    answers = answers.select(kept);
  }
  loaded.answers = std::move(answers);
  std::vector<std::string> known = model.classes;
  if (model.none_class.empty() && model.rejection_threshold > 0) known.emplace_back(none_name);
  std::vector<int32_t> index;
  bool shows_none = false;
  for (const std::string& name : data.classes) {
    auto at = std::ranges::find(known, name);
    if (name == none_name && at == known.end()) at = std::ranges::find(known, model.none_class);
    if (at == known.end()) {
      throw Error("has class '" + name + "', which the model does not know", data.source,
                  fmt::format("Keep what it knows with --classes {}", fmt::join(model.classes, ",")));
    }
    index.push_back(static_cast<int32_t>(at - known.begin()));
    shows_none |= index.back() == static_cast<int32_t>(model.classes.size());
  }
  for (int32_t& label : data.labels) label = index[static_cast<size_t>(label)];
  for (int32_t& label : data.true_labels)
    label = label == no_class ? label : index[static_cast<size_t>(label)];
  data.classes = shows_none ? known : model.classes;
  data = fit_to(std::move(data), model.preprocessing);
  return loaded;
}

}  // namespace mudra
