// The command line: finds the command that is meant, and says in one message what is wrong.
#include <fcntl.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <system_error>

#include "mudra/cli/commands.h"
#include "mudra/core/did_you_mean.h"
#include "mudra/core/error.h"
#include "mudra/core/text.h"
#include "mudra/layers/words.h"

namespace mudra {
namespace {

void complain(const std::string& message) {
  std::fflush(stdout);
  std::fprintf(stderr, "mudra: %s\n", clean(message).c_str());
}

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

std::vector<std::string> commands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

// A message for something on the command line that nothing knows.
std::string about_extras(const CLI::App& root) {
  const std::string word = root.remaining(true).front();
  const CLI::App* app = innermost(&root);
  std::vector<std::string> names = commands_of(*app);
  if (word.starts_with("-")) {
    names.clear();
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    return "no option is called '" + word.substr(0, word.find('=')) + "'. " +
           did_you_mean(word.substr(0, word.find('=')), names);
  }
  if (!names.empty()) return "no command is called '" + word + "'. " + did_you_mean(word, names);
  return "'" + word + "' is one argument too many";
}

std::string with_help(std::string what, const CLI::App& root) {
  while (what.ends_with('.')) what.pop_back();
  if (!what.ends_with('?')) what += '.';
  return what + " Try `" + full_name(innermost(&root)) + " --help`.";
}

// What the parser complains of, "Could not convert: --count = ten" in words.
std::string about(const CLI::ParseError& error) {
  const std::string all = error.what(), conversion = "Could not convert: ";
  std::string text = all.substr(0, all.find('\n'));
  const size_t equals = text.find(" = ");
  if (!text.starts_with(conversion) || equals == std::string::npos) return text;
  return text.substr(conversion.size(), equals - conversion.size()) + ": '" + text.substr(equals + 3) +
         "' is not possible. Give a number";
}

// What the parser lets pass: words that nothing knows, and a command left out.
void check_complete(const CLI::App& root) {
  if (!root.remaining(true).empty()) throw usage_error(about_extras(root));
  const std::vector<std::string> names = commands_of(*innermost(&root));
  if (!names.empty()) throw usage_error(fmt::format("name a command: {}", fmt::join(names, ", ")));
}

// Standard input, output and error that are closed become what can only be read: else the first file that is
// opened would be taken for one of them.
void fill_standard_descriptors() {
  for (int descriptor = 0; descriptor <= 2; ++descriptor) {
    if (::fcntl(descriptor, F_GETFD) < 0 && ::open("/dev/null", O_RDONLY) != descriptor)
      throw Error("cannot be opened", "/dev/null", "Leave standard input, output and error open");
  }
}

int run(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that leaves is a failed write, not a death
  CLI::App app("Learns hand signs from pictures and puts the result to work.", "mudra");
  app.set_version_flag("--version", MUDRA_VERSION);
  app.allow_extras();
  app.require_subcommand(0, 1);  // a word after a command is no command: a folder may be called `data`
  app.parse_complete_callback([&] { check_complete(app); });  // before the command's own
  try {
    fill_standard_descriptors();
    // Only the command that is meant need declare its options.
    for (const Command& command : commands) {
      CLI::App* sub = app.add_subcommand(command.name, command.summary);
      if (argc > 1 && std::string_view(command.name) == argv[1]) command.declare(*sub);
    }
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success& help_or_version) {
      app.exit(help_or_version);
    }
    if (std::fflush(stdout) != 0 || std::ferror(stdout)) {
      throw std::system_error(errno, std::generic_category());
    }
    return 0;
  } catch (const CLI::ParseError& error) {
    complain(with_help(about(error), app));
    return 2;
  } catch (const LineError& error) {
    complain(with_help(error.what(), app));
    if (const size_t line = error.picture().find('\n'); line != std::string::npos) {
      std::fprintf(stderr, "%s%s\n", clean(error.picture().substr(0, line)).c_str(),
                   error.picture().substr(line).c_str());
    }
    return 2;
  } catch (const Error& error) {
    complain(error.kind() == ErrorKind::usage ? with_help(error.what(), app) : error.what());
    return error.kind() == ErrorKind::usage ? 2 : 1;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::broken_pipe)
      return 1;  // the reader of a pipe has left: it wants no message
    if (error.code() == std::errc::resource_unavailable_try_again) {
      complain("the system gives no more threads. Use fewer --threads.");
      return 1;
    }
    complain(std::ferror(stdout) ? "cannot write to standard output: " + error.code().message() + "."
                                 : std::string(error.what()));
  } catch (const std::exception& error) {
    complain(error.what());
  }
  return 1;
}

std::atomic<bool> lacked_memory = false;
std::terminate_handler ends_otherwise;

// A message that needs no memory.
int say_no_memory() {
  std::fputs("mudra: not enough memory. Use fewer or smaller images, or a smaller network.\n", stderr);
  return 1;
}

// Without memory some functions of libraries throw that may not, such as the destructor of a json.
void end_without_memory() {
  std::set_new_handler([] {
    lacked_memory = true;
    throw std::bad_alloc();
  });
  ends_otherwise = std::set_terminate([] {
    if (lacked_memory) std::_Exit(say_no_memory());
    ends_otherwise();
  });
}

}  // namespace
}  // namespace mudra

int main(int argc, char** argv) {
  mudra::end_without_memory();
  try {
    return mudra::run(argc, argv);
  } catch (...) {
    return mudra::say_no_memory();
  }
}
