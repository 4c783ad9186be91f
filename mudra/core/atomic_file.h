// Files that appear whole or not at all.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace mudra {

// Where links lead, also to a file that is not there yet. Throws Error when they lead in a circle.
std::filesystem::path followed(std::filesystem::path path);

// A file written piece by piece under a temporary name beside `path`, or beside the file a link of this name
// leads to. commit() syncs it, renames it and syncs the folder; without commit() nothing stays. A new file
// has the permissions that the umask leaves, a file that is replaced keeps its own. Throws Error when
// anything fails (full disk, no permission).
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  void commit();
  // For a library that writes by itself: the name to write to, once this file is no longer written to here.
  const std::string& temporary() const { return temporary_; }

 private:
  std::filesystem::path path_;
  std::string temporary_;
  int descriptor_ = -1;
  unsigned mode_ = 0;
};

// The same in one piece. Writes to a temporary name beside `path`, syncs, renames, syncs the folder. Throws
// Error and leaves no file and no changed file behind when anything fails (full disk, no permission).
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

// Makes sure that what was renamed in a folder stays so when the power fails, where the file system can.
void sync_folder(const std::filesystem::path& folder);

// Removes what processes that were killed left behind of writing `path`. Nobody may be writing it.
void remove_temporaries(const std::filesystem::path& path);

// Adds to the end of a file, or makes it. Throws Error when it cannot; a part may then be there.
void append_to_file(const std::filesystem::path& path, std::string_view bytes);

// The whole file; throws Error naming it when it cannot be read or holds more than `limit` bytes.
std::string read_file(const std::filesystem::path& path, size_t limit = size_t{1} << 32);

}  // namespace mudra
