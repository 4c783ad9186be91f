#include "mudra/network/line.h"

#include <algorithm>

#include "mudra/core/number.h"

namespace mudra {

const std::vector<NamedNetwork>& named_networks() {
  static const std::vector<NamedNetwork> networks = {
      {"mlp", "dense 128, relu, dense 64, relu", "two hidden layers"},
      {"lenet",
       "conv 6 5x5 pad 2, tanh, average-pool 2, conv 16 5x5 pad 0, tanh, average-pool 2, dense 120, tanh, "
       "dense 84, tanh",
       "LeCun et al. 1998"},
      {"cnn-tiny",
       "conv 8 3x3 stride 2, relu, conv 16 3x3 stride 2, relu, conv 32 3x3 stride 2, relu, global-pool",
       "for devices: about 6,000 weights for images of any size"},
      {"cnn", "conv 16 3x3, relu, pool 2, conv 32 3x3, relu, pool 2, dense 128, relu",
       "two convolutions, one hidden layer"},
      {"resnet-mini",
       "conv 16 3x3, batch-norm, relu, "
       "residual(conv 16 3x3, batch-norm, relu, conv 16 3x3, batch-norm), relu, "
       "residual(conv 32 3x3 stride 2, batch-norm, relu, conv 32 3x3, batch-norm | "
       "conv 32 1x1 stride 2, batch-norm), relu, "
       "residual(conv 64 3x3 stride 2, batch-norm, relu, conv 64 3x3, batch-norm | "
       "conv 64 1x1 stride 2, batch-norm), relu, global-pool",
       "three residual blocks, after He et al. 2016"},
  };
  return networks;
}

namespace {

constexpr size_t most_items = 250;  // dropout draws its numbers by layers below 256
constexpr int deepest = 16;         // brackets inside brackets
constexpr std::string_view space = " \t\n";

class Parser {
 public:
  explicit Parser(std::string_view line) : line_(line) {}

  std::vector<LineItem> all() {
    sequence(0);
    if (at_ < line_.size()) {
      fail(at_, 1, "'" + std::string(1, line_[at_]) + "' closes or divides no residual( ) or repeat",
           "Take it away");
    }
    return std::move(items_);
  }

 private:
  [[noreturn]] void fail(size_t at, size_t length, const std::string& what, const std::string& remedy) const {
    throw LineError(what, "network", remedy, {line_, at, length});
  }

  void skip_space() { at_ = std::min(line_.find_first_not_of(space, at_), line_.size()); }

  void append(const LineItem& item) {
    if (items_.size() == most_items) {
      fail(item.span.at, item.span.length, "there are more than " + std::to_string(most_items) + " layers",
           "Write a smaller network");
    }
    items_.push_back(item);
  }

  void sequence(int depth) {
    while (true) {
      item(depth);
      skip_space();
      if (at_ == line_.size() || line_[at_] != ',') return;
      ++at_;
    }
  }

  void item(int depth) {
    skip_space();
    const size_t begin = at_;
    at_ = std::min(line_.find_first_of(",(|)", begin), line_.size());
    const std::string_view written = line_.substr(begin, at_ - begin);
    const std::string text(written.substr(0, written.find_last_not_of(space) + 1));
    const SourceSpan span{line_, begin, text.size()};
    if (at_ < line_.size() && line_[at_] == '(') return group(text, span, depth);
    if (text.empty()) {
      fail(std::min(begin, line_.size()), 1, "an item is empty",
           "Write items separated by single commas, such as `dense 128, relu`");
    }
    for (const NamedNetwork& named : named_networks()) {
      if (text == named.name) return insert(named, span);
    }
    append({text, span});
  }

  void insert(const NamedNetwork& named, SourceSpan span) {
    span.is_literal = false;
    for (const LineItem& item : Parser(named.line).all()) append({item.text, span});
  }

  // A bracket, which opens at at_; `text` is what stands before it: `residual`, or how often ("3 x").
  void group(const std::string& text, const SourceSpan& span, int depth) {
    const size_t open = at_++;
    if (depth == deepest) fail(open, 1, "brackets are too deep", "Write a simpler network");
    if (text == "heads") return heads(open, span, depth);
    const size_t first = items_.size();
    const bool residual = text == "residual";
    const std::optional<int64_t> count = residual ? 1 : repeats(text);
    if (!count) {
      fail(span.at, span.length, "'" + text + "' cannot stand before a bracket",
           "Write `3 x (conv 16 3x3, relu)` or `residual(conv 16 3x3, relu, conv 16 3x3)`");
    }
    SourceSpan mark = span;
    mark.is_literal = false;
    if (residual) append({"fork", mark});
    sequence(depth + 1);
    if (residual && at_ < line_.size() && line_[at_] == '|') {
      append({"shortcut", {line_, at_, 1, false}});
      ++at_;
      sequence(depth + 1);
    }
    if (at_ == line_.size()) fail(open, 1, "the bracket is never closed", "Write `)` where the block ends");
    if (line_[at_] != ')')
      fail(at_, 1, "'" + std::string(1, line_[at_]) + "' is not expected here", "Write `,` or `)`");
    if (residual) append({"add", mark});
    ++at_;
    skip_space();
    if (at_ < line_.size() && line_[at_] != ',' && line_[at_] != '|' && line_[at_] != ')') {
      fail(at_, 1, "something follows a bracket", "Write a comma between items");
    }
    const std::vector<LineItem> body(items_.begin() + static_cast<std::ptrdiff_t>(first), items_.end());
    for (int64_t i = 1; i < *count; ++i) {
      for (const LineItem& item : body) append(item);
    }
  }

  // One item up to its bracket's end; nothing may follow.   open: where the bracket opens
  void heads(size_t open, SourceSpan span, int depth) {
    if (depth > 0)
      fail(span.at, span.length, "heads stand inside a bracket", "Put `heads(...)` at the end of the line");
    at_ = line_.find(')', open);
    if (at_ == std::string_view::npos)
      fail(open, 1, "the bracket is never closed", "Write `)` where the heads end");
    ++at_;
    span.length = at_ - span.at;
    append({std::string(line_.substr(span.at, span.length)), span});
    skip_space();
    if (at_ < line_.size())
      fail(at_, 1, "something follows the heads", "Put `heads(...)` at the end of the line");
  }

  static std::optional<int64_t> repeats(std::string text) {  // "3 x"
    if (text.empty() || text.back() != 'x') return std::nullopt;
    text.pop_back();
    text.resize(text.find_last_not_of(' ') + 1);
    const auto count = parse_number<int64_t>(text);
    return count && *count >= 1 && *count <= static_cast<int64_t>(most_items) ? count : std::nullopt;
  }

  std::string_view line_;
  size_t at_ = 0;
  std::vector<LineItem> items_;
};

}  // namespace

std::vector<LineItem> parse_line(std::string_view line) { return Parser(line).all(); }

std::string join_line(const std::vector<std::string>& items) {
  std::string line;
  bool opened = true;  // whether the next item comes first, so that no comma stands before it
  for (const std::string& item : items) {
    if (item == "shortcut") {
      line += " | ";
    } else if (item == "add") {
      line += ")";
    } else {
      line += (opened ? "" : ", ") + (item == "fork" ? "residual(" : item);
    }
    opened = item == "fork" || item == "shortcut";
  }
  return line;
}

}  // namespace mudra
