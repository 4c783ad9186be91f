// What pages are made of: a template, and the record that its script reads.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/data/dataset.h"
#include "mudra/report/record.h"

namespace mudra {

using Json = nlohmann::ordered_json;

inline constexpr size_t most_examples = 24;           // predictions shown
inline constexpr size_t most_in_matrix = 30;          // classes; beyond, the confusions are listed
inline constexpr int64_t most_sheet_pixels = 60'000;  // drawn as pixels of one sheet
inline constexpr int64_t most_units = 64;             // whose weights are drawn

// Rounded to five digits, which is more than a chart shows; null when not measured.
Json number(double value);

// Texts as clean() has them.
Json rows_of(const NamedTexts& pairs);
Json cleaned(const std::vector<std::string>& texts);

// {width, height, png, file and group if they are known}: a picture small enough for a page.
Json picture_of(const Dataset& data, Row at);

// The same with its row, counted from 1, and its label: a picture of the test, without an answer.
Json bare_picture(const RunRecord& record, Row at);

// The page with its title, what a reader without scripts gets, and the record.
std::string filled_page(std::string_view page, std::string_view title, std::string_view plain,
                        const Json& record);

}  // namespace mudra
