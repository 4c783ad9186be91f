#include "mudra/core/option.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <sstream>

#include "mudra/core/did_you_mean.h"
#include "mudra/core/error.h"
#include "mudra/core/number.h"

namespace mudra {
namespace {

std::string limits_text(const Limits& limits) {
  std::string text = (limits.is_low_excluded ? "above " : "at least ") + text_of(limits.low);
  if (limits.high < 1e300)
    text += (limits.is_high_excluded ? " and below " : " and at most ") + text_of(limits.high);
  return text;
}

[[noreturn]] void refuse(const OptionInfo& option, const std::string& text, const std::string& remedy) {
  throw usage_error("'" + text + "' is not possible", "--" + std::string(option.name), remedy);
}

}  // namespace

void refuse_choice(const OptionInfo& option, const std::string& text,
                   const std::vector<std::string>& choices) {
  refuse(option, text, did_you_mean(text, choices));
}

void set_from_text(const OptionInfo&, std::string& value, const std::string& text) { value = text; }

void set_from_text(const OptionInfo&, std::vector<std::string>& value, const std::string& text) {
  value.clear();
  std::istringstream in(text);
  in.exceptions(std::ios::badbit);  // lack of memory among them
  for (std::string part; std::getline(in, part, ',');) value.push_back(part);
}

void set_from_text(const OptionInfo& option, bool& value, const std::string& text) {
  if (text != "true" && text != "false") refuse(option, text, "Give true or false");
  value = text == "true";
}

template <class T>
requires std::is_arithmetic_v<T>
void set_from_text(const OptionInfo& option, T& value, const std::string& text) {
  const Limits& limits = option.limits;
  const std::optional<T> number = parse_number<T>(text);
  const long double size = number.value_or(T{});  // exact, also for whole numbers of 64 bits
  if (!number || !(limits.is_low_excluded ? size > limits.low : size >= limits.low) ||
      !(limits.is_high_excluded ? size < limits.high : size <= limits.high)) {
    const std::string kind = std::is_integral_v<T> ? "Give a whole number " : "Give a number ";
    refuse(option, text, kind + limits_text(limits));
  }
  value = *number;
}
template void set_from_text(const OptionInfo& option, int& value, const std::string& text);
template void set_from_text(const OptionInfo& option, uint64_t& value, const std::string& text);
template void set_from_text(const OptionInfo& option, double& value, const std::string& text);

std::string text_of(const std::string& value) { return value; }
std::string text_of(const std::vector<std::string>& value) {
  return fmt::format("{}", fmt::join(value, ","));
}
std::string text_of(bool value) { return value ? "true" : "false"; }

std::string text_of(double value) {
  char buffer[64];
  const bool is_whole = value == std::floor(value) && std::fabs(value) < 1e19;  // 1000000, not 1e+06
  const auto end = is_whole
                       ? std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed).ptr
                       : std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return {buffer, end};
}

}  // namespace mudra
