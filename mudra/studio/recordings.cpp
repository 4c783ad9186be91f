#include "mudra/studio/recordings.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/core/text.h"
#include "mudra/data/byte_source.h"
#include "mudra/data/csv.h"
#include "mudra/data/image_file.h"
#include "mudra/data/label_index.h"
#include "mudra/studio/recording_names.h"

namespace mudra {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view removed_folder = ".removed/";
// A folder that was changed so short a time ago may be changed again without being any younger.
constexpr std::chrono::seconds too_young{1};

bool is_removed(std::string_view file) { return file.starts_with(removed_folder); }

std::string pictures_of(size_t count, const std::string& sign) {
  return fmt::format("{} {} of {}", count, count == 1 ? "picture" : "pictures", sign);
}

std::string name_of_file(const std::string& file) { return fs::path(file).filename(); }

// The folder, made if it must be.
fs::path made(fs::path folder) {
  folder = folder.lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();  // "signs/"
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw Error("cannot make the folder: " + error.message(), folder.string(), "Choose another with --data");
  return folder;
}

// What a process that was killed left of pictures it was writing: nobody was told that they are kept.
void remove_unfinished(const fs::path& folder) {
  std::vector<fs::path> pictures;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename();
    const std::string picture = name.substr(0, name.rfind(".mudra-"));
    if (picture != name && recorded_name(picture)) pictures.push_back(folder / picture);
  }
  for (const fs::path& picture : pictures) remove_temporaries(picture);
}

[[noreturn]] void refuse_change(const std::string& what, const fs::path& where,
                                const std::error_code& error) {
  throw Error(what + ": " + error.message(), where.string(),
              error == std::errc::no_such_file_or_directory ? "Somebody else changed the folder: look again"
              : error == std::errc::no_space_on_device      ? "Free some space"
                                                            : "Give yourself the right to change it");
}

}  // namespace

Recordings::Recordings(fs::path folder)
    : folder_(made(std::move(folder))), lock_(folder_, "--data", "signs are being recorded here") {
  read_groups();
  read();
  for (const auto& [name, changed] : folders_) remove_unfinished(folder_ / name);
}

Recordings::~Recordings() {
  std::error_code ignored;
  fs::remove_all(folder_ / removed_folder, ignored);
}

std::vector<std::string> Recordings::signs() const {
  std::vector<std::string> names(signs_.begin(), signs_.end());
  std::ranges::sort(names, label_less);
  return names;
}

std::vector<Sample> Recordings::below(const std::string& start) const {
  std::vector<Sample> found;
  for (auto at = files_.lower_bound(start); at != files_.end() && at->first.starts_with(start); ++at) {
    if (!is_removed(at->first))
      found.push_back({at->first, sign_of(at->first), at->second.recording, at->second.id});
  }
  return found;
}

std::vector<Sample> Recordings::samples() const { return below(""); }

std::vector<Sample> Recordings::samples(const std::string& sign) const {
  need_sign(sign);
  return below(sign + "/");
}

bool Recordings::has(const std::string& file) const { return files_.contains(file) && !is_removed(file); }

std::vector<Sample> Recordings::at(std::span<const Move> moves) const {
  std::vector<Sample> found;
  for (const Move& move : moves)
    for (Sample& sample : below(move.to)) found.push_back(std::move(sample));
  return found;
}

std::string Recordings::recording_of(const std::string& file) const {
  if (const auto known = recorded_name(name_of_file(file))) return known->recording;
  const auto listed = groups_.find(file);
  return listed == groups_.end() ? "of " + sign_of(file) : listed->second;
}

void Recordings::read_groups() {
  const fs::path path = folder_ / groups_name;
  remove_temporaries(path);
  if (!fs::exists(path)) return;
  CsvReader csv(open_plain_or_gzip(path.string()));
  std::vector<std::string_view> fields;
  csv.next(fields);
  const auto file = csv_column(fields, "file"), group = csv_column(fields, "group");
  while (file && group && csv.next(fields)) {
    if (fields.size() > std::max(*file, *group)) groups_[std::string(fields[*file])] = fields[*group];
  }
}

// A picture that has no line would make `mudra train` stop; one that is not there does no harm. So lines are
// written before their pictures come.
void Recordings::write_groups(std::span<const Move> to_come) const {
  std::string text = "file,label,group\n";
  const auto add = [&](const std::string& file, const std::string& recording) {
    if (is_removed(file)) return;
    text += csv_field(file) + "," + csv_field(sign_of(file)) + "," + csv_field(recording) + "\n";
  };
  for (const auto& [file, known] : files_) add(file, known.recording);
  for (const Move& move : to_come) {
    const std::string start = move.from + "/";
    bool is_folder = false;
    for (auto at = files_.lower_bound(start); at != files_.end() && at->first.starts_with(start); ++at) {
      add(move.to + at->first.substr(move.from.size()), at->second.recording);
      is_folder = true;
    }
    const auto known = files_.find(move.from);
    if (!is_folder) add(move.to, known == files_.end() ? recording_of(move.to) : known->second.recording);
  }
  write_file_atomically(folder_ / groups_name, text);
}

// Whoever reads the folder for a training sees the same pictures.
void Recordings::read() {
  std::map<std::string, Known> found;
  const auto now = fs::file_time_type::clock::now();
  const auto note = [&](const std::string& folder) {
    std::error_code gone;
    const auto changed = fs::last_write_time(folder_ / folder, gone);
    if (!gone) folders_[folder] = std::min(changed, now - too_young);
  };
  std::set<std::string> signs;
  folders_.clear();
  note("");
  for (const auto& entry : fs::directory_iterator(folder_)) {
    const std::string sign = entry.path().filename();
    std::error_code gone;
    if (!is_sign_name(sign) || !entry.is_directory(gone)) continue;
    signs.insert(sign);
    note(sign);
    std::vector<std::string> notes, pictures;
    try {
      pictures = pictures_in(entry.path().string(), notes);
    } catch (const Error&) {  // there are none
    }
    for (const std::string& path : pictures) {
      const std::string file = fs::path(path).lexically_relative(folder_);
      const auto written = fs::last_write_time(path, gone);
      if (gone) continue;
      note(fs::path(file).parent_path());
      const auto known = files_.find(file);
      const bool is_same = known != files_.end() && known->second.written == written;
      found[file] = is_same ? known->second : Known{recording_of(file), next_id_++, written};
      if (const auto own = recorded_name(name_of_file(file))) {
        int& last = last_number_[own->recording];
        last = std::max(last, own->number);
      }
    }
  }
  for (const auto& [file, known] : files_)
    if (is_removed(file)) found[file] = known;
  files_ = std::move(found);
  signs_ = std::move(signs);
}

bool Recordings::refresh() {
  const bool is_same = std::ranges::all_of(folders_, [&](const auto& folder) {
    std::error_code gone;
    return fs::last_write_time(folder_ / folder.first, gone) == folder.second && !gone;
  });
  if (is_same) return false;
  const auto ids = [&] {
    std::map<std::string, uint64_t> all;
    for (const auto& [file, known] : files_) all[file] = known.id;
    return all;
  };
  const auto before = ids();
  const auto signs_before = signs_;
  read();
  if (ids() == before && signs_ == signs_before) return false;
  ++version_;
  write_groups({});
  return true;
}

void Recordings::need_sign(const std::string& sign) const {
  if (!signs_.contains(sign)) throw usage_error("there is no sign '" + sign + "'", "signs", "Look again");
}

void Recordings::need_new(const std::string& sign) const {
  if (!is_sign_name(sign))
    throw usage_error("'" + sign + "' is no name for a sign", "sign",
                      "Use 1 to 100 letters, without '/', and no dot at the beginning");
  if (signs_.contains(sign))
    throw usage_error("there is a sign '" + sign + "' already", "sign", "Choose another name");
  if (signs_.size() >= most_signs)
    throw usage_error(fmt::format("there are {} signs already", most_signs), "signs", "Delete some");
}

void Recordings::make_sign(Change& change, const std::string& sign) {
  if (signs_.contains(sign)) return;
  need_new(sign);
  std::error_code error;
  fs::create_directory(folder_ / sign, error);
  if (error) refuse_change("cannot make the sign's folder", folder_ / sign, error);
  sync_folder(folder_);
  signs_.insert(sign);
  change.made = sign;
}

// What somebody else has put there meanwhile keeps the sign.
void Recordings::unmake_sign(const std::string& sign) {
  std::error_code is_used;
  if (!sign.empty() && fs::remove(folder_ / sign, is_used)) signs_.erase(sign);
}

void Recordings::move(const Move& move) {
  std::error_code error;
  if (fs::exists(folder_ / move.to)) error = std::make_error_code(std::errc::file_exists);
  if (!error) fs::rename(folder_ / move.from, folder_ / move.to, error);
  if (error) refuse_change("cannot be moved to " + move.to, folder_ / move.from, error);
  std::vector<std::pair<std::string, Known>> moved;
  const std::string start = move.from + "/";
  for (auto at = files_.lower_bound(start); at != files_.end() && at->first.starts_with(start);) {
    moved.emplace_back(move.to + at->first.substr(move.from.size()), at->second);
    at = files_.erase(at);
  }
  if (const auto at = files_.find(move.from); at != files_.end()) {
    moved.emplace_back(move.to, at->second);
    files_.erase(at);
  }
  files_.insert(moved.begin(), moved.end());
  if (move.from.find('/') == move.from.npos) signs_.erase(move.from);
  if (move.to.find('/') == move.to.npos) signs_.insert(move.to);
}

// All of them, or none.
void Recordings::carry_out(std::span<const Move> moves) {
  std::set<fs::path> changed;
  size_t count = 0;
  const auto take_back = [&] {
    while (count-- > 0) move({moves[count].to, moves[count].from});
  };
  try {
    write_groups(moves);
    fs::create_directory(folder_ / removed_folder);
    for (; count < moves.size(); ++count) {
      move(moves[count]);
      for (const std::string& end : {moves[count].from, moves[count].to})
        changed.insert((folder_ / end).parent_path());
    }
  } catch (const Error&) {
    take_back();
    throw;
  } catch (const fs::filesystem_error& error) {
    take_back();
    refuse_change("cannot keep what is removed", folder_ / removed_folder, error.code());
  }
  for (const fs::path& folder : changed) sync_folder(folder);
}

void Recordings::done(Change change) {
  ++version_;
  // However many requests a recording came in, it is taken back as one.
  if (!change.recording.empty() && !changes_.empty() && changes_.back().recording == change.recording) {
    std::vector<Move>& moves = changes_.back().moves;
    moves.insert(moves.end(), change.moves.begin(), change.moves.end());
    changes_.back().text = "add " + pictures_of(moves.size(), sign_of(change.recording));
    return;
  }
  if (changes_.size() >= most_changes) {
    forget(changes_.front());
    changes_.erase(changes_.begin());
  }
  changes_.push_back(std::move(change));
}

// What it removed cannot come back any more.
void Recordings::forget(const Change& change) {
  for (const Move& move : change.moves) {
    for (const std::string& name : {move.from, move.to}) {
      if (!is_removed(name)) continue;
      std::error_code ignored;
      fs::remove_all(folder_ / name, ignored);
      std::erase_if(files_, [&](const auto& file) { return file.first.starts_with(name); });
    }
  }
}

std::string Recordings::removed_name(const std::string& file) {
  return fmt::format("{}{}-{}", removed_folder, next_removed_++, name_of_file(file));
}

std::string Recordings::free_name(const std::string& sign, const std::string& file) const {
  const fs::path name = fs::path(file).filename();
  std::string free = sign + "/" + name.string();
  for (int i = 2; files_.contains(free); ++i)
    free = fmt::format("{}/{} {}{}", sign, name.stem().string(), i, name.extension().string());
  return free;
}

std::vector<Sample> Recordings::add(const std::string& sign, const std::string& recording,
                                    std::span<const std::string> pngs) {
  if (!is_recording_name(recording))
    throw usage_error("'" + recording + "' is no name for a recording", "recording",
                      "Use 1 to 40 of a-z and 0-9");
  if (files_.size() + pngs.size() > most_samples)
    throw usage_error(fmt::format("there is room for {} pictures", thousands(most_samples)), folder_.string(),
                      "Delete some");
  Change change{"add " + pictures_of(pngs.size(), sign), {}};
  int number = last_number_[recording];
  for (size_t i = 0; i < pngs.size(); ++i) {
    const std::string file = fmt::format("{}/{}-{:04}.png", sign, recording, ++number);
    change.moves.push_back({removed_name(file), file});
  }
  make_sign(change, sign);
  size_t written = 0;
  try {
    write_groups(change.moves);
    for (; written < pngs.size(); ++written)
      write_file_atomically(folder_ / change.moves[written].to, pngs[written]);
  } catch (...) {
    std::error_code ignored;
    while (written-- > 0) fs::remove(folder_ / change.moves[written].to, ignored);
    unmake_sign(change.made);
    throw;
  }
  for (const Move& move : change.moves)
    files_[move.to] = {recording, next_id_++, fs::last_write_time(folder_ / move.to)};
  last_number_[recording] = number;
  std::vector<Sample> added = at(change.moves);
  change.recording = sign + "/" + recording;
  done(std::move(change));
  return added;
}

std::vector<Sample> Recordings::relabel(std::span<const std::string> files, const std::string& sign) {
  Change change{fmt::format("call {} {}",
                            files.size() == 1 ? "a picture" : fmt::format("{} pictures", files.size()), sign),
                {}};
  for (const std::string& file : std::set(files.begin(), files.end())) {
    if (!has(file)) throw usage_error("there is no picture '" + file + "'", "files", "Look again");
    if (sign_of(file) != sign) change.moves.push_back({file, free_name(sign, file)});
  }
  if (change.moves.empty()) return {};
  make_sign(change, sign);
  try {
    carry_out(change.moves);
  } catch (...) {
    unmake_sign(change.made);
    throw;
  }
  std::vector<Sample> moved = at(change.moves);
  done(std::move(change));
  return moved;
}

void Recordings::remove(std::span<const std::string> files) {
  Change change;
  std::set<std::string> signs;
  for (const std::string& file : std::set(files.begin(), files.end())) {
    if (!has(file)) throw usage_error("there is no picture '" + file + "'", "files", "Look again");
    change.moves.push_back({file, removed_name(file)});
    signs.insert(sign_of(file));
  }
  if (change.moves.empty()) return;
  change.text = "delete " + pictures_of(change.moves.size(), listed(std::vector(signs.begin(), signs.end())));
  carry_out(change.moves);
  done(std::move(change));
}

void Recordings::add_sign(const std::string& sign) {
  need_new(sign);
  Change change{"make the sign " + sign, {}};
  make_sign(change, sign);
  done(std::move(change));
}

void Recordings::rename_sign(const std::string& sign, const std::string& to) {
  need_sign(sign);
  need_new(to);
  Change change{fmt::format("rename {} to {}", sign, to), {{sign, to}}};
  carry_out(change.moves);
  done(std::move(change));
}

void Recordings::remove_sign(const std::string& sign) {
  need_sign(sign);
  Change change{fmt::format("delete {}, {}", sign, pictures_of(samples(sign).size(), "it")),
                {{sign, removed_name(sign)}}};
  carry_out(change.moves);
  done(std::move(change));
}

std::string Recordings::undoable() const { return changes_.empty() ? "" : changes_.back().text; }

std::string Recordings::undo() {
  if (changes_.empty()) throw usage_error("there is nothing to take back", "undo");
  const Change& last = changes_.back();
  std::vector<Move> back;
  for (const Move& move : last.moves) back.push_back({move.to, move.from});
  const auto is_there = [&](const Move& move) { return fs::exists(folder_ / move.from); };
  if (!std::ranges::all_of(back, is_there)) {
    changes_.pop_back();
    throw Error("cannot be taken back: the folder was changed by somebody else", folder_.string(),
                "Look again");
  }
  carry_out(back);
  unmake_sign(last.made);
  std::string text = last.text;
  forget(last);
  changes_.pop_back();
  ++version_;
  return text;
}

}  // namespace mudra
