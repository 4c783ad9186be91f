#include "mudra/report/gnuplot.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "mudra/core/atomic_file.h"
#include "mudra/core/text.h"
#include "mudra/core/utf8.h"

// POSIX leaves declaring it to the program.
extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace mudra {

std::string run_gnuplot(std::string_view script, const std::filesystem::path& folder) {
  const std::string log = (folder / "gnuplot.log").string(), where = folder.string();
  write_file_atomically(folder / "script", script);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_addchdir_np(&actions, where.c_str());
  std::string program = "gnuplot", defaults = "-d", file = "script";
  char* arguments[] = {program.data(), defaults.data(), file.data(), nullptr};
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, program.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return failed == ENOENT ? "gnuplot is not installed" : std::strerror(failed);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  const std::string complaint =
      std::filesystem::exists(log) ? read_file(log, size_t{1} << 20) : std::string();
  return complaint.empty() ? "gnuplot failed" : "gnuplot failed: " + shorten(complaint, 200);
}

std::string gnuplot_text(std::string_view text, size_t most) {
  std::string quoted = "'";
  for (const char32_t point : code_points(shorten(text, most))) {
    const bool in_font =
        point < 0x0590 || (point >= 0x1E00 && point < 0x2C00 && (point < 0x200B || point > 0x200F));
    // gnuplot 5.4 does not read every doubled quote as a quote: show the typographic one.
    append_utf8(point == U'\'' ? U'\u2019' : in_font ? point : U'\u25A1', quoted);
  }
  return quoted + "'";
}

}  // namespace mudra
