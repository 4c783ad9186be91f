#include "mudra/evaluation/label_errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>
#include <unordered_map>

#include "mudra/core/error.h"
#include "mudra/core/portable_math.h"
#include "mudra/core/text.h"
#include "mudra/data/label_index.h"

namespace mudra {
namespace {

// In a mean of logarithms one answer that rounds to nothing must not outweigh all others.
constexpr double least_probability = 1e-6;
// The mean of equal numbers may round to above them. (cleanlab allows the same.)
constexpr double rounding = 1e-6;

class Judge {
 public:
  Judge(const Dataset& data, std::span<const Fold> folds, const Answers& answers)
      : data_(data), folds_(folds), classes_(data.classes.size()), of_class_(classes_) {
    for (const int32_t label : data.labels) ++of_class_[static_cast<size_t>(label)];
    look_at_folds();
    number_units();
    gather(answers);
  }

  LabelErrors errors() {
    LabelErrors found;
    found.joint.assign(classes_ * classes_, 0);
    std::vector<int64_t> judged(classes_, 0);
    set_thresholds(found, judged);
    for (Row row = 0; row < unit_.size(); ++row) {
      if (is_judged(row)) judge(row, found);
    }
    std::ranges::sort(found.suspects, {}, [&](const LabelSuspect& suspect) {
      return std::tuple(-suspect.confidence, unit_[suspect.row], suspect.row);
    });
    estimate(judged, found);
    warn(found);
    return found;
  }

 private:
  size_t label(Row row) const { return static_cast<size_t>(data_.labels[row]); }
  bool is_judged(Row row) const {
    return unit_[row] != untested && known_[unit_[row] * classes_ + label(row)] > 0;
  }

  // Which classes every fold has learned. A test part may not be among what was learned.
  void look_at_folds() {
    for (const Fold& fold : folds_) {
      std::vector<bool> learned(static_cast<size_t>(data_.size()), false);
      std::vector<bool>& knows = knows_.emplace_back(classes_, false);
      for (const Row row : fold.train) {
        learned[row] = true;
        if (of_class_[label(row)] >= least_of_class) knows[label(row)] = true;
      }
      for (const Row row : fold.validation) learned[row] = true;
      for (const Row row : fold.test) {
        if (!learned[row]) continue;
        throw Error(fmt::format("image {} was trained on by the fold that tests it: its answer says nothing "
                                "of its label",
                                data_.source_row(row)),
                    fold.name.empty() ? "the split" : fold.name, "Check labels by folds, such as kfold:5");
      }
    }
  }

  // A unit is a photograph, or an image where photographs are not known.
  void number_units() {
    unit_.assign(static_cast<size_t>(data_.size()), untested);
    std::unordered_map<int64_t, Row> numbers;
    for (const Fold& fold : folds_) {
      for (const Row row : fold.test) {
        const int64_t name = data_.photographs.empty() ? int64_t{row} : data_.photographs[row];
        const Row unit = numbers.try_emplace(name, static_cast<Row>(numbers.size())).first->second;
        unit_[row] = unit;
        if (unit == answers_.size()) answers_.push_back(0);
        ++answers_[unit];
      }
    }
  }

  // The probabilities of every unit: of its one answer, or of all its answers together.
  void gather(const Answers& answers) {
    p_.assign(answers_.size() * classes_, 0);
    known_.assign(p_.size(), 0);
    size_t answer = 0;
    for (size_t f = 0; f < folds_.size(); ++f) {
      for (const Row row : folds_[f].test) {
        const size_t at = unit_[row] * classes_;
        for (size_t c = 0; c < classes_; ++c) {
          if (!knows_[f][c]) continue;
          const auto p = static_cast<double>(answers.probability(answer, c));
          p_[at + c] += answers_[unit_[row]] == 1 ? p : portable::log(std::max(p, least_probability));
          ++known_[at + c];
        }
        ++answer;
      }
    }
    for (size_t unit = 0; unit < answers_.size(); ++unit) settle(unit);
  }

  // Sums become probabilities; a class that no fold knew has none.
  void settle(size_t unit) {
    const auto p = std::span(p_).subspan(unit * classes_, classes_);
    const auto known = std::span(known_).subspan(unit * classes_, classes_);
    if (answers_[unit] == 1 && std::ranges::find(known, 0) == known.end()) return;
    double sum = 0;
    for (size_t c = 0; c < classes_; ++c) {
      if (known[c] == 0) continue;
      if (answers_[unit] > 1) p[c] = portable::exp(p[c] / known[c]);
      sum += p[c];
    }
    for (double& each : p) each = sum > 0 ? each / sum : 0;
  }

  // judged: images of each class
  void set_thresholds(LabelErrors& found, std::vector<int64_t>& judged) const {
    std::vector<double> sums(classes_, 0);
    for (Row row = 0; row < unit_.size(); ++row) {
      if (!is_judged(row)) continue;
      sums[label(row)] += p_[unit_[row] * classes_ + label(row)];
      ++judged[label(row)];
    }
    for (size_t c = 0; c < classes_; ++c) {
      found.judged += judged[c];
      found.thresholds.push_back(judged[c] > 0 ? sums[c] / static_cast<double>(judged[c])
                                               : std::numeric_limits<double>::quiet_NaN());
    }
  }

  void judge(Row row, LabelErrors& found) const {
    const size_t at = unit_[row] * classes_, given = label(row);
    size_t seen = classes_;                  // none
    for (size_t c = 0; c < classes_; ++c) {  // no comparison with NaN is true
      const bool is_confident = known_[at + c] > 0 && p_[at + c] >= found.thresholds[c] - rounding;
      if (is_confident && (seen == classes_ || p_[at + c] > p_[at + seen])) seen = c;
    }
    if (seen == classes_) return;
    ++found.joint[given * classes_ + seen];
    if (seen != given)
      found.suspects.push_back({row, static_cast<int32_t>(seen), (1 + p_[at + seen] - p_[at + given]) / 2});
  }

  void estimate(std::span<const int64_t> judged, LabelErrors& found) const {
    for (size_t c = 0; c < classes_; ++c) {
      const std::span<const int64_t> seen = std::span(found.joint).subspan(c * classes_, classes_);
      const int64_t all = std::accumulate(seen.begin(), seen.end(), int64_t{0});
      if (all > 0)
        found.estimated += static_cast<double>(judged[c] * (all - seen[c])) / static_cast<double>(all);
    }
  }

  void warn(LabelErrors& found) const {
    std::vector<std::string> few, lacked;
    for (size_t c = 0; c < classes_; ++c) {
      const bool is_lacked = std::ranges::any_of(knows_, [&](const auto& knows) { return !knows[c]; });
      if (of_class_[c] > 0 && of_class_[c] < least_of_class) {
        few.push_back(display_name(data_.classes[c], 24));
      } else if (of_class_[c] > 0 && is_lacked) {
        lacked.push_back(display_name(data_.classes[c], 24));
      }
    }
    const auto say = [&](const std::vector<std::string>& names, std::string_view what) {
      if (names.empty()) return;
      found.warnings.push_back(
          fmt::format("{} {} {}.", names.size() == 1 ? "Class" : "Classes", join_names(names, 10), what));
    };
    say(few, fmt::format("with fewer than {} pictures cannot be judged: look at them yourself, or add some",
                         least_of_class));
    say(lacked,
        "were not in training in every part: where they were not, nothing is said of their pictures. Other "
        "parts, such as --split kfold:5, may do better");
  }

  static constexpr Row untested = std::numeric_limits<Row>::max();

  const Dataset& data_;
  std::span<const Fold> folds_;
  size_t classes_;
  std::vector<int64_t> of_class_;         // K images
  std::vector<std::vector<bool>> knows_;  // [folds][K]
  std::vector<Row> unit_;                 // of every image of the data
  std::vector<int32_t> answers_;          // of every unit
  std::vector<double> p_;                 // [units, K]
  std::vector<int32_t> known_;            // [units, K]: by how many answers
};

}  // namespace

LabelErrors find_label_errors(const Dataset& data, std::span<const Fold> folds, const Answers& answers) {
  return Judge(data, folds, answers).errors();
}

}  // namespace mudra
