// The options of a command, declared by the command itself; arguments.cpp alone knows the parser.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/core/option.h"

namespace CLI {
class App;
}

namespace mudra {

// What a command does once its options are read.
using Action = std::function<void()>;

class Arguments {
 public:
  explicit Arguments(CLI::App& app) : app_(&app) {}

  // `name` is "DATA" for a positional and "--seed" for an option. T: std::string, int, int64_t, uint64_t,
  // double, std::optional<std::string> or std::vector<std::string>. The value must outlive the parsing.
  template <class T>
  void positional(const std::string& name, T& value, const std::string& help, bool required = true);
  template <class T>
  void option(const std::string& name, T& value, const std::string& help);
  void required_option(const std::string& name, std::string& value, const std::string& help);
  // An option that may stand without a value: `value` is then an empty text.
  void optional_value(const std::string& name, std::optional<std::string>& value, const std::string& help);
  void flag(const std::string& name, bool& value, const std::string& help);

  // A declared option, whose text goes into `given` under its name if the user gives it. --help shows it
  // under its group, with its choices and its default.
  void declared(const OptionInfo& option, const std::vector<std::string>& choices,
                const std::string& default_text, std::map<std::string, std::string>& given);
  // Lines to copy, at the end of --help.
  void examples(const std::vector<std::string>& lines);

  // A command of the command, such as `data inspect`.
  void subcommand(const std::string& name, const std::string& help,
                  const std::function<Action(Arguments&)>& declare);
  const std::vector<std::pair<CLI::App*, Action>>& subcommands() const { return subcommands_; }

 private:
  CLI::App* app_;
  std::vector<std::pair<CLI::App*, Action>> subcommands_;
};

struct Command {
  std::string_view name;
  std::string_view summary;
  Action (*declare)(Arguments&);
};

// Reads the command line, runs the command, and returns the exit status: 0 done, 1 failed, 2 wrong usage.
int run_command_line(int argc, char** argv, const std::vector<Command>& commands);

}  // namespace mudra
