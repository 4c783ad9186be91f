// The header of NumPy's .npy format, up to its first value.
#include <bit>
#include <charconv>
#include <cstring>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/data/npy.h"

namespace mudra {
namespace {

// The header is a Python dictionary of three known keys; this reads that and nothing else of Python.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  NpyHeader parse() {
    NpyHeader header;
    bool descr = false, order = false, shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !std::exchange(descr, true)) {
        skip_spaces();
        if (peek() == '[') refuse("holds a structured type", "Save plain numbers or text");
        read_type(quoted(), header);
      } else if (key == "fortran_order" && !std::exchange(order, true)) {
        header.fortran_order = boolean();
      } else if (key == "shape" && !std::exchange(shape, true)) {
        header.shape = tuple();
      } else {
        malformed();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_spaces();
    if (!descr || !order || !shape || at_ != text_.size()) malformed();
    return header;
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_spaces() {
    while (peek() == ' ' || peek() == '\n' || peek() == '\t' || peek() == '\r') ++at_;
  }
  bool accept(char c) {
    skip_spaces();
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) malformed();
  }
  std::string quoted() {
    skip_spaces();
    const char quote = peek();
    if (quote != '\'' && quote != '"') malformed();
    const size_t end = text_.find(quote, ++at_);
    if (end == std::string_view::npos) malformed();
    std::string inside(text_.substr(at_, end - at_));
    at_ = end + 1;
    return inside;
  }
  bool boolean() {
    skip_spaces();
    for (const std::string_view word : {"True", "False"}) {
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return word == "True";
      }
    }
    malformed();
  }
  std::vector<int64_t> tuple() {
    std::vector<int64_t> sizes;
    expect('(');
    while (!accept(')')) {
      skip_spaces();
      int64_t size = 0;
      const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), size);
      if (error != std::errc{} || size < 0) malformed();
      at_ = static_cast<size_t>(end - text_.data());
      if (peek() == 'L') ++at_;  // NumPy on Python 2 wrote 5000L
      sizes.push_back(size);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    if (sizes.size() > 32) malformed();
    return sizes;
  }
  void read_type(const std::string& descr, NpyHeader& header) {
    std::string_view type = descr;
    if (!type.empty() && std::string_view("<>|=").find(type[0]) != std::string_view::npos) {
      const bool big = std::endian::native == std::endian::big;
      header.swapped = type[0] == (big ? '<' : '>');
      type.remove_prefix(1);
    }
    const char kind = type.empty() ? '\0' : type[0];
    if (kind == 'O') {
      refuse("holds Python objects, and reading those means running code from the file",
             "Save numbers or text: numpy.asarray(values.tolist())");
    }
    int size = 0;
    if (type.size() > 1) {
      const char* last = descr.data() + descr.size();
      const auto [end, error] = std::from_chars(type.data() + 1, last, size);
      if (error != std::errc{} || end != last) size = 0;
    }
    const bool number = size == 1 || size == 2 || size == 4 || size == 8;
    const bool known = kind == 'b'                  ? size == 1
                       : kind == 'u' || kind == 'i' ? number
                       : kind == 'f'                ? number && size > 1
                       : kind == 'U' || kind == 'S' ? size > 0
                                                    : false;
    if (!known) refuse("has the type " + descr, "Save whole numbers, floats or text");
    if (size > 1024) refuse("has texts of up to " + std::to_string(size) + " characters", "Shorten them");
    header.kind = kind;
    header.item_size = kind == 'U' ? size * 4 : size;
    if (header.item_size == 1 || kind == 'S') header.swapped = false;
  }
  [[noreturn]] void malformed() const {
    refuse("has a header that is not NumPy's", "Save it again with numpy.save or numpy.savez");
  }
  [[noreturn]] void refuse(std::string_view what, std::string_view remedy) const {
    throw Error(what, where_, remedy);
  }

  std::string_view text_;
  const std::string& where_;
  size_t at_ = 0;
};

}  // namespace

std::string NpyHeader::type_name() const {
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

std::string NpyHeader::shape_text() const {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

void check_npy_size(NpyHeader& header, const ByteSource& source) {
  int64_t bytes = header.item_size;
  header.values = 1;
  bool overflow = false;
  for (const int64_t size : header.shape) {
    overflow |= __builtin_mul_overflow(header.values, size, &header.values);
    overflow |= __builtin_mul_overflow(bytes, size, &bytes);
  }
  const uint64_t there = source.size() > header.data_offset ? source.size() - header.data_offset : 0;
  if (overflow || static_cast<uint64_t>(bytes) > there) {
    throw Error("declares " + header.shape_text() + " values of type " + header.type_name() +
                    " but holds only " + std::to_string(there) + " bytes of them",
                source.where(), "The file is cut off or damaged: make or copy it again");
  }
}

NpyHeader read_npy_header(ByteSource& source) {
  const std::string& where = source.where();
  uint8_t start[12] = {};
  if (source.read(start, 10) != 10 || std::memcmp(start, "\x93NUMPY", 6) != 0) {
    throw Error("is not a NumPy array", where, "Save it with numpy.save or numpy.savez");
  }
  if (start[6] < 1 || start[6] > 3) {
    throw Error("has format version " + std::to_string(start[6]) + "; 1 to 3 are known", where);
  }
  uint32_t length = start[8] | static_cast<uint32_t>(start[9]) << 8;
  uint64_t offset = 10;
  if (start[6] > 1) {
    read_exactly(source, start + 10, 2);
    length |= static_cast<uint32_t>(start[10]) << 16 | static_cast<uint32_t>(start[11]) << 24;
    offset = 12;
  }
  if (length > 65536)
    throw Error("has a header of " + std::to_string(length) + " bytes", where, "Save plain numbers");
  std::string text(length, '\0');
  read_exactly(source, text.data(), length);
  NpyHeader header = HeaderParser(text, where).parse();
  header.data_offset = offset + length;
  check_npy_size(header, source);
  return header;
}

}  // namespace mudra
