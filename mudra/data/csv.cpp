#include "mudra/data/csv.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "mudra/core/error.h"
#include "mudra/core/number.h"

namespace mudra {
namespace {

constexpr size_t longest_line = size_t{64} << 20;
constexpr size_t chunk = size_t{1} << 18;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Whether a spreadsheet would run it.
bool is_formula(std::string_view text) {
  return !text.empty() && std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos;
}

// Whether reading takes the apostrophe before it away.
bool is_guarded(std::string_view text) {
  return text.starts_with('\'') && (text.substr(1).starts_with('\'') || is_formula(text.substr(1)));
}

}  // namespace

// Adds the next line, with its end, to text_.
bool CsvReader::add_line() {
  const size_t before = text_.size();
  for (;;) {
    const size_t end = buffer_.find('\n', at_);
    if (end != std::string::npos) {
      text_.append(buffer_, at_, end + 1 - at_);
      at_ = end + 1;
      break;
    }
    text_.append(buffer_, at_);
    if (text_.size() > longest_line) throw Error("has a line of more than 64 MB", where(), "Give a CSV file");
    buffer_.resize(chunk);
    buffer_.resize(source_->read(buffer_.data(), chunk));
    at_ = 0;
    if (buffer_.empty()) {
      if (text_.size() == before) return false;
      break;
    }
  }
  ++line_;
  if (line_ == 1 && text_.starts_with("\xEF\xBB\xBF")) text_.erase(0, 3);  // byte order mark
  return true;
}

// Sets text_ to the next line without its end; it goes on while a quote is open.
bool CsvReader::read_line() {
  text_.clear();
  if (!add_line()) return false;
  const auto quotes = [&](size_t from) {
    return std::count(text_.begin() + static_cast<std::ptrdiff_t>(from), text_.end(), '"') % 2;
  };
  const int64_t first = line_;
  for (auto open = quotes(0); open != 0;) {
    const size_t before = text_.size();
    if (!add_line()) {
      throw Error("line " + std::to_string(first) + " opens a quote that nothing closes", where(),
                  "Close it, or double it to mean the character");
    }
    open ^= quotes(before);
  }
  if (text_.ends_with('\n')) text_.pop_back();
  if (text_.ends_with('\r')) text_.pop_back();
  return true;
}

bool CsvReader::next(std::vector<std::string_view>& fields) {
  if (!next_fields(fields)) return false;
  for (std::string_view& field : fields) {
    if (is_guarded(field)) field.remove_prefix(1);
  }
  return true;
}

bool CsvReader::next_fields(std::vector<std::string_view>& fields) {
  fields.clear();
  do {
    if (!read_line()) return false;
  } while (trimmed(text_).empty());
  if (text_.find('"') == std::string::npos) {
    for (size_t start = 0;;) {
      const size_t comma = text_.find(',', start);
      fields.push_back(trimmed(std::string_view(text_).substr(start, comma - start)));
      if (comma == std::string::npos) return true;
      start = comma + 1;
    }
  }
  // With quotes: fields are collected without them, where nothing moves them.
  unquoted_.clear();
  unquoted_.reserve(text_.size());
  size_t start = 0;
  bool quoted = false;
  for (size_t i = 0; i <= text_.size(); ++i) {
    const char c = i < text_.size() ? text_[i] : ',';
    if (i < text_.size() && c == '"') {
      if (quoted && i + 1 < text_.size() && text_[i + 1] == '"') {
        unquoted_ += '"';
        ++i;
      } else {
        quoted = !quoted;
      }
    } else if (c == ',' && (!quoted || i == text_.size())) {
      fields.push_back(std::string_view(unquoted_).substr(start));
      start = unquoted_.size();
    } else {
      unquoted_ += c;
    }
  }
  return true;
}

std::optional<size_t> csv_column(const std::vector<std::string_view>& header, std::string_view name) {
  const auto same = [&](std::string_view field) {
    return std::equal(field.begin(), field.end(), name.begin(), name.end(),
                      [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
  };
  const auto found = std::find_if(header.begin(), header.end(), same);
  if (found == header.end()) return std::nullopt;
  return static_cast<size_t>(found - header.begin());
}

std::string csv_field(std::string_view text) {
  const bool is_number = std::isfinite(parse_number<double>(text).value_or(NAN));
  const bool guard = is_guarded(text) || (is_formula(text) && !is_number);
  std::string cell = guard ? "'" + std::string(text) : std::string(text);
  const bool plain =
      text.find_first_of(",\"\n\r") == std::string_view::npos && trimmed(text).size() == text.size();
  if (plain) return cell;
  std::string quoted = "\"";
  for (const char c : cell) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace mudra
