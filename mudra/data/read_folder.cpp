// A folder of pictures: one sub-folder for each class, with pictures at any depth inside.
#include <algorithm>
#include <filesystem>
#include <map>
#include <new>
#include <set>

#include "mudra/core/error.h"
#include "mudra/core/text.h"
#include "mudra/core/utf8.h"
#include "mudra/data/image_codec.h"
#include "mudra/data/image_file.h"
#include "mudra/data/label_index.h"
#include "mudra/data/read_files.h"

namespace mudra {
namespace {

namespace fs = std::filesystem;

constexpr int64_t most_bytes = int64_t{4} << 30;  // of all pictures together
constexpr int longest_side = 256;                 // of mixed sizes, unless a size is asked for

// Endings in small letters.
const std::set<std::string> readable = {".png", ".jpg", ".jpeg", ".webp"};
const std::map<std::string, std::string> unreadable = {
    {".heic", "HEIC"}, {".heif", "HEIC"}, {".avif", "AVIF"}, {".gif", "GIF"},
    {".bmp", "BMP"},   {".tif", "TIFF"},  {".tiff", "TIFF"}};

struct Picture {
  std::string name;  // below the data folder: "5/IMG_1.jpg"
  std::string label;

  // `folder`: an empty one for pictures that are named by themselves.
  std::string file(const std::string& folder) const { return folder.empty() ? name : folder + "/" + name; }
};

class Finder {
 public:
  Finder(std::string root, Dataset& data, const ReadOptions& options)
      : root_(std::move(root)), data_(data), options_(options) {}

  // The pictures of every class.
  std::vector<Picture> find() {
    std::vector<std::string> classes, empty;
    for (const Entry& entry : list("")) {
      if (entry.folder) classes.push_back(entry.name);
    }
    std::sort(classes.begin(), classes.end(), label_less);
    for (const std::string& name : classes) {
      const size_t before = pictures_.size(), skipped = data_.skipped.size();
      walk(name, name);
      if (pictures_.size() == before && data_.skipped.size() == skipped) empty.push_back(as_utf8(name));
    }
    if (classes.empty()) {
      throw Error("has no sub-folders", root_, "Put the pictures of each class in a folder named after it");
    }
    if (pictures_.empty() && data_.skipped.empty()) {
      throw Error("holds no PNG, JPEG or WebP pictures in its sub-folders" + left_out(), root_,
                  unread_.empty() ? "Give a folder of pictures" : convert_remedy);
    }
    if (!empty.empty()) {
      data_.notes.push_back("folders without pictures were left out: " + join_names(empty, 5));
    }
    note_left_out();
    return std::move(pictures_);
  }

  // All pictures, of whatever class.
  std::vector<Picture> find_all() {
    walk("", "");
    if (pictures_.empty()) {
      throw Error("holds no PNG, JPEG or WebP pictures" + left_out(), root_,
                  unread_.empty() ? "Give a folder of pictures" : convert_remedy);
    }
    note_left_out();
    return std::move(pictures_);
  }

 private:
  // "; left out: 3 HEIC pictures"
  std::string left_out() const {
    std::vector<std::string> kinds;
    for (const auto& [kind, count] : unread_)
      kinds.push_back(std::to_string(count) + " " + kind + (count == 1 ? " picture" : " pictures"));
    return kinds.empty() ? "" : "; left out: " + listed(kinds);
  }

  void note_left_out() {
    if (!unread_.empty()) data_.notes.push_back(left_out().substr(2) + ". " + convert_remedy);
    if (other_files_ > 0) {
      data_.notes.push_back(std::to_string(other_files_) +
                            (other_files_ == 1 ? " file that is no picture" : " files that are no pictures") +
                            " left out");
    }
    if (!runs_.empty()) data_.notes.push_back("what runs left behind is no data: " + join_names(runs_, 5));
  }

  struct Entry {
    std::string name;
    bool folder;
  };

  // What is in a folder, by name; each real folder is listed once, so links cannot lead in circles.
  std::vector<Entry> list(const std::string& below) {
    const std::string path = below.empty() ? root_ : root_ + "/" + below;
    std::vector<Entry> entries;
    std::error_code error;
    const auto skip_unread = [&](const std::string& what, const char* remedy) {
      if (error == std::errc::not_enough_memory) throw std::bad_alloc();
      skip(data_, as_utf8(what) + ": cannot read: " + error.message() + remedy, options_);
    };
    fs::directory_iterator item(path, error);
    if (error && below.empty())
      throw Error("cannot read: " + error.message(), path, "Give yourself the right to read it");
    if (error) {
      skip_unread(path, ". Give yourself the right to read it.");
      return entries;
    }
    const fs::path real = fs::canonical(path, error);
    const fs::path root = error ? fs::path() : fs::canonical(root_, error);
    if (error) {
      skip_unread(path, "");
      return entries;
    }
    // A link to / would lead through the whole disk.
    const bool is_above = !below.empty() && std::ranges::mismatch(real, root).in1 == real.end();
    const bool is_new = visited_.insert(real).second;
    if (is_above || !is_new) {
      const char* what = is_new ? "holds the data themselves" : "was read already";
      skip(data_, as_utf8(path) + ": leads to a folder that " + what, options_);
      return entries;
    }
    const bool in_run = is_run(path);
    for (; item != fs::directory_iterator(); item.increment(error)) {
      const std::string name = item->path().filename();
      if (name.starts_with(".")) continue;
      const fs::file_status status = fs::status(item->path(), error);
      if (error) {
        skip_unread(path + "/" + name, "");
      } else if (fs::is_directory(status) && (is_run(item->path()) || (in_run && name == "figures"))) {
        runs_.push_back(as_utf8(below.empty() ? name : below + "/" + name));
      } else if (fs::is_directory(status) || fs::is_regular_file(status)) {
        entries.push_back({name, fs::is_directory(status)});
      }
    }
    if (error) skip_unread(path, ". It may hold more.");
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
    return entries;
  }

  void walk(const std::string& below, const std::string& label) {
    if (std::count(below.begin(), below.end(), '/') > 32) {
      return skip(data_, as_utf8(root_ + "/" + below) + ": is more than 32 folders deep", options_);
    }
    for (const Entry& entry : list(below)) {
      const std::string inside = below.empty() ? entry.name : below + "/" + entry.name;
      if (entry.folder) {
        walk(inside, label);
        continue;
      }
      std::string ending = fs::path(entry.name).extension();
      std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return std::tolower(c); });
      if (readable.contains(ending)) {
        pictures_.push_back({inside, label});
      } else if (const auto kind = unreadable.find(ending); kind != unreadable.end()) {
        ++unread_[kind->second];
      } else {
        ++other_files_;
      }
    }
  }

  // Whether `mudra train` or `mudra evaluate` wrote into this folder.
  static bool is_run(const fs::path& folder) {
    std::error_code ignored;
    return fs::exists(folder / "metrics.jsonl", ignored) || fs::exists(folder / "report.html", ignored);
  }

  std::string root_;
  Dataset& data_;
  const ReadOptions& options_;
  std::set<fs::path> visited_;
  std::vector<Picture> pictures_;
  std::vector<std::string> runs_;          // their folders
  std::map<std::string, int64_t> unread_;  // pictures of kinds that are not read
  int64_t other_files_ = 0;
};

// Of equally common sizes the smallest, which comes first.
ImageSize most_common(const std::map<ImageSize, int64_t>& sizes) {
  return std::ranges::max_element(sizes, {}, [](const auto& entry) { return entry.second; })->first;
}

// The size all pictures are brought to, from the sizes there are.
ImageSize common_size(const std::map<ImageSize, int64_t>& sizes, const ReadOptions& options,
                      std::vector<std::string>& notes) {
  const ImageSize most = most_common(sizes);
  ImageSize size = most;
  const int side = std::max(size.height, size.width);
  const bool shrinks = options.shrink.applies(size.height, size.width);
  if (shrinks) size = {options.shrink.to, options.shrink.to};
  const auto text = [](const ImageSize& s) {
    return std::to_string(s.height) + "x" + std::to_string(s.width);
  };
  if (sizes.size() == 1) {
    if (shrinks) notes.push_back("pictures of " + text(most) + " brought to " + text(size));
    return size;
  }
  if (!shrinks && side > longest_side) {
    size.height = std::max(1, (size.height * longest_side + side / 2) / side);
    size.width = std::max(1, (size.width * longest_side + side / 2) / side);
  }
  notes.push_back("pictures of " + std::to_string(sizes.size()) + " sizes, " + text(sizes.begin()->first) +
                  " to " + text(sizes.rbegin()->first) + ", brought to " + text(size));
  return size;
}

// A first look at every picture's header settles what `to` leaves open: the size, and whether any has colour.
// Pictures that cannot be used leave the list.
void choose_size(const std::string& path, const ReadOptions& options, Dataset& data,
                 std::vector<Picture>& pictures, Preprocessing& to) {
  const auto all = static_cast<int64_t>(pictures.size());
  int64_t looked = 0;
  std::map<ImageSize, int64_t> sizes;
  bool colour = false;
  std::erase_if(pictures, [&](const Picture& picture) {
    options.progress(looked++, 2 * all);
    try {
      const std::string file = picture.file(path);
      const PictureHeader header = picture_header(picture_bytes(file), as_utf8(file));
      ++sizes[header.size];
      colour = colour || header.channels == 3;
      return false;
    } catch (const Error& error) {
      skip(data, error.what(), options);
      return true;
    }
  });
  if (to.channels == 0) to.channels = colour ? 3 : 1;
  if ((to.height <= 0 || to.width <= 0) && !sizes.empty()) {
    const ImageSize size = common_size(sizes, options, data.notes);
    to.height = size.height, to.width = size.width;
  }
}

void check_memory(const std::string& path, size_t pictures, const Preprocessing& to) {
  const int64_t each = int64_t{to.height} * to.width * to.channels;
  if (each == 0 || static_cast<int64_t>(pictures) <= most_bytes / each) return;
  throw usage_error(std::to_string(pictures) + " pictures of " + std::to_string(to.height) + "x" +
                        std::to_string(to.width) + " are more than memory should hold",
                    path, "Say --size HEIGHTxWIDTH, such as --size 64x64");
}

}  // namespace

std::vector<std::string> pictures_in(const std::string& folder, std::vector<std::string>& notes) {
  Dataset found;
  std::vector<std::string> files;
  for (const Picture& picture : Finder(folder, found, {}).find_all())
    files.push_back((fs::path(folder) / picture.name).string());
  notes.insert(notes.end(), found.notes.begin(), found.notes.end());
  notes.insert(notes.end(), found.skipped.begin(), found.skipped.end());
  return files;
}

ImageSize most_common_size(const std::string& folder) {
  Dataset ignored;
  std::map<ImageSize, int64_t> sizes;
  for (const Picture& picture : Finder(folder, ignored, {}).find()) {
    try {
      const std::string file = folder + "/" + picture.name;
      ++sizes[picture_header(picture_bytes(file), as_utf8(file)).size];
    } catch (const Error&) {  // whoever reads the picture says so
    }
  }
  return sizes.empty() ? ImageSize() : most_common(sizes);
}

namespace {

// Pictures of a folder, or those named by themselves.
Dataset read_listed(const std::string& path, std::vector<Picture> pictures, const ReadOptions& options,
                    Dataset data) {
  const auto all = static_cast<int64_t>(pictures.size());
  Preprocessing to{options.height, options.width, options.channels, options.fit};
  const bool is_open = to.height <= 0 || to.width <= 0 || to.channels == 0;
  if (is_open) choose_size(path, options, data, pictures, to);
  check_memory(path, pictures.size(), to);

  int64_t looked = is_open ? all : 0;
  constexpr Preprocessing as_shown{shown_side, shown_side, 3, Fit::keep_aspect};
  std::vector<uint8_t> bytes, shown;
  LabelIndex labels;
  for (const Picture& picture : pictures) {
    options.progress(looked++, is_open ? 2 * all : all);
    try {
      const std::string file = picture.file(path);
      const Image image = decode_image(picture_bytes(file), as_utf8(file), options.look ? 3 : to.channels);
      const Image fitted = fit(options.look ? options.look(image) : image, to);
      bytes.insert(bytes.end(), fitted.bytes.begin(), fitted.bytes.end());
      if (options.look) {
        const Image small = fit(image, as_shown);
        shown.insert(shown.end(), small.bytes.begin(), small.bytes.end());
      }
    } catch (const Error& error) {
      skip(data, error.what(), options);
      continue;
    }
    labels.add(picture.label);
    data.files.push_back(as_utf8(picture.name));
  }
  const auto count = static_cast<int64_t>(labels.size());
  note_skipped(data, count, "images");
  data.pixels = Pixels({count, to.height, to.width, to.channels}, std::move(bytes));
  if (options.look) data.shown = Pixels({count, shown_side, shown_side, 3}, std::move(shown));
  labels.finish(data.classes, data.labels);
  return data;
}

}  // namespace

Dataset read_folder(const std::string& path, const ReadOptions& options) {
  Dataset data;
  data.source = path;
  std::vector<Picture> pictures = Finder(path, data, options).find();
  return read_listed(path, std::move(pictures), options, std::move(data));
}

Pixels read_pictures(std::span<const std::string> files, ReadOptions options) {
  std::vector<Picture> pictures;
  for (const std::string& file : files) pictures.push_back({file, "none"});
  options.strict = true;
  return read_listed("", std::move(pictures), options, {}).pixels;
}

}  // namespace mudra
