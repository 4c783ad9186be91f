#include "mudra/serve/html.h"

#include "mudra/core/text.h"

namespace mudra {

std::string html_of(std::string_view text) {
  std::string html;
  for (const char c : clean(text)) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

std::string filled_page(std::string_view page,
                        const std::vector<std::pair<std::string_view, std::string>>& parts) {
  std::string text;
  while (!page.empty()) {
    const size_t at = page.find("{{"), end = page.find("}}", at);
    if (end == page.npos) break;
    const std::string_view name = page.substr(at + 2, end - at - 2);
    text.append(page.substr(0, at));
    const std::string* part = nullptr;
    for (const auto& [known, value] : parts) {
      if (known == name) part = &value;
    }
    text.append(part ? std::string_view(*part) : page.substr(at, end + 2 - at));
    page.remove_prefix(end + 2);
  }
  return text.append(page);
}

}  // namespace mudra
