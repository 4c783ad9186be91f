#include "mudra/core/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "mudra/core/error.h"

namespace mudra {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

std::string reason() { return std::strerror(errno); }

// Remedy for the errno of a failed write.
std::string_view write_remedy(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "Free some space or choose another folder";
    case EACCES:
    case EPERM:
    case EROFS:
      return "Choose a folder you may write to";
    case ENOENT:
      return "Create the folder first or choose another";
    default:
      return "Choose another folder";
  }
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& path)
    : path_(path), temporary_(path.string() + ".XXXXXX") {
  std::error_code none;
  const std::filesystem::file_status there = std::filesystem::status(path, none);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there)) {
    // A device would be replaced by a file.
    const bool is_folder = std::filesystem::is_directory(there);
    temporary_.clear();
    throw Error(is_folder ? "is a folder" : "is no ordinary file", path_.string(), "Name a file to write");
  }
  descriptor_ = ::mkostemp(temporary_.data(), O_CLOEXEC);
  if (descriptor_ < 0) {
    temporary_.clear();
    fail();
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::fail() const {
  const int error = errno;
  throw Error("cannot write: " + reason(), path_.string(), write_remedy(error));
}

void AtomicFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail();
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

void AtomicFile::commit() {
  // The file may have been replaced under its temporary name, so it is opened again.
  Descriptor file(::open(temporary_.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 || ::fchmod(file.get(), 0644) != 0 || ::fsync(file.get()) != 0) fail();
  const int descriptor = std::exchange(descriptor_, -1);
  if (::close(descriptor) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) fail();
  temporary_.clear();
  const std::filesystem::path folder = path_.has_parent_path() ? path_.parent_path() : ".";
  Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) ::fsync(directory.get());  // some file systems refuse; the data is synced
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

std::string read_file(const std::filesystem::path& path, size_t limit) {
  // Not waiting: a FIFO that nobody writes to would be waited for for ever.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) throw Error("cannot read: " + reason(), path.string(), "Check the path");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw Error("cannot read: " + reason(), path.string());
  if (S_ISDIR(status.st_mode)) throw Error("is a folder, not a file", path.string(), "Name a file");
  if (!S_ISREG(status.st_mode)) throw Error("is not a regular file", path.string(), "Name a file");
  if (static_cast<size_t>(status.st_size) > limit) {
    throw Error("is " + std::to_string(status.st_size) + " bytes, more than the " + std::to_string(limit) +
                    " this kind of file may have",
                path.string());
  }
  std::string bytes;
  bytes.reserve(static_cast<size_t>(status.st_size));
  char chunk[1 << 16];
  for (;;) {
    const ssize_t count = ::read(file.get(), chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error("cannot read: " + reason(), path.string());
    if (count == 0) return bytes;
    bytes.append(chunk, static_cast<size_t>(count));
    if (bytes.size() > limit) throw Error("is too large", path.string());
  }
}

}  // namespace mudra
