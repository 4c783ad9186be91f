#include "mudra/training/options.h"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <type_traits>

#include "mudra/core/atomic_file.h"
#include "mudra/core/did_you_mean.h"
#include "mudra/core/error.h"

namespace mudra {
namespace {

std::string number_text(double value) {
  char buffer[64];
  const bool whole = value == std::floor(value) && std::fabs(value) < 1e15;  // 1000000, not 1e+06
  const auto end = whole ? std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed).ptr
                         : std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return std::string(buffer, end);
}

std::string range_text(const Range& range) {
  if (range.low_excluded) return "above " + number_text(range.low);
  std::string text = "at least " + number_text(range.low);
  if (range.high < 1e300) text += " and at most " + number_text(range.high);
  return text;
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

[[noreturn]] void refuse(std::string_view name, const std::string& text, const std::string& remedy) {
  throw usage_error("'" + text + "' is not possible", "--" + std::string(name), remedy);
}

template <class T>
void set_number(std::string_view name, T& value, const std::string& text, const Range& range) {
  T parsed{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  const double size = static_cast<double>(parsed);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || !(range.low_excluded ? size > range.low : size >= range.low) || !(size <= range.high)) {
    refuse(
        name, text,
        std::string(std::is_integral_v<T> ? "Give a whole number " : "Give a number ") + range_text(range));
  }
  value = parsed;
}

void set_value(std::string_view name, std::string& value, const std::string& text,
               const std::vector<std::string_view>& words) {
  if (!words.empty() && std::find(words.begin(), words.end(), text) == words.end()) {
    refuse(name, text, did_you_mean(text, std::vector<std::string>(words.begin(), words.end())));
  }
  value = text;
}

void set_value(std::string_view, std::vector<std::string>& value, const std::string& text,
               const std::vector<std::string_view>&) {
  value = split_list(text);
}

void set_value(std::string_view name, bool& value, const std::string& text,
               const std::vector<std::string_view>&) {
  if (text != "true" && text != "false") refuse(name, text, "Give true or false");
  value = text == "true";
}

template <class T>
void set_value(std::string_view name, T& value, const std::string& text, const Range& range) {
  set_number(name, value, text, range);
}

std::string text_of(const std::string& value) { return value; }
std::string text_of(bool value) { return value ? "true" : "false"; }
std::string text_of(double value) { return number_text(value); }
template <class T>
requires std::is_integral_v<T> std::string text_of(T value) { return std::to_string(value); }
std::string text_of(const std::vector<std::string>& value) {
  std::string text;
  for (const std::string& part : value) text += (text.empty() ? "" : ",") + part;
  return text;
}

// What a recipe changes of the defaults.
void apply_recipe(Options& options, const std::string& name) {
  set_option(options, "recipe", name);
  if (name == "report") {
    options.classes = {"0", "5"};
    options.network = "dense 128, sigmoid";
    options.init = "normal";
    options.optimizer = "sgd";
    options.learning_rate = 0.01;
    options.epochs = 100;
    options.batch_size = 32;
    options.shuffle = false;
    options.split = "0.8";
  }
}

std::map<std::string, std::string> read_toml(const std::filesystem::path& path) {
  std::map<std::string, std::string> values;
  try {
    const toml::table table = toml::parse(read_file(path, 1 << 20));
    for (const auto& [key, node] : table) {
      std::string& text = values[std::string(key.str())];
      if (const toml::array* list = node.as_array()) {
        for (const toml::node& item : *list) {
          const auto word = item.value<std::string>();
          if (!word)
            throw usage_error("must be a list of texts", path.string() + ": " + std::string(key.str()));
          text += (text.empty() ? "" : ",") + *word;
        }
      } else if (node.is_string()) {
        text = *node.value<std::string>();
      } else if (node.is_boolean()) {
        text = text_of(*node.value<bool>());
      } else if (node.is_integer()) {
        text = std::to_string(*node.value<int64_t>());
      } else if (node.is_floating_point()) {
        text = text_of(*node.value<double>());
      } else {
        throw usage_error("must be a number, a text or a list of texts",
                          path.string() + ": " + std::string(key.str()));
      }
    }
  } catch (const toml::parse_error& error) {
    std::ostringstream where;
    where << path.string() << ":" << error.source().begin.line;
    throw usage_error(std::string(error.description()), where.str(), "Write `name = value` lines of TOML");
  }
  return values;
}

}  // namespace

void set_option(Options& options, std::string_view name, const std::string& text) {
  bool found = false;
  std::vector<std::string> names;
  describe(options, [&](std::string_view option, auto& value, std::string_view, const auto& limits) {
    names.emplace_back(option);
    if (option != name) return;
    found = true;
    set_value(name, value, text, limits);
  });
  if (!found)
    throw usage_error("no option is called '" + std::string(name) + "'", {}, did_you_mean(name, names));
}

std::string option_text(const Options& options, std::string_view name) {
  std::string text;
  describe(options, [&](std::string_view option, const auto& value, std::string_view, const auto&) {
    if (option == name) text = text_of(value);
  });
  return text;
}

Options make_options(const std::filesystem::path& toml_file,
                     const std::map<std::string, std::string>& given) {
  const std::map<std::string, std::string> file =
      toml_file.empty() ? std::map<std::string, std::string>{} : read_toml(toml_file);
  Options options;
  const bool is_recipe_given = given.contains("recipe");
  if (is_recipe_given) apply_recipe(options, given.at("recipe"));
  try {
    if (!is_recipe_given && file.contains("recipe")) apply_recipe(options, file.at("recipe"));
    for (const auto& [name, text] : file) set_option(options, name, text);
  } catch (const Error& error) {
    throw usage_error(error.what(), toml_file.string());
  }
  for (const auto& [name, text] : given) set_option(options, name, text);
  return options;
}

std::string to_toml(const Options& options) {
  toml::table table;
  describe(options, [&](std::string_view name, const auto& value, std::string_view, const auto&) {
    using T = std::decay_t<decltype(value)>;
    if constexpr (std::is_same_v<T, std::vector<std::string>>) {
      toml::array list;
      for (const std::string& word : value) list.push_back(word);
      table.insert(name, std::move(list));
    } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      table.insert(name, static_cast<int64_t>(value));
    } else {
      table.insert(name, value);
    }
  });
  std::ostringstream out;
  out << table << "\n";
  return out.str();
}

std::vector<std::pair<std::string, std::string>> to_pairs(const Options& options) {
  std::vector<std::pair<std::string, std::string>> pairs;
  describe(options, [&](std::string_view name, const auto& value, std::string_view, const auto&) {
    pairs.emplace_back(name, text_of(value));
  });
  return pairs;
}

}  // namespace mudra
