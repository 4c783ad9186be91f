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

// Where an item stands in the line a person wrote. The line must outlive the span; an empty line means that
// nobody wrote one, and messages then show no place.
struct SourceSpan {
  std::string_view line;
  size_t at = 0, length = 0;  // bytes of the line
  // Whether the item is what stands there. The layers of a named network are not: the line has only its name.
  bool is_literal = true;
  size_t number = 0;  // of the layer, from 1
};

// An error in an architecture line, with a picture of the line that points at the place: its kind is usage.
class LineError : public Error {
 public:
  LineError(std::string_view what, const std::string& where, std::string_view remedy, const SourceSpan& span);
  const std::string& picture() const noexcept { return picture_; }  // two lines, or nothing

 private:
  std::string picture_;
};

// A network may have so many weights (512 MiB of floats), and a layer give so many values an image.
inline constexpr int64_t most_weights = int64_t{1} << 27;
inline constexpr int64_t most_values = int64_t{1} << 24;

// Every take_ function throws LineError, which points at the word, when the next word is missing or not what
// it should be; `what` names it in the message ("the number of filters").
class Words {
 public:
  // `usage` is what the item should look like, for messages.
  Words(std::string item, std::string_view usage, const SourceSpan& span = {});

  bool empty() const { return next_ == words_.size(); }
  void set_usage(std::string_view usage) { usage_ = usage; }
  std::string take(std::string_view what);    // the next word, whatever it is
  int64_t take_count(std::string_view what);  // a whole number of at least 1
  int64_t take_count_or_zero(std::string_view what);
  std::pair<int64_t, int64_t> take_size(std::string_view what);  // "3x5", or "3" for 3x3
  // Refuses a layer of inputs * outputs weights before it takes the memory.
  void check_weights(int64_t inputs, int64_t outputs) const;
  double take_fraction(std::string_view what);  // a number in [0, 1)
  // Takes `word` if it comes next.
  bool accept(std::string_view word);
  void finish() const;  // nothing may be left

  // An error about the word taken last; without a remedy, the item's usage.
  [[noreturn]] void fail(const std::string& what, const std::string& remedy = {}) const;
  // An error about the whole item.
  [[noreturn]] void refuse(const std::string& what, const std::string& remedy) const;

 private:
  struct Word {
    std::string text;
    size_t at;  // in the item
  };
  [[noreturn]] void complain(const std::string& what, const std::string& remedy, size_t at,
                             size_t length) const;

  std::string item_;
  std::string usage_;
  SourceSpan span_;
  std::vector<Word> words_;
  size_t next_ = 0;
};

}  // namespace mudra
