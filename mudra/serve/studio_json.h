// What a studio knows, as JSON: docs/serve.md has the forms.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "mudra/serve/events.h"
#include "mudra/studio/studio.h"

namespace mudra {

nlohmann::json signs_json(const Studio& studio);
nlohmann::json samples_json(const Studio& studio, const std::vector<Sample>& samples);
nlohmann::json teaching_json(const Studio& studio);
nlohmann::json checked_json(const Checked& checked);

// The events `signs` and `train`.
void publish_state(const Studio& studio, Events& events);

}  // namespace mudra
