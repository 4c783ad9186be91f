// Bytes to read from: a file, or a member of a zip archive.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace mudra {

// read() goes front to back; read_at() anywhere, from any thread.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fills `out`; fewer than `size` bytes come only at the end.
  virtual size_t read(void* out, size_t size) = 0;
  // Fills `out` from `offset` or throws Error.
  virtual void read_at(uint64_t offset, void* out, size_t size) const = 0;
  virtual bool can_read_at() const = 0;

  uint64_t size() const { return size_; }              // declared by the file system or the archive
  const std::string& where() const { return where_; }  // for messages: "digits.npz, array `labels`"

 protected:
  uint64_t size_ = 0;
  std::string where_;
};

// Fills `out`; throws Error when fewer than `size` bytes are left.
void read_exactly(ByteSource& source, void* out, size_t size);

// Throws Error when the path is missing, a folder, empty or unreadable.
std::unique_ptr<ByteSource> open_file(const std::string& path);

// The same, unpacking gzip on the way.
std::unique_ptr<ByteSource> open_plain_or_gzip(const std::string& path);

// A zip archive of NumPy arrays (.npz), read through libzip.
class NpzFile {
 public:
  explicit NpzFile(const std::string& path);
  ~NpzFile();
  NpzFile(const NpzFile&) = delete;
  NpzFile& operator=(const NpzFile&) = delete;

  const std::vector<std::string>& arrays() const { return arrays_; }  // names without ".npy"
  bool has(const std::string& array) const;
  std::unique_ptr<ByteSource> open(const std::string& array) const;

 private:
  struct Archive;
  std::string path_;
  std::shared_ptr<Archive> archive_;  // members keep it open
  std::vector<std::string> arrays_;
};

}  // namespace mudra
