#include "mudra/core/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

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

// Between a file's name and six letters: a temporary of ours and of nobody else.
constexpr std::string_view temporary_mark = ".mudra-";
constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr size_t temporary_letters = 6;

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

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : ".";
}

[[noreturn]] void fail_to_write(const std::filesystem::path& path) {
  const int error = errno;
  throw Error("cannot write: " + reason(), path.string(), write_remedy(error));
}

void write_all(int descriptor, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_to_write(path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace

std::filesystem::path followed(std::filesystem::path path) {
  std::error_code none;
  for (int links = 0; std::filesystem::is_symlink(path, none); ++links) {
    if (links == 40) throw Error("is a link that leads to no file", path.string(), "Name a file to write");
    path = path.parent_path() / std::filesystem::read_symlink(path);
  }
  return path;
}

AtomicFile::AtomicFile(const std::filesystem::path& path) : path_(followed(path)) {
  struct stat there {};
  const bool replaces = ::stat(path_.c_str(), &there) == 0;
  if (replaces && !S_ISREG(there.st_mode)) {
    // A device would be replaced by a file.
    throw Error(S_ISDIR(there.st_mode) ? "is a folder" : "is no ordinary file", path_.string(),
                "Name a file to write");
  }
  std::random_device random;
  do {
    temporary_ = path_.string() + std::string(temporary_mark);
    for (size_t i = 0; i < temporary_letters; ++i) temporary_ += letters[random() % letters.size()];
    descriptor_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && errno == EEXIST);
  if (descriptor_ < 0) {
    temporary_.clear();
    fail_to_write(path_);
  }
  struct stat made {};
  ::fstat(descriptor_, &made);
  mode_ = (replaces ? there : made).st_mode & 0777;
  ::fchmod(descriptor_, mode_ | 0600);  // nobody reads a private file while it is written
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view bytes) { write_all(descriptor_, bytes, path_); }

void AtomicFile::commit() {
  // The file may have been replaced under its temporary name, so it is opened again.
  Descriptor file(::open(temporary_.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 || ::fchmod(file.get(), mode_) != 0 || ::fsync(file.get()) != 0) fail_to_write(path_);
  const int descriptor = std::exchange(descriptor_, -1);
  if (::close(descriptor) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) fail_to_write(path_);
  temporary_.clear();
  sync_folder(folder_of(path_));
}

void sync_folder(const std::filesystem::path& folder) {
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) ::fsync(directory.get());  // some file systems refuse; the data is synced
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void remove_temporaries(const std::filesystem::path& path) {
  const std::string start = path.filename().string() + std::string(temporary_mark);
  std::error_code ignored;
  std::vector<std::filesystem::path> found;
  std::filesystem::directory_iterator entry(folder_of(path), ignored);
  // What cannot be listed stays: it hurts nobody.
  for (; !ignored && entry != std::filesystem::directory_iterator(); entry.increment(ignored)) {
    const std::string name = entry->path().filename().string();
    if (name.size() == start.size() + temporary_letters && name.starts_with(start) &&
        name.find_first_not_of(letters, start.size()) == std::string::npos)
      found.push_back(entry->path());
  }
  for (const auto& file : found) std::filesystem::remove(file, ignored);
}

void append_to_file(const std::filesystem::path& path, std::string_view bytes) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666));
  if (file.get() < 0) fail_to_write(path);
  write_all(file.get(), bytes, path);
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
