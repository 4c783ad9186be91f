// The safetensors container: named float arrays with string metadata, guarded by a checksum.
// https://huggingface.co/docs/safetensors, "Format"
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace mudra {

struct NamedArray {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;
  bool is_half = false;  // in the file: F16, to which the values are rounded as they are written, not F32
};

struct Safetensors {
  std::map<std::string, std::string> metadata;
  std::vector<NamedArray> arrays;  // in the order of the file

  const NamedArray* find(std::string_view name) const;
};

// Adds metadata `checksum`: XXH3-128 of the bytes with its own 32 hex digits read as '0'.
std::string write_safetensors(const Safetensors& content);

// json[key] when it is a whole number within low..high, which are exact as doubles. Throws Error otherwise,
// or what the JSON library throws when there is no number.
int64_t whole_number(const nlohmann::json& json, const char* key, int64_t low, int64_t high,
                     const std::string& where);

// Throws Error for anything but a whole, unchanged file written by write_safetensors; `where` names it.
Safetensors read_safetensors(std::string_view bytes, const std::string& where);

}  // namespace mudra
