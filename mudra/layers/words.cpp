#include "mudra/layers/words.h"

#include <sstream>

#include "mudra/core/number.h"

namespace mudra {
namespace {

constexpr int64_t largest = 1 << 20;  // of a layer's width or kernel; keeps products far from overflow

}  // namespace

Words::Words(std::string item, std::string_view usage) : item_(std::move(item)), usage_(usage) {
  std::istringstream in(item_);
  for (std::string word; in >> word;) words_.push_back(word);
}

void Words::fail(const std::string& what) const {
  throw usage_error(what, "network item '" + item_ + "'",
                    usage_.empty() ? std::string() : "Write it as `" + usage_ + "`");
}

std::string Words::take(std::string_view what) {
  if (empty()) fail(std::string(what) + " is missing");
  return words_[next_++];
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

bool Words::accept(std::string_view word) {
  if (empty() || words_[next_] != word) return false;
  ++next_;
  return true;
}

void Words::finish() const {
  if (!empty()) fail("'" + words_[next_] + "' is not expected here");
}

}  // namespace mudra
