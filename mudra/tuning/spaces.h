// The space that is searched when nobody says another: mudra/tuning/spaces/default.toml, joined at build.
#pragma once

#include <string_view>

namespace mudra {

std::string_view default_space();

}  // namespace mudra
