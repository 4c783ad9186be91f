// The header of NumPy's .npy format, up to its first value.
#include <algorithm>
#include <bit>
#include <cctype>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/data/npy.h"

namespace mudra {
namespace {

// The header is a dictionary as Python writes it; the same as JSON, if it is one.
std::string as_json(std::string_view python) {
  std::string json;
  for (const char c : python) {
    const char before = json.empty() ? ' ' : json.back();
    if (c == 'L' && std::isdigit(static_cast<unsigned char>(before))) continue;  // Python 2 wrote 5000L
    if (c == ')' || c == '}') {                                                  // may stand after a comma
      const size_t last = json.find_last_not_of(" \n\t\r");
      if (last != std::string::npos && json[last] == ',') json.resize(last);
    }
    const bool is_word = (c == 'T' || c == 'F') && (before == ' ' || before == ':');
    json += c == '(' ? '[' : c == ')' ? ']' : c == '\'' ? '"' : is_word ? static_cast<char>(c + 32) : c;
  }
  return json;
}

void set_type(const std::string& descr, NpyArray& array) {
  const std::string& where = array.where();
  std::string_view type = descr;
  if (!type.empty() && std::string_view("<>|=").find(type[0]) != std::string_view::npos) {
    const bool big = std::endian::native == std::endian::big;
    array.swapped = type[0] == (big ? '<' : '>');
    type.remove_prefix(1);
  }
  const char kind = type.empty() ? '\0' : type[0];
  if (kind == 'O') {
    throw Error("holds Python objects, and reading those means running code from the file", where,
                "Save numbers or text: numpy.asarray(values.tolist())");
  }
  const int size = parse_number<int>(type.substr(type.empty() ? 0 : 1)).value_or(0);
  const bool number = size == 1 || size == 2 || size == 4 || size == 8;
  const bool known = kind == 'b'                  ? size == 1
                     : kind == 'u' || kind == 'i' ? number
                     : kind == 'f'                ? number && size > 1
                     : kind == 'U' || kind == 'S' ? size > 0
                                                  : false;
  if (!known) throw Error("has the type " + descr, where, "Save whole numbers, floats or text");
  if (size > 1024)
    throw Error("has texts of up to " + std::to_string(size) + " characters", where, "Shorten them");
  array.kind = kind;
  array.item_size = kind == 'U' ? size * 4 : size;
  if (array.item_size == 1 || kind == 'S') array.swapped = false;
}

void read_header(std::string_view text, NpyArray& array) {
  const Error malformed("has a header that is not NumPy's", array.where(),
                        "Save it again with numpy.save or numpy.savez");
  try {
    const nlohmann::json header = nlohmann::json::parse(as_json(text));
    const nlohmann::json &type = header.at("descr"), &shape = header.at("shape");
    if (type.is_array()) throw Error("holds a structured type", array.where(), "Save plain numbers or text");
    set_type(type.get<std::string>(), array);
    array.fortran_order = header.at("fortran_order").get<bool>();
    const auto is_size = [](const nlohmann::json& size) {
      return size.is_number_unsigned() && size.get<int64_t>() >= 0;
    };
    if (!shape.is_array() || shape.size() > 32 || !std::ranges::all_of(shape, is_size)) throw malformed;
    if (header.size() != 3) throw malformed;
    array.shape = shape.get<std::vector<int64_t>>();
  } catch (const nlohmann::json::exception&) {
    throw malformed;
  }
}

}  // namespace

std::string NpyArray::type_name() const {
  const std::string bits = std::to_string(item_size * 8);
  switch (kind) {
    case 'b':
      return "bool";
    case 'u':
      return "uint" + bits;
    case 'i':
      return "int" + bits;
    case 'f':
      return "float" + bits;
    case 'U':
      return "<U" + std::to_string(item_size / 4);
    default:
      return "S" + std::to_string(item_size);
  }
}

std::string NpyArray::shape_text() const {
  std::string text;
  for (const int64_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

std::vector<int64_t> NpyArray::strides() const {
  std::vector<int64_t> strides(shape.size());
  int64_t next = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    const size_t axis = fortran_order ? i : shape.size() - 1 - i;  // fastest first
    strides[axis] = next;
    next *= shape[axis];
  }
  return strides;
}

void check_npy_size(NpyArray& array) {
  int64_t bytes = array.item_size;
  array.values = 1;
  bool overflow = false;
  for (const int64_t size : array.shape) {
    overflow |= __builtin_mul_overflow(array.values, size, &array.values);
    overflow |= __builtin_mul_overflow(bytes, size, &bytes);
  }
  const uint64_t there = std::max(array.source->size(), array.data_offset) - array.data_offset;
  if (overflow || static_cast<uint64_t>(bytes) > there) {
    throw Error("declares " + array.shape_text() + " values of type " + array.type_name() +
                    " but holds only " + std::to_string(there) + " bytes of them",
                array.where(), "The file is cut off or damaged: make or copy it again");
  }
}

NpyArray open_npy(std::unique_ptr<ByteSource> source) {
  NpyArray array;
  array.source = std::move(source);
  const std::string& where = array.where();
  uint8_t start[12] = {};
  if (array.source->read(start, 10) != 10 || std::memcmp(start, "\x93NUMPY", 6) != 0) {
    throw Error("is not a NumPy array", where, "Save it with numpy.save or numpy.savez");
  }
  if (start[6] < 1 || start[6] > 3) {
    throw Error("has format version " + std::to_string(start[6]) + "; 1 to 3 are known", where);
  }
  const bool long_header = start[6] > 1;
  if (long_header) read_exactly(*array.source, start + 10, 2);
  const size_t length = start[8] | start[9] << 8 | start[10] << 16 | size_t{start[11]} << 24;
  if (length > 65536)
    throw Error("has a header of " + std::to_string(length) + " bytes", where, "Save plain numbers");
  std::string text(length, '\0');
  read_exactly(*array.source, text.data(), length);
  read_header(text, array);
  array.data_offset = (long_header ? 12 : 10) + length;
  check_npy_size(array);
  return array;
}

}  // namespace mudra
