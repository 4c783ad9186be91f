#include "mudra/tuning/space.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <set>

#include "mudra/core/atomic_file.h"
#include "mudra/core/did_you_mean.h"
#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/core/text.h"
#include "mudra/experiment/experiment.h"
#include "mudra/tuning/spaces.h"

namespace mudra {
namespace {

constexpr size_t most_at_once = 256;  // tables, and choices of one

// The names of the options that may be searched: of the network and the training. Epochs are what trials
// share, and patience would need a part of the images that a trial does not have.
std::vector<std::string> searchable() {
  std::vector<std::string> names;
  const Options options;
  describe(options, [&](const OptionInfo& option, const auto&) {
    const bool is_of_training = option.group == "Network" || option.group == "Training";
    if (is_of_training && option.name != "epochs" && option.name != "patience")
      names.emplace_back(option.name);
  });
  return names;
}

bool is_an_option(std::string_view name) {
  bool found = false;
  const Options options;
  describe(options, [&](const OptionInfo& option, const auto&) { found = found || option.name == name; });
  return found;
}

// {channels} or {channels*2} in a choice.
struct Word {
  size_t begin = 0, end = 0;  // in the text, with its braces
  std::string name;
  double times = 1;
};

std::optional<Word> next_word(const std::string& text, size_t from) {
  const size_t begin = text.find('{', from), end = text.find('}', begin);
  if (begin == text.npos || end == text.npos) return std::nullopt;
  const std::string inside = text.substr(begin + 1, end - begin - 1);
  const size_t star = inside.find('*');
  const double times = star == inside.npos ? 1 : parse_number<double>(inside.substr(star + 1)).value_or(0);
  if (times <= 0) throw usage_error("'{" + inside + "}' is not possible", {}, "Write {width} or {width*2}");
  return Word{begin, end + 1, inside.substr(0, star), times};
}

std::vector<std::string> words_in(const std::string& text) {
  std::vector<std::string> words;
  for (auto word = next_word(text, 0); word; word = next_word(text, word->end)) words.push_back(word->name);
  return words;
}

bool has_word(const std::string& text, const std::string& name) {
  const std::vector<std::string> words = words_in(text);
  return std::ranges::find(words, name) != words.end();
}

double number_of(const toml::node& node, std::string_view what) {
  const auto value = node.value<double>();
  if (!value || !std::isfinite(*value)) throw usage_error("'" + std::string(what) + "' must be a number");
  return *value;
}

std::string choice_text(const toml::node& node) {
  if (node.is_string()) return *node.value<std::string>();
  if (node.is_boolean()) return text_of(*node.value<bool>());
  if (node.is_integer()) return std::to_string(*node.value<int64_t>());
  if (node.is_floating_point()) return text_of(*node.value<double>());
  throw usage_error("choices are texts, numbers, true or false");
}

std::vector<std::string> choices_from(const toml::node& node) {
  std::vector<std::string> choices;
  if (const toml::array* list = node.as_array()) {
    for (const toml::node& choice : *list) choices.push_back(choice_text(choice));
  } else {
    choices.push_back(choice_text(node));
  }
  if (choices.empty()) throw usage_error("a list of choices is empty");
  if (choices.size() > most_at_once)
    throw usage_error("has more than " + std::to_string(most_at_once) + " choices", {},
                      "Search less at once");
  return choices;
}

Dimension dimension_from(std::string name, const toml::table& table) {
  Dimension made;
  made.name = std::move(name);
  bool has_low = false, has_high = false, is_low_whole = false, is_high_whole = false;
  for (const auto& [key, node] : table) {
    const std::string_view what = key.str();
    if (what == "choices") {
      made.choices = choices_from(node);
    } else if (what == "low") {
      made.low = number_of(node, what);
      has_low = true;
      is_low_whole = node.is_integer();
    } else if (what == "high") {
      made.high = number_of(node, what);
      has_high = true;
      is_high_whole = node.is_integer();
    } else if (what == "log") {
      if (!node.is_boolean()) throw usage_error("'log' must be true or false");
      made.is_log = *node.value<bool>();
    } else if (what == "when" && node.is_table()) {
      for (const auto& [other, choices] : *node.as_table())
        made.when[std::string(other.str())] = choices_from(choices);
    } else {
      throw usage_error("'" + std::string(what) + "' is not possible here", {},
                        did_you_mean(what, {"low", "high", "log", "choices", "when"}));
    }
  }
  if (!made.choices.empty() && (has_low || has_high || made.is_log))
    throw usage_error("has both choices and limits", {}, "Give one of them");
  if (made.choices.empty() && !(has_low && has_high))
    throw usage_error("says neither its choices nor its limits", {}, "Give choices, or low and high");
  made.is_whole = is_low_whole && is_high_whole;
  if (made.is_number() && !(made.low < made.high)) throw usage_error("its low is not below its high");
  if (made.is_log && !(made.low > 0)) throw usage_error("on a logarithmic scale low must be above 0");
  return made;
}

}  // namespace

std::string value_text(const Dimension& dimension, double value) {
  return dimension.is_number() ? text_of(value) : dimension.choices.at(static_cast<size_t>(value));
}

double readable(const Dimension& dimension, double value) {
  const double rounded = dimension.is_whole
                             ? std::floor(value + 0.5)
                             : parse_number<double>(fmt::format("{:.2e}", value)).value_or(value);
  return std::clamp(rounded, dimension.low, dimension.high);
}

SearchSpace SearchSpace::parse(std::string_view toml, const std::string& where) {
  SearchSpace space;
  try {
    const toml::table table = toml::parse(toml);
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      try {
        if (!node.is_table()) throw usage_error("must be a table", {}, "Write [" + name + "] and its limits");
        space.dimensions_.push_back(dimension_from(name, *node.as_table()));
      } catch (const Error& error) {
        throw usage_error(error.what(), where + ": " + name);
      }
    }
  } catch (const toml::parse_error& error) {
    throw usage_error(error.description(), where + ":" + std::to_string(error.source().begin.line),
                      "Write TOML: a table for each option");
  }
  if (space.dimensions_.empty()) throw usage_error("says nothing that may be chosen", where);
  if (space.dimensions_.size() > most_at_once)
    throw usage_error("has more than " + std::to_string(most_at_once) + " tables", where,
                      "Search less at once");
  space.order(where);
  space.check(where);
  return space;
}

SearchSpace SearchSpace::named(const std::string& name) {
  if (name == "default") return parse(default_space(), "the default space");
  std::string text;
  try {
    text = read_file(name, 1 << 20);
  } catch (const Error& error) {
    throw usage_error(error.what(), "--space", "Name a TOML file, or default");
  }
  return parse(text, name);
}

// Names known, and a dimension behind all it depends on; those that depend on nothing else keep the order of
// their names.
void SearchSpace::order(const std::string& where) {
  const std::vector<std::string> options = searchable();
  std::set<std::string> words;
  for (const Dimension& dimension : dimensions_) {
    for (const std::string& choice : dimension.choices) {
      try {
        for (const std::string& word : words_in(choice)) words.insert(word);
      } catch (const Error& error) {
        throw usage_error(error.what(), where + ": " + dimension.name);
      }
    }
  }
  std::vector<std::string> names;
  for (Dimension& dimension : dimensions_) {
    const std::string place = where + ": " + dimension.name;
    names.push_back(dimension.name);
    dimension.is_option = std::ranges::find(options, dimension.name) != options.end();
    if (dimension.is_option || words.contains(dimension.name)) continue;
    if (is_an_option(dimension.name))
      throw usage_error("is no option that can be searched", place,
                        "Give it on the command line, the same for all trials");
    throw usage_error("no option is called so, and no choice has {" + dimension.name + "}", place,
                      did_you_mean(dimension.name, options));
  }
  for (const std::string& word : words) {
    if (std::ranges::find(names, word) == names.end())
      throw usage_error("a choice has {" + word + "}, and nothing says what that is", where,
                        "Add [" + word + "] with its low and high");
  }
  std::vector<Dimension> sorted;
  std::set<std::string> done;
  while (sorted.size() < dimensions_.size()) {
    const size_t before = sorted.size();
    for (const Dimension& dimension : dimensions_) {
      const auto waits_for = [&](const Dimension& other) {
        const bool is_word = std::ranges::any_of(
            other.choices, [&](const std::string& text) { return has_word(text, dimension.name); });
        return !done.contains(other.name) && (is_word || dimension.when.contains(other.name));
      };
      if (done.contains(dimension.name) || std::ranges::any_of(dimensions_, waits_for)) continue;
      sorted.push_back(dimension);
      done.insert(dimension.name);
    }
    if (sorted.size() == before)
      throw usage_error("dimensions wait for each other", where, "Break the circle of `when` and words");
  }
  dimensions_ = std::move(sorted);
}

void SearchSpace::check(const std::string& where) const {
  for (const Dimension& dimension : dimensions_) {
    for (const auto& [name, choices] : dimension.when) {
      const auto other = std::ranges::find(dimensions_, name, &Dimension::name);
      for (const std::string& choice : choices) {
        if (other != dimensions_.end() && std::ranges::find(other->choices, choice) != other->choices.end())
          continue;
        throw usage_error("'" + name + "' is never '" + choice + "' in this space",
                          where + ": " + dimension.name + ".when");
      }
    }
  }
  for (const Draw& corner : corners()) {
    try {
      applied({}, corner);
    } catch (const Error& error) {
      throw usage_error(error.what(), where);
    }
  }
}

// Draws that together have every choice, each with the smallest and with the largest numbers. What brings a
// dimension in is chosen for it.
std::vector<Draw> SearchSpace::corners() const {
  std::vector<Draw> corners;
  for (const Dimension& dimension : dimensions_) {
    for (size_t choice = 0; choice < std::max<size_t>(1, dimension.choices.size()); ++choice) {
      std::map<std::string, size_t> wanted{{dimension.name, choice}};
      for (size_t i = dimensions_.size(); i-- > 0;) {
        if (wanted.contains(dimensions_[i].name)) want_what_brings_in(dimensions_[i], wanted);
      }
      for (const bool is_largest : {false, true}) {
        Draw draw;
        for (const Dimension& each : dimensions_) {
          if (!is_active(each, draw)) continue;
          const double number = is_largest ? each.high : each.low;
          draw[each.name] = each.is_number() ? number : static_cast<double>(wanted[each.name]);
        }
        corners.push_back(std::move(draw));
      }
    }
  }
  return corners;
}

// Adds the choices of others that a dimension depends on, where none is wanted yet.
void SearchSpace::want_what_brings_in(const Dimension& dimension,
                                      std::map<std::string, size_t>& wanted) const {
  bool is_word_wanted = dimension.is_option;
  for (const Dimension& other : dimensions_) {
    const auto place = [&](const auto& is_right) {
      return static_cast<size_t>(std::ranges::find_if(other.choices, is_right) - other.choices.begin());
    };
    if (const auto when = dimension.when.find(other.name); when != dimension.when.end())
      wanted.try_emplace(other.name,
                         place([&](const std::string& text) { return text == when->second.front(); }));
    const size_t holds = place([&](const std::string& text) { return has_word(text, dimension.name); });
    if (is_word_wanted || holds == other.choices.size()) continue;
    wanted.try_emplace(other.name, holds);
    is_word_wanted = has_word(other.choices[wanted[other.name]], dimension.name);
  }
}

bool SearchSpace::is_active(const Dimension& dimension, const Draw& before) const {
  const auto chosen = [&](const Dimension& other) -> const std::string* {
    const auto at = before.find(other.name);
    return at == before.end() || other.is_number() ? nullptr
                                                   : &other.choices.at(static_cast<size_t>(at->second));
  };
  bool is_word_wanted = dimension.is_option;
  for (const Dimension& other : dimensions_) {
    const std::string* choice = chosen(other);
    if (const auto when = dimension.when.find(other.name); when != dimension.when.end()) {
      if (choice == nullptr || std::ranges::find(when->second, *choice) == when->second.end()) return false;
    }
    is_word_wanted = is_word_wanted || (choice != nullptr && has_word(*choice, dimension.name));
  }
  return is_word_wanted;
}

SearchSpace SearchSpace::without(const std::map<std::string, std::string>& chosen) const {
  SearchSpace left;
  for (Dimension dimension : dimensions_) {
    bool plays_a_part = !chosen.contains(dimension.name);
    std::erase_if(dimension.when, [&](const auto& when) {
      const auto at = chosen.find(when.first);
      if (at == chosen.end()) return false;
      plays_a_part = plays_a_part && std::ranges::find(when.second, at->second) != when.second.end();
      return true;
    });
    if (plays_a_part) left.dimensions_.push_back(std::move(dimension));
  }
  std::erase_if(left.dimensions_, [&](const Dimension& dimension) {
    return !dimension.is_option && std::ranges::none_of(left.dimensions_, [&](const Dimension& other) {
      return std::ranges::any_of(other.choices,
                                 [&](const std::string& text) { return has_word(text, dimension.name); });
    });
  });
  return left;
}

bool SearchSpace::could_draw(const Draw& draw) const {
  Draw known;
  for (const Dimension& dimension : dimensions_) {
    if (!is_active(dimension, known)) continue;
    const auto at = draw.find(dimension.name);
    if (at == draw.end()) return false;
    const double value = at->second, low = dimension.is_number() ? dimension.low : 0;
    const double high =
        dimension.is_number() ? dimension.high : static_cast<double>(dimension.choices.size()) - 1;
    const bool is_whole = dimension.is_whole || !dimension.is_number();
    if (!(value >= low && value <= high) || (is_whole && value != std::floor(value))) return false;
    known[dimension.name] = value;
  }
  return known.size() == draw.size();
}

std::vector<std::pair<std::string, std::string>> SearchSpace::texts(const Draw& draw) const {
  const std::function<std::string(const Dimension&)> text_for = [&](const Dimension& dimension) {
    std::string text = value_text(dimension, draw.at(dimension.name));
    if (dimension.is_number()) return text;
    std::string filled;
    size_t from = 0;
    for (auto word = next_word(text, 0); word; word = next_word(text, word->end)) {
      const auto& other = *std::ranges::find(dimensions_, word->name, &Dimension::name);
      filled += text.substr(from, word->begin - from);
      const double value = draw.at(other.name);
      filled += other.is_number()
                    ? text_of(other.is_whole ? std::floor(value * word->times + 0.5) : value * word->times)
                    : text_for(other);
      from = word->end;
      constexpr size_t longest = 10'000;  // words within words double with every level
      if (filled.size() > longest) throw usage_error("becomes too long", dimension.name, "Nest fewer words");
    }
    return filled + text.substr(from);
  };
  std::vector<std::pair<std::string, std::string>> texts;
  for (const Dimension& dimension : dimensions_) {
    if (dimension.is_option && draw.contains(dimension.name))
      texts.emplace_back(dimension.name, text_for(dimension));
  }
  return texts;
}

Options SearchSpace::applied(Options base, const Draw& draw) const {
  for (const auto& [name, text] : texts(draw)) set_option(base, name, text);
  check_together(base);
  return base;
}

void SearchSpace::check_networks(const Options& base, const Dataset& data) const {
  for (const Draw& corner : corners()) {
    const Options options = applied(base, corner);
    try {
      network_for(options, data);
    } catch (const Error& error) {
      throw usage_error(error.what(), "--space: the network '" + options.network + "'",
                        "Leave it out of the choices");
    }
  }
}

std::string SearchSpace::text() const {
  std::string text;
  for (const Dimension& dimension : dimensions_) {
    text += dimension.name + " ";
    if (dimension.is_number()) {
      text += text_of(dimension.low) + " to " + text_of(dimension.high);
      text += std::string(dimension.is_whole ? ", whole" : "") + (dimension.is_log ? ", log" : "");
    } else {
      for (const std::string& choice : dimension.choices)
        text += (&choice == dimension.choices.data() ? "'" : " | '") + choice + "'";
    }
    for (const auto& [name, choices] : dimension.when) {
      text += " when " + name + " is";
      for (const std::string& choice : choices) text += " '" + choice + "'";
    }
    text += "\n";
  }
  return text;
}

}  // namespace mudra
