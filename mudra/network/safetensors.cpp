#include "mudra/network/safetensors.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "mudra/core/error.h"
#include "mudra/core/half.h"
#include "mudra/core/hash.h"

namespace mudra {
namespace {

static_assert(std::endian::native == std::endian::little, "values are written as they lie in memory");

using OrderedJson = nlohmann::ordered_json;  // keeps the file's order of names

constexpr std::string_view checksum_key = "\"checksum\":\"";
constexpr size_t digits = Hash128::digits;
constexpr size_t bytes_of_value(bool is_half) { return is_half ? 2 : sizeof(float); }
constexpr uint64_t header_limit = 16 << 20;

std::string checksum_of(std::string_view bytes, size_t digits_at) {
  static constexpr char zeros[digits + 1] = "00000000000000000000000000000000";
  Hash128 hash;
  hash.add(bytes.substr(0, digits_at));
  hash.add(zeros, digits);
  hash.add(bytes.substr(digits_at + digits));
  return hash.text();
}

[[noreturn]] void refuse(const std::string& what, const std::string& where) {
  throw Error(what, where, "Use a model file written by `mudra train`, or a fresh copy of it");
}

// Position of the checksum's digits, after the header's sizes have been found plausible.
size_t find_digits(std::string_view bytes, const std::string& where) {
  uint64_t header = 0;
  if (bytes.size() < 8) refuse("is too short for a model file", where);
  std::memcpy(&header, bytes.data(), 8);
  if (header > header_limit || header > bytes.size() - 8)
    refuse("is not a model file, or is cut short", where);
  const size_t key = bytes.substr(0, 8 + header).find(checksum_key);
  if (key == std::string_view::npos || key + checksum_key.size() + digits > 8 + header) {
    refuse("has no checksum, so it is no model file of ours", where);
  }
  return key + checksum_key.size();
}

}  // namespace

const NamedArray* Safetensors::find(std::string_view name) const {
  for (const NamedArray& array : arrays) {
    if (array.name == name) return &array;
  }
  return nullptr;
}

int64_t whole_number(const nlohmann::json& json, const char* key, int64_t low, int64_t high,
                     const std::string& where) {
  const auto value = json.at(key).get<double>();
  if (!(value >= static_cast<double>(low) && value <= static_cast<double>(high)) ||
      value != std::floor(value)) {
    throw Error("has an impossible " + std::string(key) + " " + json.at(key).dump(), where);
  }
  return static_cast<int64_t>(value);
}

std::string write_safetensors(const Safetensors& content) {
  OrderedJson header = OrderedJson::object();  // null breaks down without memory
  OrderedJson& metadata = header["__metadata__"] = OrderedJson::object();
  metadata["checksum"] = std::string(digits, '0');  // first, so that no other text can look like it
  for (const auto& [key, value] : content.metadata) metadata[key] = value;
  size_t offset = 0;
  for (const NamedArray& array : content.arrays) {
    const size_t end = offset + array.values.size() * bytes_of_value(array.is_half);
    header[array.name] = {
        {"dtype", array.is_half ? "F16" : "F32"}, {"shape", array.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // the format allows trailing spaces; values lie aligned
  const uint64_t length = text.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  bytes += text;
  for (const NamedArray& array : content.arrays) {
    if (!array.is_half) {
      bytes.append(reinterpret_cast<const char*>(array.values.data()), array.values.size() * sizeof(float));
      continue;
    }
    for (const float value : array.values) {
      const uint16_t half = to_half(value);
      bytes.append(reinterpret_cast<const char*>(&half), sizeof(half));
    }
  }
  const size_t at = bytes.find(checksum_key) + checksum_key.size();
  bytes.replace(at, digits, checksum_of(bytes, at));
  return bytes;
}

Safetensors read_safetensors(std::string_view bytes, const std::string& where) {
  const size_t at = find_digits(bytes, where);
  if (bytes.substr(at, digits) != checksum_of(bytes, at)) {
    refuse("is damaged: its checksum does not match its content", where);
  }
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  const std::string_view values = bytes.substr(8 + length);
  Safetensors content;
  try {
    const OrderedJson header = OrderedJson::parse(bytes.substr(8, length));
    size_t offset = 0;
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") {
        for (const auto& [key, value] : entry.items()) content.metadata[key] = value.get<std::string>();
        continue;
      }
      NamedArray array{name, entry.at("shape").get<std::vector<int64_t>>(), {}};
      const size_t begin = entry.at("data_offsets").at(0).get<size_t>();
      const size_t end = entry.at("data_offsets").at(1).get<size_t>();
      size_t count = 1;
      for (const int64_t size : array.shape) {
        if (size < 0 || (size > 0 && count > values.size() / static_cast<size_t>(size)))
          refuse("has an impossible shape", where);
        count *= static_cast<size_t>(size);
      }
      const auto dtype = entry.at("dtype").get<std::string>();
      array.is_half = dtype == "F16";
      if ((dtype != "F32" && !array.is_half) || begin != offset || end < begin || end > values.size() ||
          end - begin != count * bytes_of_value(array.is_half)) {
        refuse("has a tensor that does not fit: " + name, where);
      }
      array.values.resize(count);
      if (count > 0 && !array.is_half) std::memcpy(array.values.data(), values.data() + begin, end - begin);
      for (size_t i = 0; array.is_half && i < count; ++i) {
        uint16_t half = 0;
        std::memcpy(&half, values.data() + begin + i * sizeof(half), sizeof(half));
        array.values[i] = from_half(half);
      }
      offset = end;
      content.arrays.push_back(std::move(array));
    }
    if (offset != values.size()) refuse("has bytes that belong to no tensor", where);
  } catch (const OrderedJson::exception& error) {
    refuse(std::string("has a header that cannot be read (") + error.what() + ")", where);
  }
  return content;
}

}  // namespace mudra
