// How commands speak: results on standard output, progress on standard error.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "mudra/cli/arguments.h"
#include "mudra/data/dataset.h"
#include "mudra/evaluation/evaluation.h"

namespace mudra {

std::string with_commas(int64_t number);  // 5,000

// "right on 195 of 200 held-out images: 97.5% (95% interval 94.3% to 98.9%)"
std::string accuracy_sentence(const Evaluation& evaluation, std::string_view what = "held-out images");

// Rows true, columns predicted.
void print_confusion(const Evaluation& evaluation);

// Training options a command shares with `train`, by name (all but `data` if the list is empty); what the
// user gives goes into `given`.
void add_options(Arguments& arguments, std::map<std::string, std::string>& given,
                 const std::vector<std::string_view>& names = {});

// What reading the data recognised, and every file it had to skip, on standard error.
void print_notes(const Dataset& data);

void print_json(const nlohmann::json& document);

// A line of progress that is rewritten on a terminal; elsewhere only finished lines appear.
class ProgressLine {
 public:
  ProgressLine();
  bool is_terminal() const { return is_terminal_; }
  double seconds() const;              // since it was made
  void show(const std::string& text);  // at most 20 times a second
  void finish(const std::string& text);

 private:
  bool is_terminal_;
  std::chrono::steady_clock::time_point start_, shown_;
};

}  // namespace mudra
