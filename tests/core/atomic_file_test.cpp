// A file that cannot be written whole leaves the old one as it was and nothing else.
#include "mudra/core/atomic_file.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "mudra/core/error.h"
#include "tests/reference.h"

namespace mudra {
namespace {

namespace fs = std::filesystem;

// The names in a folder.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  return names;
}

// The message of the Error that work() throws.
std::string error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// While it lives no file may grow beyond so many bytes: a disk that is full.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);  // so that write() fails instead
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST(AtomicFile, AppearsWholeUnderItsName) {
  const ScratchFolder folder;
  const fs::path path = folder.path() / "model";
  const std::string bytes("a\0b\n", 4);
  write_file_atomically(path, bytes);
  EXPECT_EQ(read_file(path), bytes);
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"model"});
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0644U);
  write_file_atomically(path, "");
  EXPECT_EQ(read_file(path), "");
}

TEST(AtomicFile, IsNotThereBeforeCommit) {
  const ScratchFolder folder;
  const fs::path path = folder.path() / "model";
  {
    AtomicFile file(path);
    file.write("half");
    EXPECT_FALSE(fs::exists(path));
    EXPECT_EQ(names_in(folder.path()).size(), 1U);
  }
  EXPECT_TRUE(names_in(folder.path()).empty());
  {
    AtomicFile file(path);
    file.write("one ");
    file.write("and two");
    file.commit();
  }
  EXPECT_EQ(read_file(path), "one and two");
}

TEST(AtomicFile, OnAFullDiskTheOldFileStaysAsItWas) {
  const ScratchFolder folder;
  const fs::path path = folder.path() / "model";
  write_file_atomically(path, "old");
  {
    const FullDisk full(1000);
    const std::string message = error_of([&] { write_file_atomically(path, std::string(5000, 'x')); });
    EXPECT_NE(message.find("cannot write"), std::string::npos) << message;
    EXPECT_NE(message.find(path.string()), std::string::npos) << message;
  }
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"model"});
}

TEST(AtomicFile, InAFolderThatMayNotBeWrittenTheOldFileStaysAsItWas) {
  const ScratchFolder folder;
  const fs::path path = folder.path() / "model";
  write_file_atomically(path, "old");
  const uid_t user = geteuid();
  ASSERT_EQ(chmod(folder.path().c_str(), 0555), 0);
  ASSERT_EQ(seteuid(user == 0 ? 65534 : user), 0);  // nothing is forbidden to the superuser
  const std::string message = error_of([&] { write_file_atomically(path, "new"); });
  ASSERT_EQ(seteuid(user), 0);
  ASSERT_EQ(chmod(folder.path().c_str(), 0755), 0);
  EXPECT_NE(message.find("Choose a folder you may write to"), std::string::npos) << message;
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"model"});
}

TEST(AtomicFile, ReplacesNoFolderAndNoDevice) {
  const ScratchFolder folder;
  const fs::path path = folder.path() / "model";
  fs::create_directory(path);
  EXPECT_NE(error_of([&] { write_file_atomically(path, "new"); }).find("is a folder"), std::string::npos);
  EXPECT_TRUE(fs::is_directory(path));
  EXPECT_NE(error_of([] { write_file_atomically("/dev/null", "new"); }).find("no ordinary file"),
            std::string::npos);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"model"});
}

// The folder takes its place while the file is written: renaming fails, after everything else went well.
TEST(AtomicFile, LeavesNoTemporaryWhenRenamingFails) {
  const ScratchFolder folder;
  const fs::path path = folder.path() / "model";
  {
    AtomicFile file(path);
    file.write("new");
    fs::create_directory(path);
    EXPECT_NE(error_of([&] { file.commit(); }).find("cannot write"), std::string::npos);
  }
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"model"});
}

TEST(AtomicFile, NamesTheRemedyWhenTheFolderIsMissing) {
  const ScratchFolder folder;
  const std::string message =
      error_of([&] { write_file_atomically(folder.path() / "none" / "model", "new"); });
  EXPECT_NE(message.find("Create the folder first"), std::string::npos) << message;
}

TEST(ReadFile, RefusesWhatIsMissingAFolderOrTooLarge) {
  const ScratchFolder folder;
  const fs::path path = folder.path() / "data";
  EXPECT_NE(error_of([&] { read_file(path); }).find("cannot read"), std::string::npos);
  EXPECT_NE(error_of([&] { read_file(folder.path()); }).find("is a folder"), std::string::npos);
  write_file_atomically(path, "12345");
  EXPECT_EQ(read_file(path, 5), "12345");
  EXPECT_NE(error_of([&] { read_file(path, 4); }).find("5 bytes, more than the 4"), std::string::npos);
}

}  // namespace
}  // namespace mudra
