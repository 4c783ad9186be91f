#include "mudra/report/compared_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "mudra/core/text.h"

namespace mudra {
namespace {

constexpr double significant = 0.05;

std::string counted(int64_t count, std::string_view what) {
  return fmt::format("{} {}{}", thousands(count), what, count == 1 ? "" : "s");
}

std::string what_to_cite(const Comparison& comparison) {
  const std::string& unit = comparison.interval.unit;
  if (unit == "image") {
    return "Every picture counts as independent, for nothing is known of photographs or groups: if some are "
           "copies of one photograph, p is smaller than it should be.";
  }
  std::string text = fmt::format(
      "Cite the p-value by {0}: it counts {1}. McNemar's test takes {2} for independent. Pictures of one {0} "
      "are not, so its p-value is too small.",
      unit, counted(comparison.interval.independent, unit), counted(comparison.all.n, "picture"));
  if (comparison.photographs_p_value)
    text += " That by photograph speaks for more pictures of these groups, not for others.";
  return text;
}

}  // namespace

std::string points(double share) {
  return fmt::format("{:.{}f}", 100 * share, std::fabs(share) < 0.001 && share != 0 ? 2 : 1);
}

std::string signed_points(double share) { return (share > 0 ? "+" : "") + points(share); }

std::string p_text(double p_value) {
  if (p_value < 0.0001) return "p < 0.0001";
  return fmt::format("p = {:.{}f}", p_value, p_value < 0.001 ? 4 : p_value < 0.1 ? 3 : 2);
}

std::string difference_text(const Comparison& comparison) {
  return fmt::format("{} points ({} to {})", signed_points(comparison.all.difference()),
                     points(comparison.interval.low), points(comparison.interval.high));
}

std::string verdict(const ComparedRuns& compared, const RunPair& pair) {
  const Comparison& found = pair.comparison;
  const Interval& interval = found.interval;
  const PairedScore& all = found.all;
  const bool is_b = all.difference() > 0;
  const std::string a = clean(compared.runs[pair.a].name), b = clean(compared.runs[pair.b].name);
  const std::string by =
      interval.unit == "image" ? "" : fmt::format(" by {}", counted(interval.independent, interval.unit));
  const std::string p = p_text(pair.units_p_value_holm) + by;
  const bool is_proven = pair.units_p_value_holm < significant;
  if (!is_proven && interval.low <= 0 && interval.high >= 0) {
    return fmt::format(
        "These runs cannot tell {} and {} apart: right on {} and {}, and the true difference may be anything "
        "from {} to {} points ({})",
        a, b, percent(all.accuracy_a()), percent(all.accuracy_b()), points(interval.low),
        points(interval.high), p);
  }
  const std::string numbers =
      fmt::format("right on {} against {}, {} points more (95% interval {} to {}{}",
                  percent(is_b ? all.accuracy_b() : all.accuracy_a()),
                  percent(is_b ? all.accuracy_a() : all.accuracy_b()), points(std::fabs(all.difference())),
                  points(is_b ? interval.low : -interval.high), points(is_b ? interval.high : -interval.low),
                  is_proven ? ", " + p + ")" : ")");
  return is_proven ? fmt::format("{} is better than {}: {}", is_b ? b : a, is_b ? a : b, numbers)
                   : fmt::format("{} may be better than {}: {}, but that is not proven ({})", is_b ? b : a,
                                 is_b ? a : b, numbers, p);
}

std::vector<std::string> remarks(const ComparedRuns& compared) {
  std::vector<std::string> found;
  const auto tested_more = [&](const ComparedRun& run) { return run.tested != compared.n; };
  if (std::ranges::any_of(compared.runs, tested_more)) {
    std::string text = fmt::format("Only {} were tested by all: ", counted(compared.n, "picture"));
    for (const ComparedRun& run : compared.runs)
      text += fmt::format("{}{} by {}", &run == compared.runs.data() ? "" : ", ", thousands(run.tested),
                          clean(run.name));
    found.push_back(text + ". All that is said is of those.");
  }
  found.push_back(what_to_cite(compared.pairs[0].comparison));
  if (compared.pairs.size() > 1) {
    found.push_back(
        fmt::format("The verdicts are by p-values after Holm: of {} comparisons one would else seem "
                    "significant by chance "
                    "too often.",
                    number_word(static_cast<int64_t>(compared.pairs.size()))));
  }
  // Of so many units that differ, all in one direction, the test gives 2 / 2^k.
  const auto least = [](const RunPair& pair) {
    return std::ldexp(2.0, -static_cast<int>(std::min<int64_t>(pair.comparison.units_against, 100)));
  };
  const auto cannot_tell = [&](const RunPair& pair) { return least(pair) >= significant; };
  if (std::ranges::all_of(compared.pairs, cannot_tell)) {
    found.push_back(fmt::format(
        "Fewer than six {}s were read better by one of the runs than by the other. So few cannot give a "
        "p-value "
        "below 0.05, however large the difference: test on more of them.",
        compared.pairs[0].comparison.interval.unit == "image" ? "picture"
                                                              : compared.pairs[0].comparison.interval.unit));
  }
  return found;
}

nlohmann::json to_json(const ComparedRuns& compared) {
  const auto bounds = [](const Interval& interval) { return std::vector{interval.low, interval.high}; };
  const auto scores = [](const std::vector<PairedScore>& all) {
    nlohmann::json list = nlohmann::json::array();
    for (const PairedScore& score : all) list.push_back(to_json(score));
    return list;
  };
  nlohmann::json runs = nlohmann::json::array(), pairs = runs, options = nlohmann::json::object();
  for (const ComparedRun& run : compared.runs) {
    runs.push_back({{"run", run.name},
                    {"accuracy", run.accuracy},
                    {"interval", bounds(run.interval)},
                    {"interval_unit", run.interval.unit},
                    {"tested", run.tested}});
  }
  for (const RunPair& pair : compared.pairs) {
    const Comparison& found = pair.comparison;
    pairs.push_back(
        {{"a", compared.runs[pair.a].name},
         {"b", compared.runs[pair.b].name},
         {"difference", found.all.difference()},
         {"interval", bounds(found.interval)},
         {"interval_unit", found.interval.unit},
         {"interval_units", found.interval.independent},
         {"p_value", found.p_value},
         {"units_p_value", found.units_p_value},
         {"photographs_p_value",
          found.photographs_p_value ? nlohmann::json(*found.photographs_p_value) : nlohmann::json()},
         {"only_a_right", found.all.only_a_right},
         {"only_b_right", found.all.only_b_right},
         {"per_class", scores(found.per_class)},
         {"groups", scores(found.groups)},
         {"verdict", verdict(compared, pair)}});
    if (compared.pairs.size() > 1) {
      pairs.back()["p_value_holm"] = pair.p_value_holm;
      pairs.back()["units_p_value_holm"] = pair.units_p_value_holm;
    }
  }
  for (const DifferingOption& option : compared.options) options[option.name] = option.texts;
  return {{"n", compared.n},
          {"runs", std::move(runs)},
          {"pairs", std::move(pairs)},
          {"options", std::move(options)},
          {"remarks", remarks(compared)}};
}

}  // namespace mudra
