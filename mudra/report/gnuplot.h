// Runs gnuplot on a script given through a pipe.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace mudra {

// Runs in `folder`, where the script's files are. Returns an empty text, or why it did not work.
std::string run_gnuplot(std::string_view script, const std::filesystem::path& folder);

// A text as gnuplot takes it literally: no substitution happens between single quotes. Characters the
// figures' font lacks become squares, for their stand-ins cover the whole figure.
std::string gnuplot_text(std::string_view text, size_t most = 200);

}  // namespace mudra
