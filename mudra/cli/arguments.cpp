#include "mudra/cli/arguments.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>
#include <system_error>

#include "mudra/core/did_you_mean.h"
#include "mudra/core/error.h"
#include "mudra/layers/words.h"

namespace mudra {
namespace {

void complain(const std::string& message) {
  std::fflush(stdout);
  std::fprintf(stderr, "mudra: %s\n", message.c_str());
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// The innermost command that was named on the command line.
const CLI::App* innermost(const CLI::App* app) {
  for (const CLI::App* named : app->get_subcommands()) return innermost(named);
  return app;
}

std::string full_name(const CLI::App* app) {
  std::string name = app->get_name();
  for (const CLI::App* up = app->get_parent(); up; up = up->get_parent())
    name.insert(0, up->get_name() + " ");
  return name;
}

// A message for something on the command line that nothing knows.
std::string about_extras(const CLI::App& root) {
  const std::string word = root.remaining(true).front();
  const CLI::App* app = innermost(&root);
  std::vector<std::string> names;
  if (word.starts_with("-")) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    return "no option is called '" + word.substr(0, word.find('=')) + "'. " +
           did_you_mean(word.substr(0, word.find('=')), names);
  }
  for (const CLI::App* command : app->get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  if (!names.empty()) return "no command is called '" + word + "'. " + did_you_mean(word, names);
  return "'" + word + "' is one argument too many";
}

std::string with_help(std::string what, const CLI::App& root) {
  while (what.ends_with('.')) what.pop_back();
  if (!what.ends_with('?')) what += '.';
  return what + " Try `" + full_name(innermost(&root)) + " --help`.";
}

// "Could not convert: --count = ten", in words.
std::string about_conversion(const std::string& text) {
  const std::string what = text.substr(text.find(": ") + 2);
  const size_t equals = what.find(" = ");
  if (equals == std::string::npos) return text;
  return what.substr(0, equals) + ": '" + what.substr(equals + 3) + "' is not possible. Give a number";
}

// What the parser lets pass: words that nothing knows, and a command left out.
void check_complete(const CLI::App& root) {
  if (!root.remaining(true).empty()) throw usage_error(about_extras(root));
  const CLI::App* app = innermost(&root);
  std::string names;
  for (const CLI::App* command : app->get_subcommands([](const CLI::App*) { return true; })) {
    names += (names.empty() ? "" : ", ") + command->get_name();
  }
  if (!names.empty()) throw usage_error("name a command: " + names);
}

}  // namespace

template <class T>
void Arguments::positional(const std::string& name, T& value, const std::string& help, bool required) {
  CLI::Option* option = app_->add_option(name, value, help);
  if (required) option->required();
}

template <class T>
void Arguments::option(const std::string& name, T& value, const std::string& help) {
  app_->add_option(name, value, help)->capture_default_str();
}

// NOLINTBEGIN(bugprone-macro-parentheses): T is a type
#define MUDRA_ARGUMENT(T)                                                                \
  template void Arguments::positional(const std::string&, T&, const std::string&, bool); \
  template void Arguments::option(const std::string&, T&, const std::string&);
MUDRA_ARGUMENT(std::string)
MUDRA_ARGUMENT(std::optional<std::string>)
MUDRA_ARGUMENT(std::vector<std::string>)
MUDRA_ARGUMENT(int)
MUDRA_ARGUMENT(int64_t)
MUDRA_ARGUMENT(uint64_t)
MUDRA_ARGUMENT(double)
#undef MUDRA_ARGUMENT
// NOLINTEND(bugprone-macro-parentheses)

void Arguments::required_option(const std::string& name, std::string& value, const std::string& help) {
  app_->add_option(name, value, help)->required();
}

void Arguments::optional_value(const std::string& name, std::optional<std::string>& value,
                               const std::string& help) {
  app_->add_option_function<std::vector<std::string>>(
          name,
          [&value](const std::vector<std::string>& given) {
            value = given.empty() || given.back() == "{}" ? std::string() : given.back();
          },
          help)
      ->expected(0, 1)
      ->type_name("[TEXT]");
}

void Arguments::flag(const std::string& name, bool& value, const std::string& help) {
  app_->add_flag(name, value, help);
}

void Arguments::declared(const OptionInfo& option, const std::vector<std::string>& choices,
                         const std::string& default_text, std::map<std::string, std::string>& given) {
  const std::string name(option.name), flag = "--" + name;
  std::string help(option.help), words;
  for (const std::string& choice : choices) {
    if (!choice.empty()) words += (words.empty() ? "" : ", ") + choice;
  }
  if (!words.empty()) help += ": " + words;
  CLI::Option* made = nullptr;
  if (default_text == "false") {  // needs no value: saying it turns it on
    made = app_->add_flag_callback(
        flag, [&given, name] { given[name] = "true"; }, help);
  } else {
    made = app_->add_option_function<std::string>(
        flag, [&given, name](const std::string& text) { given[name] = text; }, help);
    made->default_str(default_text)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  made->group(std::string(option.group));
}

void Arguments::examples(const std::vector<std::string>& lines) {
  std::string text = "Examples:";
  for (const std::string& line : lines) text += "\n  " + line;
  app_->footer(text);
}

void Arguments::subcommand(const std::string& name, const std::string& help,
                           const std::function<Action(Arguments&)>& declare) {
  CLI::App* app = app_->add_subcommand(name, help);
  app->allow_extras();
  app_->require_subcommand(0, 1);
  Arguments arguments(*app);
  subcommands_.emplace_back(app, declare(arguments));
}

int run_command_line(int argc, char** argv, const std::vector<Command>& commands) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that leaves is a failed write, not a death
  CLI::App app("Learns hand signs from pictures and puts the result to work.", "mudra");
  app.set_version_flag("--version", MUDRA_VERSION);
  app.allow_extras();
  app.require_subcommand(0, 1);  // a word after a command is no command: a folder may be called `data`
  std::vector<std::unique_ptr<Arguments>> declared;
  std::vector<std::pair<CLI::App*, Action>> actions;
  // Only the command that is meant need declare its options.
  for (const Command& command : commands) {
    CLI::App* sub = app.add_subcommand(std::string(command.name), std::string(command.summary));
    sub->allow_extras();
    if (argc < 2 || command.name != argv[1]) continue;
    declared.push_back(std::make_unique<Arguments>(*sub));
    const Action action = command.declare(*declared.back());
    if (action) actions.emplace_back(sub, action);
    for (const auto& nested : declared.back()->subcommands()) actions.push_back(nested);
  }
  try {
    try {
      app.parse(argc, argv);
      check_complete(app);
      for (const auto& [sub, action] : actions) {
        if (sub->parsed()) action();
      }
    } catch (const CLI::Success& help_or_version) {
      app.exit(help_or_version);
    }
    if (std::fflush(stdout) != 0 || std::ferror(stdout)) {
      throw std::system_error(errno, std::generic_category());
    }
    return 0;
  } catch (const CLI::ConversionError& error) {
    complain(with_help(about_conversion(error.what()), app));
    return 2;
  } catch (const CLI::ParseError& error) {
    complain(with_help(first_line(error.what()), app));
    return 2;
  } catch (const LineError& error) {
    complain(with_help(error.what(), app));
    if (!error.picture().empty()) std::fprintf(stderr, "%s\n", error.picture().c_str());
    return 2;
  } catch (const Error& error) {
    complain(error.kind() == ErrorKind::usage ? with_help(error.what(), app) : error.what());
    return error.kind() == ErrorKind::usage ? 2 : 1;
  } catch (const std::bad_alloc&) {
    complain("not enough memory. Use fewer or smaller images, or a smaller network.");
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::broken_pipe)
      return 1;  // the reader of a pipe has left: it wants no message
    complain(std::ferror(stdout) ? "cannot write to standard output: " + error.code().message() + "."
                                 : std::string(error.what()));
  } catch (const std::exception& error) {
    complain(error.what());
  }
  return 1;
}

}  // namespace mudra
