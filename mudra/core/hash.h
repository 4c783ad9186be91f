// XXH3-128 of bytes that come piece by piece.
#pragma once

#include <cstddef>
#include <memory>
#include <ranges>
#include <string>
#include <string_view>

struct XXH3_state_s;

namespace mudra {

class Hash128 {
 public:
  Hash128();

  void add(const void* bytes, size_t size);
  void add(std::string_view text) { add(text.data(), text.size()); }
  // The bytes of plain values that lie one after the other; not how many there are.
  template <std::ranges::contiguous_range Values>
  void add_values(const Values& values) {
    add(std::ranges::data(values), std::ranges::size(values) * sizeof(*std::ranges::data(values)));
  }

  static constexpr size_t digits = 32;
  std::string text() const;  // so many lower-case hexadecimal digits, the most significant first

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
};

}  // namespace mudra
