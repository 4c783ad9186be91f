// Runs gnuplot on a script.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace mudra {

// Runs in `folder`, where the script's files are, and leaves the script and what gnuplot said there. Returns
// an empty text, or why it did not work.
std::string run_gnuplot(std::string_view script, const std::filesystem::path& folder);

// A text as gnuplot takes it literally: no substitution happens between single quotes. Characters the
// figures' font lacks become squares, for their stand-ins cover the whole figure.
std::string gnuplot_text(std::string_view text, size_t most = 200);

}  // namespace mudra
