// The words of one item of an architecture line, read from the front.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mudra/core/error.h"

namespace mudra {

class Words {
 public:
  // `usage` is what the item should look like, for messages.
  Words(std::string item, std::string_view usage);

  bool empty() const { return next_ == words_.size(); }
  void set_usage(std::string_view usage) { usage_ = usage; }
  std::string take(std::string_view what);    // the next word, whatever it is
  int64_t take_count(std::string_view what);  // a whole number of at least 1
  int64_t take_count_or_zero(std::string_view what);
  std::pair<int64_t, int64_t> take_size(std::string_view what);  // "3x5", or "3" for 3x3
  double take_fraction(std::string_view what);                   // a number in [0, 1)
  // Takes `word` if it comes next.
  bool accept(std::string_view word);
  void finish() const;  // nothing may be left

  // An error about the word taken last.
  [[noreturn]] void fail(const std::string& what) const;

 private:
  std::string item_;
  std::string usage_;
  std::vector<std::string> words_;
  size_t next_ = 0;
};

}  // namespace mudra
