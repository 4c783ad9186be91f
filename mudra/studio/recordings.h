// Pictures of signs, recorded one after another into a folder that `mudra train` reads:
//
//   SIGN/RECORDING-0001.png    what was recorded: pictures of one recording are near copies of each other
//   SIGN/anything.jpg          what somebody else put there
//   groups.csv                 the recording that each picture belongs to, in the form of --groups
//   .removed/                  what can still be taken back; emptied when the program ends
//   mudra.lock                 while a program has the folder
//
// The files are the truth: whatever was acknowledged is found again after the process was killed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/run/run_folder.h"

namespace mudra {

inline constexpr size_t most_samples = 100'000, most_signs = 1'000;
inline constexpr size_t most_changes = 200;  // that can be taken back

struct Sample {
  std::string file;       // SIGN/NAME, below the folder
  std::string sign;       // the folder's name
  std::string recording;  // pictures whose recording nobody knows are taken for one of their sign
  uint64_t id = 0;        // stays when it gets another sign; that of another picture is another one
};

// One thread at a time. Whatever changes the folder throws Error, and leaves all as it was, when it cannot: a
// usage Error for what may not be asked for, any other when the disk does not do it.
class Recordings {
 public:
  // Makes the folder if it is not there, and takes it for this process alone. Throws Error.
  explicit Recordings(std::filesystem::path folder);
  ~Recordings();
  Recordings(const Recordings&) = delete;
  Recordings& operator=(const Recordings&) = delete;

  const std::filesystem::path& folder() const { return folder_; }
  uint64_t version() const { return version_; }  // grows with every change
  std::vector<std::string> signs() const;        // in the order of classes, also those without pictures
  std::vector<Sample> samples() const;           // by file
  std::vector<Sample> samples(const std::string& sign) const;
  bool has(const std::string& file) const;

  // Reads the folder again if somebody else changed it; whether there was anything new.
  bool refresh();

  // `pngs` are files, each a picture of the recording. All of them are kept, synced to the disk, or none.
  std::vector<Sample> add(const std::string& sign, const std::string& recording,
                          std::span<const std::string> pngs);
  std::vector<Sample> relabel(std::span<const std::string> files, const std::string& sign);
  void remove(std::span<const std::string> files);
  void add_sign(const std::string& sign);
  void rename_sign(const std::string& sign, const std::string& to);
  void remove_sign(const std::string& sign);

  // What undo() would take back, such as "delete 3 pictures of A"; empty when there is nothing.
  std::string undoable() const;
  std::string undo();  // returns the same text; throws Error when there is nothing

 private:
  struct Known {
    std::string recording;
    uint64_t id = 0;
    std::filesystem::file_time_type written;
  };
  // A file, or the folder of a sign, gets another name below the folder. What is in .removed is no sample.
  struct Move {
    std::string from, to;
  };
  struct Change {
    std::string text;
    std::vector<Move> moves;
    std::string made = {};       // a sign that was not there before
    std::string recording = {};  // pictures of it were added, and perhaps more are to come
  };

  std::vector<Sample> below(const std::string& start) const;
  std::vector<Sample> at(std::span<const Move> moves) const;
  std::string recording_of(const std::string& file) const;
  std::string removed_name(const std::string& file);
  std::string free_name(const std::string& sign, const std::string& file) const;
  void need_sign(const std::string& sign) const;
  void need_new(const std::string& sign) const;
  void make_sign(Change& change, const std::string& sign);
  void unmake_sign(const std::string& sign);
  void read();
  void read_groups();
  void write_groups(std::span<const Move> to_come) const;
  void carry_out(std::span<const Move> moves);
  void move(const Move& move);
  void done(Change change);
  void forget(const Change& change);

  std::filesystem::path folder_;
  RunLock lock_;
  uint64_t version_ = 1, next_id_ = 1, next_removed_ = 1;
  std::map<std::string, Known> files_;  // by their names below the folder, also those in .removed
  std::set<std::string> signs_;
  std::map<std::string, std::filesystem::file_time_type> folders_;  // when each was changed
  std::map<std::string, std::string> groups_;  // the recording of a file, as groups.csv had it
  std::map<std::string, int> last_number_;     // of each recording
  std::vector<Change> changes_;                // the last one last
};

}  // namespace mudra
