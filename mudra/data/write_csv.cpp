#include <array>
#include <charconv>

#include "mudra/data/csv.h"
#include "mudra/data/write_forms.h"

namespace mudra {

Notes write_csv(const Dataset& data, const std::string& path, const Progress& progress) {
  const bool bytes = writes_bytes(data.pixels);
  const auto values = static_cast<size_t>(data.pixels.shape().per_example());
  write_stream(path, [&](const Write& write) {
    std::string line = data.groups.empty() ? "label" : "label,group";
    for (size_t i = 1; i <= values; ++i) line += ",pixel" + std::to_string(i);
    write(line + "\n");
    std::vector<float> image(values);
    std::array<char, 32> text;
    for (int64_t row = 0; row < data.size(); ++row) {
      tell(progress, row, data.size());
      const auto i = static_cast<size_t>(row);
      line = csv_field(data.classes[static_cast<size_t>(data.labels[i])]);
      if (!data.groups.empty())
        line += "," + csv_field(data.group_names[static_cast<size_t>(data.groups[i])]);
      if (!bytes) data.pixels.read(row, image.data());
      for (size_t p = 0; p < values; ++p) {
        // The shortest text that reads back as the same float.
        char* const end = text.data() + text.size();
        const auto written = bytes ? std::to_chars(text.data(), end, data.pixels.bytes(row)[p])
                                   : std::to_chars(text.data(), end, image[p]);
        line += ',';
        line.append(text.data(), written.ptr);
      }
      write(line + "\n");
    }
  });
  Notes notes;
  const Shape& shape = data.pixels.shape();
  if (shape[3] != 1 || shape[1] != shape[2]) {
    notes.push_back("lines do not say the shape: read them with --size " + std::to_string(shape[1]) + "x" +
                    std::to_string(shape[2]));
  }
  return notes;
}

}  // namespace mudra
