#include "mudra/features/augmentation.h"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <vector>

#include "mudra/core/did_you_mean.h"
#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/core/option.h"

namespace mudra {
namespace {

struct Setting {
  const char* name;
  double Augmentation::*value;
  double high;
  bool is_geometric = false;
};
constexpr Setting settings[] = {
    {"rotate", &Augmentation::rotate, 180, true},
    {"scale", &Augmentation::scale, 0.9, true},
    {"shear", &Augmentation::shear, 1, true},
    {"shift", &Augmentation::shift, 1000, true},
    {"elastic", &Augmentation::elastic, 1000, true},
    {"brightness", &Augmentation::brightness, 1},
    {"gamma", &Augmentation::gamma, 4},
    {"noise", &Augmentation::noise, 1},
    {"blur", &Augmentation::blur, 10},
    {"erase", &Augmentation::erase, 1},
    {"flip", &Augmentation::flip, 1, true},
    {"background", &Augmentation::background, 1},
    {"jpeg", &Augmentation::jpeg, 95},
};

[[noreturn]] void refuse(const std::string& what, const std::string& item, const std::string& remedy) {
  throw usage_error(what, "augment item '" + item + "'", remedy);
}

// `item` is "name number".
void read_item(const std::string& item, Augmentation& to) {
  std::istringstream in(item);
  in.exceptions(std::ios::badbit);  // lack of memory among them
  std::vector<std::string> words(std::istream_iterator<std::string>(in), {});
  const std::string form = "Write items such as `rotate 15, shift 2`";
  if (words.empty()) refuse("there is nothing between two commas", item, form);
  const auto setting = std::find_if(std::begin(settings), std::end(settings),
                                    [&](const Setting& s) { return words[0] == s.name; });
  if (setting == std::end(settings)) {
    std::vector<std::string> names;
    for (const Setting& s : settings) names.emplace_back(s.name);
    refuse("no change is called '" + words[0] + "'", item, did_you_mean(words[0], names));
  }
  const std::string range = "Give a number from 0 to " + text_of(setting->high);
  if (words.size() == 1) refuse("how much is missing", item, range);
  if (words.size() > 2) refuse("'" + words[2] + "' is not expected here", item, form);
  const auto value = parse_number<double>(words[1]);
  if (!value || !(*value >= 0 && *value <= setting->high))
    refuse("'" + words[1] + "' is not possible", item, range);
  to.*setting->value = *value;
}

std::string name_of(const std::string& item) {
  std::istringstream in(item);
  in.exceptions(std::ios::badbit);  // lack of memory among them
  std::string name;
  in >> name;
  return name;
}

}  // namespace

Augmentation Augmentation::parse(std::string_view text) {
  Augmentation augmentation;
  if (text.find_first_not_of(" \t") == std::string_view::npos) return augmentation;
  std::vector<std::string> seen;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string item(text.substr(begin, end - begin));
    read_item(item, augmentation);
    if (std::find(seen.begin(), seen.end(), name_of(item)) != seen.end()) {
      refuse("'" + name_of(item) + "' is there twice", item, "Keep one of them");
    }
    seen.push_back(name_of(item));
    begin = end + 1;
  }
  return augmentation;
}

std::string_view Augmentation::geometric() const {
  for (const Setting& setting : settings) {
    if (setting.is_geometric && this->*setting.value != 0) return setting.name;
  }
  return {};
}

std::string Augmentation::text() const {
  std::string text;
  for (const Setting& setting : settings) {
    if (this->*setting.value == 0) continue;
    text += (text.empty() ? "" : ", ") + std::string(setting.name) + " " + text_of(this->*setting.value);
  }
  return text;
}

}  // namespace mudra
