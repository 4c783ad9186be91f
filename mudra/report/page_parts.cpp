#include "mudra/report/page_parts.h"

#include <cmath>
#include <span>
#include <utility>

#include "mudra/core/base64.h"
#include "mudra/core/text.h"
#include "mudra/data/image_file.h"
#include "mudra/report/pictures.h"

namespace mudra {
namespace {

using Replacement = std::pair<std::string_view, std::string_view>;

// JSON inside <script>: `<` could end it, and two separators are line ends to JavaScript of old.
constexpr Replacement in_script[] = {{"<", "\\u003c"}, {"\u2028", "\\u2028"}, {"\u2029", "\\u2029"}};
constexpr Replacement in_html[] = {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}};

// One replacement after the other, everywhere.
std::string replaced(std::string text, std::span<const Replacement> replacements) {
  for (const auto& [from, to] : replacements) {
    std::string next;
    size_t at = 0;
    for (size_t found = text.find(from); found != text.npos; found = text.find(from, at)) {
      next.append(text, at, found - at).append(to);
      at = found + from.size();
    }
    text = next.append(text, at);
  }
  return text;
}

// The template with each {{name}} replaced once; what comes in is not searched again.
std::string filled(std::string_view page,
                   const std::vector<std::pair<std::string_view, std::string>>& parts) {
  std::string text;
  for (const auto& [name, part] : parts) {
    const size_t at = page.find(name);
    text.append(page.substr(0, at)).append(part);
    page.remove_prefix(at + name.size());
  }
  return text.append(page);
}

}  // namespace

Json number(double value) {
  if (!std::isfinite(value)) return nullptr;
  if (value == 0) return 0;
  const double scale = std::pow(10.0, 4 - std::floor(std::log10(std::fabs(value))));
  return std::isfinite(scale) ? std::round(value * scale) / scale : value;
}

Json rows_of(const NamedTexts& pairs) {
  Json rows = Json::array();
  for (const auto& [name, text] : pairs) rows.push_back({clean(name), clean(text)});
  return rows;
}

Json cleaned(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push_back(clean(text));
  return list;
}

Json picture_of(const Dataset& data, Row at) {
  const Image image = thumbnail(data, at, shown_side);
  Json about = {{"width", image.width}, {"height", image.height}, {"png", base64(encode_png(image))}};
  if (!data.files.empty()) about["file"] = clean(data.files[at]);
  if (!data.groups.empty()) about["group"] = clean(data.group_names[static_cast<size_t>(data.groups[at])]);
  return about;
}

Json bare_picture(const RunRecord& record, Row at) {
  Json about = {{"row", int64_t{at} + 1}, {"truth", record.test.labels[at]}};
  about.update(picture_of(record.test, at));
  return about;
}

std::string filled_page(std::string_view page, std::string_view title, std::string_view plain,
                        const Json& record) {
  const std::string json = record.dump(-1, ' ', false, Json::error_handler_t::replace);
  return filled(page, {{"{{title}}", replaced(clean(title), in_html) + " Mudra report"},
                       {"{{plain}}", replaced(std::string(plain), in_html)},
                       {"{{record}}", replaced(json, in_script)}});
}

}  // namespace mudra
