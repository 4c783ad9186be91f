#include "mudra/layers/words.h"

#include <algorithm>

#include "mudra/core/number.h"

namespace mudra {
namespace {

constexpr int64_t largest = 1 << 20;  // count that a layer may have; products of two stay far from overflow
constexpr size_t widest = 76;         // characters of the line that a picture shows

std::string place_of(const std::string& where, const SourceSpan& span) {
  return span.line.empty() ? where : where + ", column " + std::to_string(span.at + 1);
}

// The line, or when it is long the part of it around the place, and a second line with carets below the
// place.
std::string draw(const SourceSpan& w) {
  if (w.line.empty()) return {};
  const size_t at = std::min(w.at, w.line.size());
  const size_t begin = at + w.length <= widest || w.line.size() <= widest ? 0 : at - std::min<size_t>(at, 20);
  std::string shown(w.line.substr(begin, widest));
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  const std::string before = begin > 0 ? "..." : "";
  const size_t carets = std::max<size_t>(1, std::min(w.length, widest - (at - begin)));
  return "    " + before + shown + (begin + widest < w.line.size() ? "..." : "") + "\n    " +
         std::string(before.size() + at - begin, ' ') + std::string(carets, '^');
}

}  // namespace

LineError::LineError(std::string_view what, const std::string& where, std::string_view remedy,
                     const SourceSpan& span)
    : Error(what, place_of(where, span), remedy, ErrorKind::usage), picture_(draw(span)) {}

Words::Words(std::string item, std::string_view usage, const SourceSpan& span)
    : item_(std::move(item)), usage_(usage), span_(span) {
  const std::string_view space = " \t\n";
  for (size_t at = item_.find_first_not_of(space); at != std::string::npos;) {
    const size_t end = std::min(item_.find_first_of(space, at), item_.size());
    words_.push_back({item_.substr(at, end - at), at});
    at = item_.find_first_not_of(space, end);
  }
}

void Words::complain(const std::string& what, const std::string& remedy, size_t at, size_t length) const {
  SourceSpan place = span_;
  if (place.is_literal) {
    place.at += at;
    place.length = length;
  }
  throw LineError(what, "network, layer " + std::to_string(place.number) + " '" + item_ + "'", remedy, place);
}

void Words::fail(const std::string& what, const std::string& remedy) const {
  const Word& word = words_[next_ > 0 ? next_ - 1 : 0];
  complain(what, !remedy.empty() || usage_.empty() ? remedy : "Write it as `" + usage_ + "`", word.at,
           word.text.size());
}

void Words::refuse(const std::string& what, const std::string& remedy) const {
  complain(what, remedy, 0, span_.length);
}

std::string Words::take(std::string_view what) {
  if (empty()) complain(std::string(what) + " is missing", "Write it as `" + usage_ + "`", item_.size(), 1);
  return words_[next_++].text;
}

int64_t Words::take_count(std::string_view what) {
  const std::string word = take(what);
  const auto value = parse_number<int64_t>(word);
  if (!value || *value < 1 || *value > largest) {
    fail("'" + word + "' is not " + std::string(what) + " (a whole number from 1 to " +
         std::to_string(largest) + ")");
  }
  return *value;
}

int64_t Words::take_count_or_zero(std::string_view what) { return accept("0") ? 0 : take_count(what); }

std::pair<int64_t, int64_t> Words::take_size(std::string_view what) {
  const std::string word = take(what);
  const size_t cross = word.find('x');
  const auto height = parse_number<int64_t>(std::string_view(word).substr(0, cross));
  const auto width =
      cross == std::string::npos ? height : parse_number<int64_t>(std::string_view(word).substr(cross + 1));
  if (!height || !width || *height < 1 || *width < 1 || *height > 1024 || *width > 1024) {
    fail("'" + word + "' is not " + std::string(what) + " (such as 3x3, at most 1024x1024)");
  }
  return {*height, *width};
}

double Words::take_fraction(std::string_view what) {
  const std::string word = take(what);
  const auto value = parse_number<double>(word);
  if (!value || !(*value >= 0 && *value < 1)) {
    fail("'" + word + "' is not " + std::string(what) + " (a number from 0 to below 1)");
  }
  return *value;
}

void Words::check_weights(int64_t inputs, int64_t outputs) const {
  if (inputs <= most_weights / outputs) return;
  fail(std::to_string(inputs) + " x " + std::to_string(outputs) + " are more than the " +
       std::to_string(most_weights) + " weights a network may have");
}

bool Words::accept(std::string_view word) {
  if (empty() || words_[next_].text != word) return false;
  ++next_;
  return true;
}

void Words::finish() const {
  if (empty()) return;
  const Word& word = words_[next_];
  complain("'" + word.text + "' is not expected here", "Write it as `" + usage_ + "`", word.at,
           word.text.size());
}

}  // namespace mudra
