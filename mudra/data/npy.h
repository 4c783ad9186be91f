// NumPy's .npy format, versions 1 to 3 (numpy.lib.format), read from files and from .npz members.
//
//   \x93NUMPY  major minor  length (2 bytes in version 1, else 4)  header  values
//   header: {'descr': '<f8', 'fortran_order': False, 'shape': (5000, 784), }
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/data/byte_source.h"

namespace mudra {

// An array in a file or .npz member: what its header says, and where its values come from.
struct NpyArray {
  std::unique_ptr<ByteSource> source;  // its values come next, as long as none was read
  char kind = 0;                       // b bool, u unsigned, i signed, f float, U UCS-4 text, S bytes
  int item_size = 0;                   // bytes of one value
  bool swapped = false;                // byte order is not this machine's
  bool fortran_order = false;
  std::vector<int64_t> shape;
  uint64_t data_offset = 0;
  int64_t values = 0;  // product of shape

  bool is_text() const { return kind == 'U' || kind == 'S'; }
  std::string type_name() const;         // "float64"
  std::string shape_text() const;        // "[5000, 784]"
  std::vector<int64_t> strides() const;  // value [i, j, ..] is number i strides[0] + j strides[1] + ...
  const std::string& where() const { return source->where(); }
};

// Reads the header and checks that the values it declares are there. Object arrays are refused: reading one
// means running code from the file (pickle).
NpyArray open_npy(std::unique_ptr<ByteSource> source);

// Sets array.values from its shape; throws Error when the source cannot hold that many.
void check_npy_size(NpyArray& array);

// Numbers as bytes as long as all are whole and 0..255, else as floats; no more than one of the two is
// filled.
struct Numbers {
  std::vector<uint8_t> bytes;
  std::vector<float> floats;
  void add(std::span<const float> values);
};

// All values of a numeric array, as they are stored.
Numbers read_npy_numbers(const NpyArray& array);

// `count` raw values from memory to floats.
void npy_to_floats(const NpyArray& array, const uint8_t* raw, int64_t count, float* out);

// One text for each value, in storage order, given to `take`; whole numbers become "0", "10".
// Throws Error for a value that is neither text nor a whole number.
void read_npy_labels(const NpyArray& array, const std::function<void(std::string_view)>& take);

}  // namespace mudra
