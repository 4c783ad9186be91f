#include "mudra/experiment/extra.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <numeric>
#include <set>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/core/rng.h"
#include "mudra/core/text.h"
#include "mudra/data/label_index.h"
#include "mudra/data/leaks.h"
#include "mudra/experiment/load_data.h"
#include "mudra/features/prepare.h"
#include "mudra/synth/rendered_once.h"

namespace mudra {
namespace {

bool is_rendered(const std::string& source) { return source.starts_with("synth:"); }

Preprocessing input_of(const Dataset& data, Fit fit) {
  const Shape& shape = data.pixels.shape();
  return {static_cast<int>(shape[1]), static_cast<int>(shape[2]), static_cast<int>(shape[3]), fit};
}

Dataset read_source(const std::string& source, const Options& options, const Preprocessing& input,
                    ThreadTeam& team, const Progress& progress) {
  if (is_rendered(source)) {
    SynthOptions synth = synth_options(source, options.seed, "--extra");
    constexpr int64_t most_rendered = 50'000'000;  // their labels and rows take a gigabyte
    if (synth.count > most_rendered)
      throw usage_error("'" + source + "' asks for more than " + thousands(most_rendered) + " images",
                        "--extra", "Ask for fewer");
    synth.size = std::clamp(std::max(input.height, input.width), 16, 512);
    synth.colour = input.channels == 3;
    return fit_to(rendered_once(synth, default_cache_folder(), team, progress), input);
  }
  DataOptions read;
  read.source = source;
  read.strict = options.data.strict;
  read.size = {input.height, input.width};
  read.channels = input.channels;
  read.fit = input.fit;
  return load_data(read, options.seed, team, progress).data;
}

// The images that show one of the data's classes, labelled by those.
Dataset with_classes_of(const Dataset& data, const Dataset& extra) {
  std::vector<int32_t> index;
  for (const std::string& name : extra.classes) {
    const auto at = std::ranges::find(data.classes, name);
    index.push_back(at == data.classes.end() ? no_class : static_cast<int32_t>(at - data.classes.begin()));
  }
  std::vector<Row> rows;
  for (size_t row = 0; row < extra.labels.size(); ++row) {
    if (index[static_cast<size_t>(extra.labels[row])] != no_class) rows.push_back(static_cast<Row>(row));
  }
  Dataset kept = extra.select(rows);
  kept.classes = data.classes;
  for (int32_t& label : kept.labels) label = index[static_cast<size_t>(label)];
  return kept;
}

// A share of the images, at random, in their order.
Dataset drawn(const Dataset& extra, double share, uint64_t seed, size_t number) {
  std::vector<Row> rows(static_cast<size_t>(extra.size()));
  std::iota(rows.begin(), rows.end(), Row{0});
  Rng(seed, Purpose::split, 0x65787472, number).shuffle(std::span(rows));  // apart from the split's numbers
  rows.resize(std::max<size_t>(1, static_cast<size_t>(share * static_cast<double>(rows.size()) + 0.5)));
  std::ranges::sort(rows);
  return extra.select(rows);
}

// Which extra images show a hand that is among the held-out ones.
std::vector<bool> of_groups_in(const Dataset& data, std::span<const Row> held_out, const Dataset& extra) {
  std::set<std::string_view> names;
  for (const Row row : held_out) names.insert(data.group_names[static_cast<size_t>(data.groups[row])]);
  std::vector<bool> found;
  for (const int32_t group : extra.groups)
    found.push_back(names.contains(extra.group_names[static_cast<size_t>(group)]));
  return found;
}

// Which extra images are near copies of a held-out one.
std::vector<bool> copies_of(const Dataset& data, std::span<const Row> held_out, const Extra& extra,
                            ThreadTeam& team) {
  const std::array<Dataset, 2> both{data.select(held_out), extra.data};
  const Dataset all = joined(both);
  if (all.size() > most_searched) {
    throw Error(
        "has " + thousands(extra.data.size()) +
            " images whose groups are not known, and near copies of held-out "
            "images are looked for in no more than " +
            thousands(most_searched),
        extra.text,
        "Say whose hand each image shows in a groups.csv in the folder, or take a share, such as :0.1");
  }
  Fold fold;
  for (size_t row = 0; row < static_cast<size_t>(all.size()); ++row)
    (row < held_out.size() ? fold.train : fold.test).push_back(static_cast<Row>(row));
  std::vector<bool> found(static_cast<size_t>(extra.data.size()), false);
  for (const Twins& twins : find_leaks(all, {"", {fold}}, team, default_cache_folder()).pairs)
    found[static_cast<size_t>(twins.test) - held_out.size()] = true;
  return found;
}

}  // namespace

ExtraSource ExtraSource::parse(const std::string& text) {
  ExtraSource parsed{text};
  std::error_code ignored;
  const size_t colon = text.rfind(':');
  if (colon == text.npos || std::filesystem::exists(text, ignored)) return parsed;
  const std::string_view last = std::string_view(text).substr(colon + 1);
  const auto refuse = [&](const std::string& what) {
    throw usage_error(
        "'" + text + "' asks for " + what, "--extra",
        "Write SOURCE:0.3 for three tenths of its images, or SOURCE:x4 to take each four times");
  };
  if (last.starts_with('x') && last.find_first_not_of("0123456789", 1) == last.npos && last.size() > 1) {
    parsed.times = parse_number<int>(last.substr(1)).value_or(0);
    if (parsed.times < 1 || parsed.times > 1000) refuse("no number of times from 1 to 1,000");
  } else if (last.find('.') != last.npos && parse_number<double>(last)) {
    parsed.share = *parse_number<double>(last);
    if (!(parsed.share > 0 && parsed.share <= 1)) refuse("no share above 0 and up to 1");
  } else {
    return parsed;
  }
  parsed.source = text.substr(0, colon);
  return parsed;
}

std::vector<Extra> load_extra(const Options& options, const Dataset& data, ThreadTeam& team,
                              const Progress& progress) {
  std::vector<Extra> all;
  for (const std::string& text : options.data.extra) {
    const ExtraSource from = ExtraSource::parse(text);
    const Dataset read = read_source(from.source, options, input_of(data, options.data.fit), team, progress);
    Extra extra;
    extra.text = text;
    extra.data = with_classes_of(data, read);
    extra.times = from.times;
    extra.is_rendered = is_rendered(from.source);
    extra.other_classes = read.size() - extra.data.size();
    if (extra.data.size() == 0) {
      throw Error("shows none of the classes " + join_names(data.classes, 12), text,
                  "Its classes are " + join_names(read.classes, 12));
    }
    if (from.share < 1) extra.data = drawn(extra.data, from.share, options.seed, all.size());
    all.push_back(std::move(extra));
  }
  return all;
}

std::optional<Dataset> add_extra(const Dataset& data, const Options& options, std::vector<Extra>& extra,
                                 std::vector<Fold>& folds) {
  if (extra.empty() && options.data.repeat == 1) return {};
  int64_t all = options.data.repeat * data.size();
  for (const Extra& each : extra) all += each.times * each.data.size();
  if (all > most_images) {
    throw usage_error("an epoch would take " + thousands(all) + " images",
                      extra.empty() ? "--repeat" : "--extra",
                      "Repeat them less often: " + thousands(most_images) + " are the most");
  }
  std::vector<Dataset> parts(static_cast<size_t>(options.data.repeat), data);
  const auto images = static_cast<Row>(data.size());
  for (Fold& fold : folds) {
    const size_t own = fold.train.size();
    for (int t = 1; t < options.data.repeat; ++t) {
      for (size_t i = 0; i < own; ++i) fold.train.push_back(fold.train[i] + static_cast<Row>(t) * images);
    }
  }
  ThreadTeam team(threads_allowed(options.run));
  Row begin = images * static_cast<Row>(options.data.repeat);
  for (Extra& each : extra) {
    const auto size = static_cast<Row>(each.data.size());
    const bool has_groups = !each.data.groups.empty() && !data.groups.empty();
    const bool is_sure = each.is_rendered && !is_rendered(data.source);
    std::vector<bool> dropped(size, false);
    for (Fold& fold : folds) {
      std::vector<Row> held_out = fold.test;
      held_out.insert(held_out.end(), fold.validation.begin(), fold.validation.end());
      std::vector<bool> known(size, false);
      if (is_sure) {
        // Nobody's hand.
      } else if (has_groups) {
        known = of_groups_in(data, held_out, each.data);
      } else if (!held_out.empty()) {
        known = copies_of(data, held_out, each, team);
      }
      for (int t = 0; t < each.times; ++t) {
        for (Row row = 0; row < size; ++row) {
          if (!known[row]) fold.train.push_back(begin + static_cast<Row>(t) * size + row);
        }
      }
      for (Row row = 0; row < size; ++row) dropped[row] = dropped[row] || known[row];
    }
    (has_groups ? each.of_held_out_groups : each.near_copies) = std::ranges::count(dropped, true);
    for (int t = 0; t < each.times; ++t) parts.push_back(each.data);
    begin += size * static_cast<Row>(each.times);
  }
  return joined(parts);
}

std::string extra_text(const std::vector<Extra>& extra) {
  std::string text;
  for (const Extra& each : extra) {
    text += (text.empty() ? "" : "; ") + each.text + ": " +
            thousands(static_cast<int64_t>(each.data.labels.size())) + " images";
    if (each.of_held_out_groups > 0)
      text += ", " + thousands(each.of_held_out_groups) + " left out where their hand is held out";
    if (each.near_copies > 0)
      text += ", " + thousands(each.near_copies) + " left out where a near copy is held out";
    if (each.other_classes > 0) text += ", " + thousands(each.other_classes) + " of other classes left out";
  }
  return text;
}

}  // namespace mudra
