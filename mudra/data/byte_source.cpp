#include "mudra/data/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include "mudra/core/error.h"

namespace mudra {
namespace {

class FileBytes final : public ByteSource {
 public:
  explicit FileBytes(const std::string& path) {
    where_ = path;
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) {
      const int error = errno;
      if (descriptor_ >= 0) ::close(descriptor_);
      throw Error(std::string("cannot read: ") + std::strerror(error), path,
                  error == EACCES ? "Give yourself the right to read it" : "Check the path");
    }
    size_ = static_cast<uint64_t>(status.st_size);
    const char* problem = S_ISDIR(status.st_mode)    ? "is a folder, not a file"
                          : !S_ISREG(status.st_mode) ? "is not a regular file"
                          : size_ == 0               ? "is empty"
                                                     : nullptr;
    if (problem != nullptr) {
      ::close(descriptor_);
      throw Error(problem, path, "Name a file with images");
    }
  }
  ~FileBytes() override { ::close(descriptor_); }
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;

  size_t read(void* out, size_t size) override {
    const size_t count = read_some(position_, out, size);
    position_ += count;
    return count;
  }
  void read_at(uint64_t offset, void* out, size_t size) const override {
    if (read_some(offset, out, size) != size) throw Error("ended early while it was being read", where_);
  }
  bool can_read_at() const override { return true; }

 private:
  size_t read_some(uint64_t offset, void* out, size_t size) const {
    size_t done = 0;
    while (done < size) {
      const ssize_t count = ::pread(descriptor_, static_cast<char*>(out) + done, size - done,
                                    static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw Error(std::string("cannot read: ") + std::strerror(errno), where_);
      if (count == 0) break;
      done += static_cast<size_t>(count);
    }
    return done;
  }

  int descriptor_ = -1;
  uint64_t position_ = 0;
};

class GzipBytes final : public ByteSource {
 public:
  GzipBytes(const std::string& path, uint64_t packed_size) : file_(gzopen(path.c_str(), "rb")) {
    where_ = path;
    size_ = packed_size * 1032;  // deflate packs at most 1032 bytes into one
    if (file_ == nullptr) throw Error("cannot be opened", path, "Check the path");
    gzbuffer(file_, 1 << 17);
  }
  ~GzipBytes() override { gzclose(file_); }
  GzipBytes(const GzipBytes&) = delete;
  GzipBytes& operator=(const GzipBytes&) = delete;

  size_t read(void* out, size_t size) override {
    size_t done = 0;
    while (done < size) {
      const auto part = static_cast<unsigned>(std::min<size_t>(size - done, 1 << 30));
      const int count = gzread(file_, static_cast<char*>(out) + done, part);
      int error = Z_OK;
      const char* text = gzerror(file_, &error);
      if (count < 0 || (error != Z_OK && error != Z_STREAM_END)) {
        throw Error(std::string("is damaged or cut off gzip (") + text + ")", where_,
                    "Make or copy it again");
      }
      if (count == 0) break;
      done += static_cast<size_t>(count);
    }
    return done;
  }
  void read_at(uint64_t, void*, size_t) const override {
    throw Error("is compressed and cannot be read in parts", where_, "Uncompress it");
  }
  bool can_read_at() const override { return false; }

 private:
  gzFile file_ = nullptr;
};

}  // namespace

std::unique_ptr<ByteSource> open_plain_or_gzip(const std::string& path) {
  auto file = std::make_unique<FileBytes>(path);
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

// libzip handles are not thread-safe: one lock for the archive and its members.
struct NpzFile::Archive {
  std::mutex lock;
  zip_t* zip = nullptr;
  ~Archive() {
    if (zip != nullptr) zip_discard(zip);
  }
};

namespace {

constexpr const char* damaged = "Make the file again; it is damaged";

template <class Archive>  // NpzFile::Archive, which is private
class ZipMember final : public ByteSource {
 public:
  ZipMember(std::shared_ptr<Archive> archive, const std::string& member, const std::string& where)
      : archive_(std::move(archive)) {
    where_ = where;
    zip_stat_t status;
    if (zip_stat(archive_->zip, member.c_str(), 0, &status) != 0 || (status.valid & ZIP_STAT_SIZE) == 0) {
      throw Error("cannot be opened", where_, damaged);
    }
    size_ = status.size;
    stored_ = (status.valid & ZIP_STAT_COMP_METHOD) != 0 && status.comp_method == ZIP_CM_STORE;
    file_ = zip_fopen_index(archive_->zip, status.index, 0);
    if (file_ == nullptr) throw Error(zip_error_text(zip_get_error(archive_->zip)), where_, damaged);
  }
  ~ZipMember() override {
    const std::lock_guard guard(archive_->lock);
    zip_fclose(file_);
  }
  ZipMember(const ZipMember&) = delete;
  ZipMember& operator=(const ZipMember&) = delete;

  size_t read(void* out, size_t size) override {
    const std::lock_guard guard(archive_->lock);
    return read_some(out, size);
  }
  void read_at(uint64_t offset, void* out, size_t size) const override {
    const std::lock_guard guard(archive_->lock);
    if (zip_fseek(file_, static_cast<zip_int64_t>(offset), SEEK_SET) != 0) fail();
    if (read_some(out, size) != size) throw Error("ended early while it was being read", where_, damaged);
  }
  bool can_read_at() const override { return stored_; }

 private:
  static std::string zip_error_text(zip_error_t* error) { return zip_error_strerror(error); }
  [[noreturn]] void fail() const { throw Error(zip_error_text(zip_file_get_error(file_)), where_, damaged); }
  size_t read_some(void* out, size_t size) const {
    size_t done = 0;
    while (done < size) {
      const zip_int64_t count = zip_fread(file_, static_cast<char*>(out) + done, size - done);
      if (count < 0) fail();
      if (count == 0) break;
      done += static_cast<size_t>(count);
    }
    return done;
  }

  std::shared_ptr<Archive> archive_;
  zip_file_t* file_ = nullptr;
  bool stored_ = false;
};

}  // namespace

NpzFile::NpzFile(const std::string& path) : path_(path), archive_(std::make_shared<Archive>()) {
  open_file(path);  // says what is wrong with a missing, empty or unreadable path
  int code = 0;
  archive_->zip = zip_open(path.c_str(), ZIP_RDONLY, &code);
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
  const zip_int64_t members = zip_get_num_entries(archive_->zip, 0);
  for (zip_int64_t i = 0; i < members; ++i) {
    const char* name = zip_get_name(archive_->zip, static_cast<zip_uint64_t>(i), 0);
    const std::string text = name != nullptr ? name : "";
    if (text.size() > 4 && text.ends_with(".npy")) arrays_.push_back(text.substr(0, text.size() - 4));
  }
}

NpzFile::~NpzFile() = default;

bool NpzFile::has(const std::string& array) const {
  return std::find(arrays_.begin(), arrays_.end(), array) != arrays_.end();
}

std::unique_ptr<ByteSource> NpzFile::open(const std::string& array) const {
  const std::string where = path_ + ", array `" + array + "`";
  return std::make_unique<ZipMember<Archive>>(archive_, array + ".npy", where);
}

}  // namespace mudra
