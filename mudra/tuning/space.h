// What a search may choose, as a TOML file says it: a table for each option, with its limits or its choices.
//
//   [learning-rate]
//   low = 0.0003
//   high = 0.03
//   log = true                 # as likely between 0.001 and 0.01 as between 0.01 and 0.1
//
//   [network]
//   choices = ["dense {width}, relu", "conv {channels} 3x3, relu, pool 2, conv {channels*2} 3x3, relu"]
//
//   [width]                    # no option, but a word that a choice has in braces: drawn where that is
//   chosen low = 16                   # whole numbers, for both limits are high = 256
//
//   [momentum]
//   low = 0.8
//   high = 0.99
//   when.optimizer = ["momentum", "nesterov"]   # drawn only with these
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mudra/data/dataset.h"
#include "mudra/experiment/options.h"

namespace mudra {

struct Dimension {
  std::string name;                  // of an option, or of a word in braces
  bool is_option = false;            // otherwise a word
  std::vector<std::string> choices;  // or, where there are none, a number
  double low = 0, high = 0;          // from here to here
  bool is_log = false, is_whole = false;
  std::map<std::string, std::vector<std::string>> when;  // others, and which of their choices bring it in

  bool is_number() const { return choices.empty(); }
};

// What was drawn, by the names of the dimensions: of a number its value, else the place among the choices.
using Draw = std::map<std::string, double, std::less<>>;

// A plain value. Const member functions may be called from any thread.
class SearchSpace {
 public:
  // Throws a usage Error, with `where` as its place, for what is no space: a name that is no option, a value
  // that the option does not take, limits the wrong way round.
  static SearchSpace parse(std::string_view toml, const std::string& where);
  // "default", or a TOML file.
  static SearchSpace named(const std::string& name);

  // Those that a dimension depends on come before it.
  const std::vector<Dimension>& dimensions() const { return dimensions_; }
  // Whether it plays a part beside what was drawn of those before it.
  bool is_active(const Dimension& dimension, const Draw& before) const;

  // Without these options, which somebody has chosen (name: text), and without what plays no part beside
  // them.
  SearchSpace without(const std::map<std::string, std::string>& chosen) const;

  // Whether the space can have drawn it: all that plays a part, within its limits, and nothing else.
  bool could_draw(const Draw& draw) const;
  // The options drawn, as texts: words are put in their places.
  std::vector<std::pair<std::string, std::string>> texts(const Draw& draw) const;
  // `base` with what was drawn. Throws a usage Error when the options contradict each other.
  Options applied(Options base, const Draw& draw) const;

  // Every choice of a network, with the smallest and the largest numbers, must fit the data: throws a usage
  // Error that says which does not.
  void check_networks(const Options& base, const Dataset& data) const;

  // "learning-rate 0.0003 to 0.03, log", one line each. Two spaces with the same text are the same.
  std::string text() const;

 private:
  void check(const std::string& where) const;
  void order(const std::string& where);
  std::vector<Draw> corners() const;
  void want_what_brings_in(const Dimension& dimension, std::map<std::string, size_t>& wanted) const;

  std::vector<Dimension> dimensions_;
};

// A dimension's value, as it is shown and put in the place of a word.
std::string value_text(const Dimension& dimension, double value);

// The nearest number of three significant digits, which people can read; a whole one for a whole dimension.
double readable(const Dimension& dimension, double value);

}  // namespace mudra
