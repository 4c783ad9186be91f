// Label texts become small numbers: names in their order, and one index an example.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mudra {

// The order of classes and groups: numbers first, by value ("9" before "10"), then texts by bytes.
bool label_less(std::string_view a, std::string_view b);

// "0, 1 and 5"; beyond `most` names: "0, 1, 5 and 12 more". `of`: how many there are, when not all are given.
std::string join_names(std::span<const std::string> names, size_t most, size_t of = 0);

// Collects labels one by one, holding each text once, so that millions of labels stay small.
class LabelIndex {
 public:
  void reserve(size_t count) { labels_.reserve(count); }
  void add(std::string_view text);
  size_t size() const { return labels_.size(); }

  // Hands over the sorted names and the indices into them; the collection is empty afterwards.
  void finish(std::vector<std::string>& names, std::vector<int32_t>& labels);

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, int32_t, Hash, std::equal_to<>> seen_;
  std::vector<std::string> names_;  // in order of appearance
  std::vector<int32_t> labels_;
};

}  // namespace mudra
