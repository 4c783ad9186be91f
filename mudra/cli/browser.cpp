#include "mudra/cli/browser.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>
#include <system_error>
#include <thread>

#include "mudra/cli/output.h"

namespace mudra {
namespace {

// No shell sees the address. The browser is of a session of its own, so that Ctrl-C here does not end it, and
// has none of our files.
std::optional<pid_t> started(const std::string& url) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  if (posix_spawn_file_actions_init(&files) != 0) return std::nullopt;
  if (posix_spawnattr_init(&attributes) != 0) {
    posix_spawn_file_actions_destroy(&files);
    return std::nullopt;
  }
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  bool is_ready = posix_spawnattr_setsigdefault(&attributes, &broken_pipe) == 0 &&
                  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF) == 0;
  for (const int descriptor : {0, 1, 2})
    is_ready = is_ready && posix_spawn_file_actions_addopen(&files, descriptor, "/dev/null", O_RDWR, 0) == 0;
  std::string program = "xdg-open", address = url;
  char* const arguments[] = {program.data(), address.data(), nullptr};
  pid_t process = 0;
  const bool is_started =
      is_ready && posix_spawnp(&process, program.c_str(), &files, &attributes, arguments, environ) == 0;
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return is_started ? std::optional(process) : std::nullopt;
}

void say_there_is_none(const std::string& url) {
  say(stderr, "browser   none could be opened: go to {} yourself\n", url);
}

}  // namespace

void show_in_browser(const std::string& url) {
  const std::optional<pid_t> process = started(url);
  if (!process) return say_there_is_none(url);
  try {
    // xdg-open may be there without a browser, and may take as long as the browser does.
    std::thread([process = *process, url] {
      int status = 0;
      if (waitpid(process, &status, 0) == process && status != 0) say_there_is_none(url);
    }).detach();
  } catch (const std::system_error&) {  // no thread: then it is not waited for
  }
}

}  // namespace mudra
