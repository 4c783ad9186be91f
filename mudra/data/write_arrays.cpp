// Forms that hold one array a file, NumPy's .npy and IDX: labels and groups go into files beside it.
#include <cstring>

#include "mudra/data/write_forms.h"

namespace mudra {
namespace {

void write_array(const std::string& path, const ArrayBytes& array) {
  write_stream(path, [&](const Write& write) {
    write(array.header);
    std::vector<uint8_t> row(array.row_bytes);
    for (int64_t i = 0; i < array.rows; ++i) {
      array.fill(i, row.data());
      write({reinterpret_cast<const char*>(row.data()), row.size()});
    }
  });
}

std::string beside(const std::string& path, const std::string& added, const std::string& ending) {
  std::string stem = path;
  for (const char* known : {".gz", ".npy", ".idx", ".csv"}) {
    if (stem.ends_with(known)) stem.resize(stem.size() - std::strlen(known));
  }
  return stem + added + ending;
}

void write_groups_beside(const Dataset& data, const std::string& path, Notes& notes) {
  if (data.groups.empty()) return;
  const std::string groups = beside(path, "-groups", ".csv");
  write_groups(data, groups, {});
  notes.push_back("groups are in " + groups + ": read them with --groups");
}

}  // namespace

Notes write_npy(const Dataset& data, const std::string& path, const Progress& progress) {
  Notes notes;
  const std::string labels = beside(path, "-labels", ".npy");
  write_array(path, telling(npy_pixels(data.pixels), progress));  // first: what takes long may be stopped
  write_array(labels, npy_texts(data.classes, data.labels));
  notes.push_back("labels are in " + labels + ": read them with --labels");
  write_groups_beside(data, path, notes);
  return notes;
}

Notes write_idx(const Dataset& data, const std::string& path, const Progress& progress) {
  Notes notes;
  const std::string packed = path.ends_with(".gz") ? ".gz" : "";
  std::string labels = beside(path, "-labels", ".idx" + packed);
  if (const size_t at = path.rfind("images-idx3"); at != std::string::npos) {
    labels = path;
    labels.replace(at, 11, "labels-idx1");
  }
  const ArrayBytes numbers = idx_labels(data);  // refuses classes before any work
  write_array(path, telling(idx_pixels(data.pixels), progress));
  write_array(labels, numbers);
  notes.push_back("labels are in " + labels);
  write_groups_beside(data, path, notes);
  return notes;
}

}  // namespace mudra
