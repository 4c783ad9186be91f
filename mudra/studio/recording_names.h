// What signs, recordings and their files may be called.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mudra {

// Beside the folders of signs, groups.csv says which recording each picture belongs to.
inline constexpr std::string_view groups_name = "groups.csv";

// Whether a sign may be called so: 1 to 100 bytes of text without "/" and control characters that does not
// begin with a dot and is no other file of the folder.
bool is_sign_name(std::string_view name);
// 1 to 40 of a-z and 0-9.
bool is_recording_name(std::string_view name);

// The sign of SIGN/NAME.
std::string sign_of(std::string_view file);

struct RecordedName {
  std::string recording;
  int number = 0;
};
// "k3f9" and 12 of k3f9-0012.png; nothing of a file that was not recorded here.
std::optional<RecordedName> recorded_name(std::string_view name);

}  // namespace mudra
