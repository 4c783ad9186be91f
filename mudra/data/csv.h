// Comma-separated values (RFC 4180) that no spreadsheet takes for formulas: a text that begins with = + - @,
// a tab or a carriage return, and is no number, stands behind an apostrophe, and so does one that already
// begins like this. Reading takes the apostrophe away.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/data/byte_source.h"

namespace mudra {

class CsvReader {
 public:
  explicit CsvReader(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}

  // The fields of the next line that is not blank, without quotes, in which lines may end; false at the end.
  // Fields are valid until the next call.
  bool next(std::vector<std::string_view>& fields);
  int64_t line() const { return line_; }  // of the last call, counted from 1
  const std::string& where() const { return source_->where(); }

 private:
  bool read_line();
  bool add_line();
  bool next_fields(std::vector<std::string_view>& fields);

  std::unique_ptr<ByteSource> source_;
  std::string buffer_, text_, unquoted_;
  size_t at_ = 0;
  int64_t line_ = 0;
};

// The place of the column with this name, in any case; none when there is none.
std::optional<size_t> csv_column(const std::vector<std::string_view>& header, std::string_view name);
// The text as one field, quoted when it must be. CsvReader reads it back as it was.
std::string csv_field(std::string_view text);

}  // namespace mudra
