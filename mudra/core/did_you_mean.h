// What to suggest for a word that names nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mudra {

// "Did you mean 'sigmoid'?" if a name is close or the word is short for it ("lr", "sig"), else "There is: a,
// b, c".
std::string did_you_mean(std::string_view word, const std::vector<std::string>& names);

}  // namespace mudra
