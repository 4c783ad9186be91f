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
  write_file_atomically(path, "");
  EXPECT_EQ(read_file(path), "");
}

unsigned mode_of(const fs::path& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

TEST(AtomicFile, HasThePermissionsTheUmaskLeavesAndKeepsThoseOfTheFileItReplaces) {
  const ScratchFolder folder;
  const mode_t before = umask(0);
  for (const mode_t mask : {0U, 022U, 027U, 077U}) {
    const fs::path path = folder.path() / std::to_string(mask);
    umask(mask);
    write_file_atomically(path, "new");
    EXPECT_EQ(mode_of(path), 0666U & ~mask);
  }
  umask(022);
  const fs::path path = folder.path() / "private";
  write_file_atomically(path, "old");
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  {
    AtomicFile file(path);
    EXPECT_EQ(mode_of(file.temporary()), 0640U) << "nobody else may read it while it is written";
    file.write("new");
    file.commit();
  }
  EXPECT_EQ(mode_of(path), 0640U);
  umask(before);
}

TEST(AtomicFile, GoesWhereALinkLeads) {
  const ScratchFolder folder;
  const fs::path other = folder.path() / "other", link = folder.path() / "link";
  fs::create_directory(other);
  fs::create_symlink("second", link);
  fs::create_symlink("other/model", folder.path() / "second");
  for (const char* text : {"made", "replaced"}) {  // at first the links lead nowhere
    write_file_atomically(link, text);
    EXPECT_TRUE(fs::is_symlink(link) && fs::is_symlink(folder.path() / "second"));
    EXPECT_EQ(read_file(other / "model"), text);
  }
  EXPECT_EQ(names_in(other), std::vector<std::string>{"model"});
  fs::create_symlink("circle", folder.path() / "circle");
  EXPECT_NE(error_of([&] { write_file_atomically(folder.path() / "circle", "x"); }).find("leads to no file"),
            std::string::npos);
  EXPECT_TRUE(fs::is_symlink(folder.path() / "circle"));
}

TEST(AtomicFile, OnlyTemporariesOfOursAreRemoved) {
  const ScratchFolder folder;
  const fs::path path = folder.path() / "model";
  std::string temporary;
  {
    AtomicFile file(path);
    temporary = fs::path(file.temporary()).filename().string();
  }
  for (const std::string& name : {temporary, std::string("model.backup"), temporary + "x", "x" + temporary})
    write_file_atomically(folder.path() / name, "");
  remove_temporaries(path);
  EXPECT_FALSE(fs::exists(folder.path() / temporary));
  EXPECT_EQ(names_in(folder.path()).size(), 3U);
}

TEST(AppendToFile, AddsOrSaysWhyNot) {
  const ScratchFolder folder;
  const fs::path path = folder.path() / "lines";
  append_to_file(path, "one\n");
  append_to_file(path, "two\n");
  EXPECT_EQ(read_file(path), "one\ntwo\n");
  const FullDisk full(4);
  EXPECT_NE(error_of([&] { append_to_file(path, "three\n"); }).find("File too large"), std::string::npos);
  EXPECT_NE(error_of([&] { append_to_file(folder.path() / "none" / "lines", "x"); }).find("No such file"),
            std::string::npos);
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
