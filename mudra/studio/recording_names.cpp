#include "mudra/studio/recording_names.h"

#include "mudra/core/text.h"

namespace mudra {

bool is_sign_name(std::string_view name) {
  return !name.empty() && name.size() <= 100 && name.front() != '.' && name.find('/') == name.npos &&
         clean(name) == name && name != groups_name && name != "mudra.lock";
}

bool is_recording_name(std::string_view name) {
  return !name.empty() && name.size() <= 40 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == name.npos;
}

std::string sign_of(std::string_view file) { return std::string(file.substr(0, file.find('/'))); }

std::optional<RecordedName> recorded_name(std::string_view name) {
  const size_t dash = name.rfind('-');
  if (dash == name.npos || !name.ends_with(".png") || !is_recording_name(name.substr(0, dash))) return {};
  const std::string_view number = name.substr(dash + 1, name.size() - dash - 5);
  const bool is_number =
      number.size() >= 4 && number.size() <= 9 && number.find_first_not_of("0123456789") == number.npos;
  if (!is_number) return {};
  return RecordedName{std::string(name.substr(0, dash)), std::stoi(std::string(number))};
}

}  // namespace mudra
