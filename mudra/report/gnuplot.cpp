#include "mudra/report/gnuplot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/core/text.h"
#include "mudra/core/utf8.h"

// POSIX leaves declaring it to the program.
extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace mudra {
namespace {

namespace fs = std::filesystem;

// Runs gnuplot in `folder`, where the script's files are. Returns an empty text, or why it did not work.
std::string run_gnuplot(std::string_view script, const fs::path& folder) {
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
  if (failed != 0)
    return failed == ENOENT ? "gnuplot is not installed. Install gnuplot-nox and fonts-dejavu-core"
                            : std::strerror(failed);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  const std::string complaint = fs::exists(log) ? read_file(log, size_t{1} << 20) : std::string();
  return complaint.empty() ? "gnuplot failed" : "gnuplot failed: " + shorten(complaint, 200);
}

// Takes a folder away when it is no longer needed.
struct Removal {
  ~Removal() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
  const fs::path& folder;
};

}  // namespace

bool in_font(char32_t point) {
  return point < 0x0590 || (point >= 0x1E00 && point < 0x2C00 && (point < 0x200B || point > 0x200F));
}

std::string gnuplot_text(std::string_view text) {
  std::string quoted = "'";
  for (const char32_t point : code_points(shorten(text, 200))) {
    // gnuplot 5.4 does not read every doubled quote as a quote: show the typographic one.
    append_utf8(point == U'\'' ? U'\u2019' : in_font(point) ? point : U'\u25A1', quoted);
  }
  return quoted + "'";
}

void Figure::add(const std::string& file, const Image& image, double left, double top, double scale) {
  std::string colours;
  for (const uint8_t value : image.bytes)
    colours.append(image.channels == 1 ? 3 : 1, static_cast<char>(value));
  images.emplace_back(file, colours);
  plots.push_back(fmt::format(
      "'{}' binary array=({},{}) format='%uchar' origin=({},{}) dx={} dy={} using 1:2:3 with rgbimage", file,
      image.width, image.height, left + scale / 2, top + scale / 2, scale, scale));
}

void Figure::use_pixels() {
  body += fmt::format(
      "unset border\nunset tics\nunset key\nset margins 0,0,0,0\nset xrange [0:{}]\nset yrange [{}:0]\n",
      width, height);
}

std::vector<std::string> draw(const std::vector<Figure>& figures, const fs::path& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed)
    throw Error("cannot make the folder: " + failed.message(), folder.string(), "Choose another folder");
  std::string name = (folder / ".drawing-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    throw Error(std::string("cannot make a folder to draw in: ") + std::strerror(errno), folder.string());
  const fs::path drawing = name;
  const Removal removal{drawing};
  std::string script = "set encoding utf8\n";
  for (const Figure& figure : figures) {
    for (const auto& [file, bytes] : figure.images) write_file_atomically(drawing / file, bytes);
    for (const auto& [terminal, kind] : {std::pair("pngcairo", "png"), {"svg", "svg"}}) {
      script += fmt::format(
          "reset\nset terminal {} size {},{} font 'DejaVu Sans,12' background rgb '#ffffff'\n"
          "set output '{}.{}'\n{}{}{}\nunset output\n",
          terminal, figure.width, figure.height, figure.name, kind, figure.body,
          figure.plots.empty() ? "" : "plot ", fmt::join(figure.plots, ", "));
    }
  }
  std::string failure = run_gnuplot(script, drawing);
  std::vector<std::pair<std::string, std::string>> files;
  for (size_t i = 0; i < figures.size() && failure.empty(); ++i) {
    for (const auto& [kind, end] : {std::pair(".png", "IEND\xAE\x42\x60\x82"), {".svg", "</svg>"}}) {
      const std::string file = figures[i].name + kind;
      // gnuplot does not tell when it cannot write.
      files.emplace_back(file, fs::exists(drawing / file) ? read_file(drawing / file) : "");
      if (files.back().second.find(end) == std::string::npos) failure = "gnuplot did not finish " + file;
    }
  }
  if (failure.empty()) {
    for (const auto& [file, bytes] : files) write_file_atomically(folder / file, bytes);
    return {};
  }
  // A disk that is full says so itself.
  write_file_atomically(drawing / "figures", std::string(size_t{1} << 20, ' '));
  return {"figures were not drawn: " + failure + ". All else is whole."};
}

}  // namespace mudra
