#include "mudra/experiment/options.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <sstream>

#include "mudra/core/atomic_file.h"
#include "mudra/core/did_you_mean.h"
#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/core/thread_team.h"
#include "mudra/experiment/recipes.h"

namespace mudra {
namespace {

std::map<std::string, std::string> parse_toml(std::string_view toml, const std::string& where) {
  std::map<std::string, std::string> values;
  try {
    const toml::table table = toml::parse(toml);
    for (const auto& [key, node] : table) {
      std::string& text = values[std::string(key.str())];
      if (const toml::array* list = node.as_array()) {
        for (const toml::node& item : *list) {
          const auto word = item.value<std::string>();
          if (!word) throw usage_error("must be a list of texts", where + ": " + std::string(key.str()));
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
                          where + ": " + std::string(key.str()));
      }
    }
  } catch (const toml::parse_error& error) {
    throw usage_error(error.description(), where + ":" + std::to_string(error.source().begin.line),
                      "Write `name = value` lines of TOML");
  }
  return values;
}

std::map<std::string, std::string> read_toml(const std::filesystem::path& path) {
  return parse_toml(read_file(path, 1 << 20), path.string());
}

// Sets what a recipe, one in the program or a file, says.
void apply_recipe(Options& options, const std::string& name) {
  options.recipe = name;
  options.given.emplace("recipe");
  if (name.empty()) return;
  const auto known = std::ranges::find(recipes(), name, &NamedRecipe::name);
  if (known == recipes().end() && !std::filesystem::exists(name)) {
    std::vector<std::string> names;
    for (const NamedRecipe& recipe : recipes()) names.emplace_back(recipe.name);
    throw usage_error("there is no recipe '" + name + "'", "--recipe",
                      did_you_mean(name, names) + " Or name a TOML file");
  }
  for (const auto& [option, text] :
       known == recipes().end() ? read_toml(name) : parse_toml(known->toml, name)) {
    if (option == "recipe")
      throw usage_error("a recipe cannot start from another", name, "Copy what it says");
    set_option(options, option, text);
  }
}

// Whether a file leaves nothing for a recipe to say.
bool says_all(const std::map<std::string, std::string>& file) {
  bool all = true;
  const Options options;
  describe(options, [&](const OptionInfo& option, const auto&) {
    all = all && file.contains(std::string(option.name));
  });
  return all;
}

}  // namespace

SizeOption SizeOption::parse(std::string_view text) {
  SizeOption size;
  if (text.empty()) return size;
  const size_t cross = text.find('x');
  const std::string_view height = text.substr(0, cross);
  const std::string_view width = cross == text.npos ? text : text.substr(cross + 1);
  size = {parse_number<int>(height).value_or(0), parse_number<int>(width).value_or(0)};
  if (std::min(size.height, size.width) < 1 || std::max(size.height, size.width) > 4096) {
    throw usage_error("'" + std::string(text) + "' is not a size", "--size",
                      "Give height x width, such as 28x28");
  }
  return size;
}

std::string SizeOption::text() const {
  return height == 0 ? "" : std::to_string(height) + "x" + std::to_string(width);
}

RangeOption RangeOption::parse(std::string_view text) {
  if (text.empty()) return {};
  const size_t comma = text.find(',');
  const auto black = parse_number<double>(text.substr(0, comma));
  const auto white = parse_number<double>(comma == text.npos ? "" : text.substr(comma + 1));
  constexpr double most = 1e9;
  if (!black || !white || !(std::abs(*black) <= most && std::abs(*white) <= most) ||
      static_cast<float>(*black) == static_cast<float>(*white)) {
    throw usage_error("'" + std::string(text) + "' is not a range", "--range",
                      "Give the values that mean black and white, such as 0,255 or -1,1");
  }
  return {*black, *white};
}

std::string RangeOption::text() const { return black == white ? "" : text_of(black) + "," + text_of(white); }

void set_option(Options& options, std::string_view name, const std::string& text) {
  bool found = false;
  std::vector<std::string> names;
  describe(options, [&](const OptionInfo& option, auto& value) {
    names.emplace_back(option.name);
    if (option.name != name) return;
    found = true;
    options.given.emplace(name);
    set_from_text(option, value, text);
  });
  if (name == "from" && text == "none") options.from.clear();
  if (!found)
    throw usage_error("no option is called '" + std::string(name) + "'", {}, did_you_mean(name, names));
}

Options make_options(const std::filesystem::path& toml_file,
                     const std::map<std::string, std::string>& given) {
  const std::map<std::string, std::string> file =
      toml_file.empty() ? std::map<std::string, std::string>{} : read_toml(toml_file);
  Options options;
  if (given.contains("recipe")) apply_recipe(options, given.at("recipe"));
  try {
    if (!given.contains("recipe") && file.contains("recipe") && !says_all(file))
      apply_recipe(options, file.at("recipe"));
    for (const auto& [name, text] : file) set_option(options, name, text);
  } catch (const Error& error) {
    throw usage_error(error.what(), toml_file.string());
  }
  for (const auto& [name, text] : given) set_option(options, name, text);
  check_together(options);
  return options;
}

bool Options::operator==(const Options& other) const { return to_toml(*this) == to_toml(other); }

void check_together(const Options& options) {
  if (options.training.patience > 0 && options.validation == 0) {
    throw usage_error("needs a validation part, for the test part may choose nothing", "--patience",
                      "Add --validation 0.1");
  }
  if (options.training.freeze > 0 && options.from.empty()) {
    throw usage_error("would keep weights that nobody has trained", "--freeze",
                      "Name the model whose layers it keeps, such as --from hands");
  }
}

std::string to_toml(const Options& options) {
  toml::table table;
  describe(options, [&](const OptionInfo& option, const auto& value) {
    using T = std::decay_t<decltype(value)>;
    if constexpr (std::is_same_v<T, std::vector<std::string>>) {
      toml::array list;
      for (const std::string& word : value) list.push_back(word);
      table.insert(option.name, std::move(list));
    } else if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, double>) {
      table.insert(option.name, value);
    } else if constexpr (std::is_integral_v<T>) {
      table.insert(option.name, static_cast<int64_t>(value));
    } else {
      table.insert(option.name, text_of(value));
    }
  });
  std::ostringstream out;
  out << table << "\n";
  if (toml::parse(out.str()) != table) throw std::bad_alloc();  // streams keep it to themselves
  return out.str();
}

std::vector<std::pair<std::string, std::string>> option_texts(const Options& options) {
  std::vector<std::pair<std::string, std::string>> texts;
  describe(options, [&](const OptionInfo& option, const auto& value) {
    texts.emplace_back(option.name, text_of(value));
  });
  return texts;
}

int threads_allowed(const RunOptions& options) {
  const int processors = available_processors();
  return options.threads > 0 ? std::min(options.threads, processors) : processors;
}

}  // namespace mudra
