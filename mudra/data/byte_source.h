// Bytes to read from: a file, or a member of a zip archive.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mudra {

// read() goes front to back; read_at() anywhere, from any thread.
class ByteSource {
 public:
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;
  // Fills `out`; fewer than `size` bytes come only at the end.
  virtual size_t read(void* out, size_t size) = 0;
  // Fills `out` from `offset` or throws Error. Only if can_read_at().
  virtual void read_at(uint64_t offset, void* out, size_t size) const = 0;

  bool can_read_at() const { return can_read_at_; }
  uint64_t size() const { return size_; }              // declared by the file system or the archive
  const std::string& where() const { return where_; }  // for messages: "digits.npz, array `labels`"

 protected:
  explicit ByteSource(std::string where) : where_(std::move(where)) {}

  bool can_read_at_ = true;
  uint64_t size_ = 0;
  std::string where_;
};

// Fills `out`; throws Error when fewer than `size` bytes are left.
void read_exactly(ByteSource& source, void* out, size_t size);

// Throws Error when the path is missing, a folder, empty or unreadable.
std::unique_ptr<ByteSource> open_file(const std::string& path);

// The same, unpacking gzip on the way.
std::unique_ptr<ByteSource> open_plain_or_gzip(const std::string& path);

// The first six bytes, which tell what a file is; zeros after the end of a shorter one.
std::string first_bytes(const std::string& path);

// A zip archive of NumPy arrays (.npz), read through libzip.
class NpzFile {
 public:
  explicit NpzFile(const std::string& path);

  const std::vector<std::string>& arrays() const { return arrays_; }  // their names
  // The first of these arrays that is there, or null.
  std::unique_ptr<ByteSource> find(std::initializer_list<const char*> names) const;
  // The same; throws Error with `advice` when none is there.
  std::unique_ptr<ByteSource> open(std::initializer_list<const char*> names, const std::string& advice) const;

 private:
  std::string path_;
  std::shared_ptr<struct ZipArchive> archive_;  // members keep it open
  std::vector<std::string> arrays_;             // names without ".npy"
};

}  // namespace mudra
