#include "mudra/data/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>
#include <zlib.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <mutex>

#include "mudra/core/error.h"
#include "mudra/core/text.h"
#include "mudra/data/label_index.h"

namespace mudra {
namespace {

// Calls some(done), which fills a part of the `size` bytes and says how much, until all is there or nothing
// comes.
template <class Some>
size_t read_parts(size_t size, Some some) {
  size_t done = 0;
  for (size_t count = 1; done < size && count > 0; done += count) count = some(done);
  return done;
}

class FileBytes final : public ByteSource {
 public:
  explicit FileBytes(const std::string& path)
      // Not waiting: a FIFO that nobody writes to would be waited for for ever. Files are never waited for.
      : ByteSource(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    struct stat status {};
    if (descriptor_.number < 0 || ::fstat(descriptor_.number, &status) != 0) {
      const int error = errno;
      throw Error(std::string("cannot read: ") + std::strerror(error), path,
                  error == EACCES ? "Give yourself the right to read it" : "Check the path");
    }
    size_ = static_cast<uint64_t>(status.st_size);
    const char* problem = S_ISDIR(status.st_mode)    ? "is a folder, not a file"
                          : !S_ISREG(status.st_mode) ? "is not a regular file"
                          : size_ == 0               ? "is empty"
                                                     : nullptr;
    if (problem != nullptr) throw Error(problem, path, "Name a file with images");
  }

  size_t read(void* out, size_t size) override {
    const size_t count = read_some(position_, out, size);
    position_ += count;
    return count;
  }
  void read_at(uint64_t offset, void* out, size_t size) const override {
    if (read_some(offset, out, size) != size) throw Error("ended early while it was being read", where_);
  }

 private:
  size_t read_some(uint64_t offset, void* out, size_t size) const {
    return read_parts(size, [&](size_t done) {
      ssize_t count = -1;
      do {
        count = ::pread(descriptor_.number, static_cast<char*>(out) + done, size - done,
                        static_cast<off_t>(offset + done));
      } while (count < 0 && errno == EINTR);
      if (count < 0) throw Error(std::string("cannot read: ") + std::strerror(errno), where_);
      return static_cast<size_t>(count);
    });
  }

  struct Descriptor {
    explicit Descriptor(int opened) : number(opened) {}
    ~Descriptor() { ::close(number); }
    const int number;
  } descriptor_;
  uint64_t position_ = 0;
};

class GzipBytes final : public ByteSource {
 public:
  GzipBytes(const std::string& path, uint64_t packed_size)
      : ByteSource(path), file_(gzopen(path.c_str(), "rb"), gzclose) {
    can_read_at_ = false;
    size_ = packed_size * 1032;  // deflate packs at most 1032 bytes into one
    if (file_ == nullptr) throw Error("cannot be opened", path, "Check the path");
    gzbuffer(file_.get(), 1 << 17);
  }

  size_t read(void* out, size_t size) override {
    return read_parts(size, [&](size_t done) {
      const auto part = static_cast<unsigned>(std::min<size_t>(size - done, 1 << 30));
      const int count = gzread(file_.get(), static_cast<char*>(out) + done, part);
      int error = Z_OK;
      const char* text = gzerror(file_.get(), &error);
      if (count < 0 || (error != Z_OK && error != Z_STREAM_END)) {
        throw Error(std::string("is damaged or cut off gzip (") + text + ")", where_,
                    "Make or copy it again");
      }
      return static_cast<size_t>(count);
    });
  }
  void read_at(uint64_t, void*, size_t) const override { assert(false); }

 private:
  std::unique_ptr<gzFile_s, int (*)(gzFile)> file_;
};

}  // namespace

std::unique_ptr<ByteSource> open_plain_or_gzip(const std::string& path) {
  auto file = open_file(path);
  unsigned char magic[2] = {};
  if (file->size() >= 2) file->read_at(0, magic, 2);
  if (magic[0] != 0x1F || magic[1] != 0x8B) return file;
  return std::make_unique<GzipBytes>(path, file->size());
}

void read_exactly(ByteSource& source, void* out, size_t size) {
  if (source.read(out, size) != size) {
    throw Error("is cut off: values are missing", source.where(), "Make or copy the file again");
  }
}

std::unique_ptr<ByteSource> open_file(const std::string& path) { return std::make_unique<FileBytes>(path); }

std::string first_bytes(const std::string& path) {
  std::string bytes(6, '\0');
  open_file(path)->read(bytes.data(), bytes.size());
  return bytes;
}

// libzip handles are not thread-safe: one lock for the archive and its members.
struct ZipArchive {
  std::mutex lock;
  std::unique_ptr<zip_t, void (*)(zip_t*)> zip{nullptr, zip_discard};
};

namespace {

constexpr const char* damaged = "Make the file again; it is damaged";

class ZipMember final : public ByteSource {
 public:
  ZipMember(std::shared_ptr<ZipArchive> archive, const std::string& member, const std::string& where)
      : ByteSource(where), archive_(std::move(archive)) {
    zip_stat_t status;
    zip_t* const zip = archive_->zip.get();
    if (zip_stat(zip, member.c_str(), 0, &status) != 0 || (status.valid & ZIP_STAT_SIZE) == 0) {
      throw Error("cannot be opened", where_, damaged);
    }
    size_ = status.size;
    can_read_at_ = (status.valid & ZIP_STAT_COMP_METHOD) != 0 && status.comp_method == ZIP_CM_STORE;
    file_ = zip_fopen_index(zip, status.index, 0);
    if (file_ == nullptr) throw Error(zip_strerror(zip), where_, damaged);
  }
  ~ZipMember() override {
    const std::lock_guard guard(archive_->lock);
    zip_fclose(file_);
  }

  size_t read(void* out, size_t size) override {
    const std::lock_guard guard(archive_->lock);
    return read_some(out, size);
  }
  void read_at(uint64_t offset, void* out, size_t size) const override {
    const std::lock_guard guard(archive_->lock);
    if (zip_fseek(file_, static_cast<zip_int64_t>(offset), SEEK_SET) != 0) fail();
    if (read_some(out, size) != size) throw Error("ended early while it was being read", where_, damaged);
  }

 private:
  [[noreturn]] void fail() const { throw Error(zip_file_strerror(file_), where_, damaged); }
  size_t read_some(void* out, size_t size) const {
    return read_parts(size, [&](size_t done) {
      const zip_int64_t count = zip_fread(file_, static_cast<char*>(out) + done, size - done);
      if (count < 0) fail();
      return static_cast<size_t>(count);
    });
  }

  std::shared_ptr<ZipArchive> archive_;
  zip_file_t* file_ = nullptr;
};

}  // namespace

NpzFile::NpzFile(const std::string& path) : path_(path), archive_(std::make_shared<ZipArchive>()) {
  open_file(path);  // says what is wrong with a missing, empty or unreadable path
  int code = 0;
  archive_->zip.reset(zip_open(path.c_str(), ZIP_RDONLY, &code));
  if (archive_->zip == nullptr) {
    if (code == ZIP_ER_NOZIP || code == ZIP_ER_INCONS) {
      throw Error("is not a zip archive, or it is cut off, so it is no .npz", path,
                  "Save it with numpy.savez(path, dataset=images, labels=labels)");
    }
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string text = zip_error_strerror(&error);
    zip_error_fini(&error);
    throw Error("cannot be read: " + text, path, damaged);
  }
  const zip_int64_t members = zip_get_num_entries(archive_->zip.get(), 0);
  for (zip_int64_t i = 0; i < members; ++i) {
    const char* name = zip_get_name(archive_->zip.get(), static_cast<zip_uint64_t>(i), 0);
    const std::string text = name != nullptr ? name : "";
    if (text.size() > 4 && text.ends_with(".npy")) arrays_.push_back(text.substr(0, text.size() - 4));
  }
}

std::unique_ptr<ByteSource> NpzFile::find(std::initializer_list<const char*> names) const {
  const auto found = std::ranges::find_first_of(names, arrays_);
  if (found == names.end()) return nullptr;
  return std::make_unique<ZipMember>(archive_, *found + std::string(".npy"),
                                     path_ + ", array `" + *found + "`");
}

std::unique_ptr<ByteSource> NpzFile::open(std::initializer_list<const char*> names,
                                          const std::string& advice) const {
  if (auto found = find(names)) return found;
  std::vector<std::string> quoted;
  for (const char* name : names) quoted.push_back(std::string("`") + name + "`");
  const std::string there = arrays_.empty() ? "no arrays" : join_names(arrays_, 10);
  throw Error("has no array " + listed(quoted, "or"), path_, "It holds " + there + ". " + advice);
}

}  // namespace mudra
