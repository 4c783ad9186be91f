// A run as one page of HTML that needs nothing else: no network, no other file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mudra/report/record.h"

namespace mudra {

// Bytes the pictures of a page may take, as text in it.
inline constexpr size_t most_picture_bytes = 1'200'000;

std::string report_page(const RunRecord& record);

// Writes report.html, tables.md and tables.tex into `folder`, then figures into `folder`/figures. Returns
// notes: which figures are missing, and why. Throws Error when the page or the tables cannot be written.
std::vector<std::string> write_report(const RunRecord& record, const std::filesystem::path& folder);

}  // namespace mudra
