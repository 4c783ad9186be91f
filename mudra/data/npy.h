// NumPy's .npy format, versions 1 to 3 (numpy.lib.format), read from files and from .npz members.
//
//   \x93NUMPY  major minor  length (2 bytes in version 1, else 4)  header  values
//   header: {'descr': '<f8', 'fortran_order': False, 'shape': (5000, 784), }
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/data/byte_source.h"

namespace mudra {

struct NpyHeader {
  char kind = 0;         // b bool, u unsigned, i signed, f float, U UCS-4 text, S bytes
  int item_size = 0;     // bytes of one value
  bool swapped = false;  // byte order is not this machine's
  bool fortran_order = false;
  std::vector<int64_t> shape;
  uint64_t data_offset = 0;
  int64_t values = 0;  // product of shape

  bool is_text() const { return kind == 'U' || kind == 'S'; }
  std::string type_name() const;   // "float64"
  std::string shape_text() const;  // "[5000, 784]"
};

// Reads the header and checks that the values it declares are there. Object arrays are refused: reading one
// means running code from the file (pickle).
NpyHeader read_npy_header(ByteSource& source);

// Sets header.values from its shape; throws Error when the source cannot hold that many.
void check_npy_size(NpyHeader& header, const ByteSource& source);

// Numbers as bytes when all are whole and 0..255, else as floats; exactly one of the two is filled.
struct NpyValues {
  std::vector<uint8_t> bytes;
  std::vector<float> floats;
};

// All values of a numeric array whose header was just read. Value [i, j, ..] of the array is put at
// i strides[0] + j strides[1] + ...; the strides must fill the result without gaps.
NpyValues read_npy_values(ByteSource& source, const NpyHeader& header, std::span<const int64_t> strides);

// Reads on to the end, where an archive checks its checksum; throws Error when it does not match.
void finish_reading(ByteSource& source);

// `count` raw values from memory to floats.
void npy_to_floats(const NpyHeader& header, const uint8_t* raw, int64_t count, float* out);

// One text for each value, in storage order, given to `take`; whole numbers become "0", "10".
// Throws Error for a value that is neither text nor a whole number.
void read_npy_labels(ByteSource& source, const NpyHeader& header,
                     const std::function<void(std::string_view)>& take);

}  // namespace mudra
