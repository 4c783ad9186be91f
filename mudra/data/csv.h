// Comma-separated values, line by line (RFC 4180, without line breaks inside quotes).
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

  // The fields of the next line that is not blank, without quotes; false at the end. Fields are valid until
  // the next call.
  bool next(std::vector<std::string_view>& fields);
  int64_t line() const { return line_; }  // of the last call, counted from 1
  const std::string& where() const { return source_->where(); }

 private:
  bool read_line();

  std::unique_ptr<ByteSource> source_;
  std::string buffer_, text_, unquoted_;
  size_t at_ = 0;
  int64_t line_ = 0;
};

// The place of the column with this name, in any case; none when there is none.
std::optional<size_t> csv_column(const std::vector<std::string_view>& header, std::string_view name);
// The text as one field, quoted when it must be.
std::string csv_field(std::string_view text);
// The same for a table that people open: a text that a spreadsheet would run as a formula, because it begins
// with = + - @, a tab or a carriage return, gets an apostrophe before it. It no longer reads back the same.
std::string csv_text_cell(std::string_view text);

}  // namespace mudra
