// A folder of pictures: one sub-folder for each class, with pictures at any depth inside.
#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/core/utf8.h"
#include "mudra/data/byte_source.h"
#include "mudra/data/image_codec.h"
#include "mudra/data/image_file.h"
#include "mudra/data/label_index.h"
#include "mudra/data/read_files.h"

namespace mudra {
namespace {

constexpr int64_t most_bytes = int64_t{4} << 30;  // of all pictures together
constexpr int longest_side = 256;                 // of mixed sizes, unless a size is asked for
constexpr uint64_t largest_file = uint64_t{256} << 20;

struct Picture {
  std::string name;  // below the data folder: "5/IMG_1.jpg"
  std::string label;
};

class Finder {
 public:
  Finder(std::string root, Dataset& data, const ReadOptions& options)
      : root_(std::move(root)), data_(data), options_(options) {}

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
      throw Error("holds no PNG or JPEG pictures in its sub-folders", root_, "Give a folder of pictures");
    }
    if (!empty.empty()) {
      data_.notes.push_back("folders without pictures were left out: " + join_names(empty, 5));
    }
    if (other_files_ > 0) {
      data_.notes.push_back(std::to_string(other_files_) +
                            (other_files_ == 1 ? " file that is" : " files that are") +
                            " not .png, .jpg or .jpeg left out");
    }
    return std::move(pictures_);
  }

 private:
  struct Entry {
    std::string name;
    bool folder;
  };

  // What is in a folder, by name; each real folder is listed once, so links cannot lead in circles.
  std::vector<Entry> list(const std::string& below) {
    const std::string path = below.empty() ? root_ : root_ + "/" + below;
    std::vector<Entry> entries;
    DIR* folder = ::opendir(path.c_str());
    struct stat status {};
    if (folder == nullptr || ::fstat(::dirfd(folder), &status) != 0) {
      const std::string why = std::strerror(errno);
      if (folder != nullptr) ::closedir(folder);
      if (below.empty()) throw Error("cannot read: " + why, path, "Give yourself the right to read it");
      skip(data_, as_utf8(path) + ": cannot read: " + why + ". Give yourself the right to read it.",
           options_);
      return entries;
    }
    if (!visited_.insert({status.st_dev, status.st_ino}).second) {
      ::closedir(folder);
      skip(data_, as_utf8(path) + ": leads to a folder that was read already", options_);
      return entries;
    }
    while (const dirent* item = ::readdir(folder)) {
      const std::string name = item->d_name;
      if (name[0] == '.') continue;
      const std::string inside = below.empty() ? name : below + "/" + name;
      if (::stat((root_ + "/" + inside).c_str(), &status) != 0) {
        skip(data_, as_utf8(root_ + "/" + inside) + ": cannot read: " + std::strerror(errno), options_);
      } else if (S_ISDIR(status.st_mode) || S_ISREG(status.st_mode)) {
        entries.push_back({name, S_ISDIR(status.st_mode)});
      }
    }
    ::closedir(folder);
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
    return entries;
  }

  void walk(const std::string& below, const std::string& label) {
    if (std::count(below.begin(), below.end(), '/') > 32) {
      return skip(data_, as_utf8(root_ + "/" + below) + ": is more than 32 folders deep", options_);
    }
    for (const Entry& entry : list(below)) {
      const std::string inside = below + "/" + entry.name;
      if (entry.folder) {
        walk(inside, label);
      } else if (is_picture(entry.name)) {
        pictures_.push_back({inside, label});
      } else {
        ++other_files_;
      }
    }
  }

  static bool is_picture(const std::string& name) {
    std::string kind = std::filesystem::path(name).extension();
    std::transform(kind.begin(), kind.end(), kind.begin(), [](unsigned char c) { return std::tolower(c); });
    return kind == ".png" || kind == ".jpg" || kind == ".jpeg";
  }

  std::string root_;
  Dataset& data_;
  const ReadOptions& options_;
  std::set<std::pair<dev_t, ino_t>> visited_;
  std::vector<Picture> pictures_;
  int64_t other_files_ = 0;
};

std::vector<uint8_t> file_bytes(const std::string& path) {
  const auto file = open_file(path);
  if (file->size() > largest_file) throw Error("is too large for a picture", path, "Make it smaller");
  std::vector<uint8_t> bytes(file->size());
  bytes.resize(file->read(bytes.data(), bytes.size()));
  return bytes;
}

// The size all pictures are brought to, from the sizes there are.
ImageSize common_size(const std::map<ImageSize, int64_t>& sizes, std::vector<std::string>& notes) {
  const auto most = std::max_element(sizes.begin(), sizes.end(), [](const auto& a, const auto& b) {
    return a.second < b.second;  // of equally common sizes the smallest, which comes first
  });
  ImageSize size = most->first;
  if (sizes.size() == 1) return size;
  const int side = std::max(size.height, size.width);
  if (side > longest_side) {
    size.height = std::max(1, (size.height * longest_side + side / 2) / side);
    size.width = std::max(1, (size.width * longest_side + side / 2) / side);
  }
  const auto text = [](const ImageSize& s) {
    return std::to_string(s.height) + "x" + std::to_string(s.width);
  };
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
      const std::string file = path + "/" + picture.name;
      const PictureHeader header = picture_header(file_bytes(file), as_utf8(file));
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
    const ImageSize size = common_size(sizes, data.notes);
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

Dataset read_folder(const std::string& path, const ReadOptions& options) {
  Dataset data;
  data.source = path;
  std::vector<Picture> pictures = Finder(path, data, options).find();
  const auto all = static_cast<int64_t>(pictures.size());
  Preprocessing to{options.height, options.width, options.channels, options.fit};
  const bool is_open = to.height <= 0 || to.width <= 0 || to.channels == 0;
  if (is_open) choose_size(path, options, data, pictures, to);
  check_memory(path, pictures.size(), to);

  int64_t looked = is_open ? all : 0;
  std::vector<uint8_t> bytes;
  LabelIndex labels;
  for (const Picture& picture : pictures) {
    options.progress(looked++, is_open ? 2 * all : all);
    try {
      const std::string file = path + "/" + picture.name;
      const Image image = decode_image(file_bytes(file), as_utf8(file), to.channels);
      const Image fitted = fit(image, to);
      bytes.insert(bytes.end(), fitted.bytes.begin(), fitted.bytes.end());
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
  labels.finish(data.classes, data.labels);
  return data;
}

}  // namespace mudra
