#include "mudra/synth/rendered_once.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/core/hash.h"
#include "mudra/data/byte_source.h"

namespace mudra {
namespace fs = std::filesystem;
namespace {

// ---- a file of rendered images: their bytes, then XXH3-128 of them ----

constexpr double most_in_cache = 4e9;     // bytes of all such files
constexpr int64_t few_bytes = 256 << 20;  // that memory may hold instead
constexpr std::string_view file_begins = "rendered-", file_ends = ".u8";

fs::path cached_path(const SynthOptions& o, const fs::path& cache) {
  Hash128 hash;
  const std::string text =
      fmt::format("{} {} {} {} {} {}", o.count, o.size, o.seed, o.none_fraction, o.domain, o.colour);
  hash.add(text);
  constexpr int64_t looked_at = 16;
  for (int64_t i = 0; i < std::min(looked_at, o.count); ++i) {
    const RenderedHand hand = render_hand(o, i * o.count / std::min(looked_at, o.count));
    hash.add_values(hand.pixels);
  }
  return cache / (std::string(file_begins) + hash.text() + std::string(file_ends));
}

class CachedImages final : public PixelSource {
 public:
  // Throws Error when the file is not a whole one of such images.
  CachedImages(const fs::path& path, const Shape& shape)
      : each_(static_cast<size_t>(shape.per_example())), file_(open_file(path.string())) {
    Hash128 hash;
    std::vector<char> part(size_t{1} << 20);
    const auto bytes = static_cast<uint64_t>(shape.elements());
    if (file_->size() != bytes + Hash128::digits) throw Error("is no whole file", path.string());
    for (uint64_t at = 0; at < bytes; at += part.size()) {
      const size_t size = std::min<uint64_t>(part.size(), bytes - at);
      file_->read_at(at, part.data(), size);
      hash.add(part.data(), size);
    }
    file_->read_at(bytes, part.data(), Hash128::digits);
    if (hash.text() != std::string_view(part.data(), Hash128::digits))
      throw Error("is damaged", path.string());
  }

  void read(int64_t image, float* out) const override {
    std::vector<uint8_t> bytes(each_);
    file_->read_at(static_cast<uint64_t>(image) * each_, bytes.data(), each_);
    for (const uint8_t byte : bytes) *out++ = static_cast<float>(byte) * (1 / 255.f);
  }

 private:
  size_t each_;
  std::unique_ptr<ByteSource> file_;
};

// Null when there is no such file, or a damaged one.
std::shared_ptr<const PixelSource> open_cached(const fs::path& path, const Shape& shape) {
  std::error_code error;
  if (!fs::exists(path, error)) return nullptr;
  try {
    auto images = std::make_shared<CachedImages>(path, shape);
    fs::last_write_time(path, fs::file_time_type::clock::now(), error);
    return images;
  } catch (const Error&) {
    return nullptr;
  }
}

// False when the disk does not let it.
bool write_cached(const SynthOptions& options, const fs::path& path, ThreadTeam& team,
                  const Progress& progress) {
  std::unique_ptr<AtomicFile> file;
  const auto try_to = [&](auto work) {
    try {
      work();
    } catch (const Error&) {
      file.reset();
    }
    return file != nullptr;
  };
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (!try_to([&] { file = std::make_unique<AtomicFile>(path); })) return false;
  Hash128 hash;
  render_parts(options, team, progress, [&](std::span<const uint8_t> bytes) {
    hash.add(bytes.data(), bytes.size());
    return try_to([&] { file->write({reinterpret_cast<const char*>(bytes.data()), bytes.size()}); });
  });
  return file && try_to([&] {
           file->write(hash.text());
           file->commit();
         });
}

// Removes files of rendered images, those longest unused first, until the rest is small enough.
void limit_cache(const fs::path& cache) {
  struct Entry {
    fs::file_time_type used;
    fs::path path;
    double bytes;
  };
  std::vector<Entry> entries;
  std::error_code error;
  for (fs::directory_iterator at(cache, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.starts_with(file_begins) && name.ends_with(file_ends))
      entries.push_back({at->last_write_time(error), at->path(), static_cast<double>(at->file_size(error))});
  }
  std::ranges::sort(entries, std::greater<>(), &Entry::used);
  double kept = 0;
  for (const Entry& entry : entries) {
    kept += entry.bytes;
    if (kept > most_in_cache && &entry != &entries[0]) fs::remove(entry.path, error);
  }
}

}  // namespace

Dataset rendered_once(const SynthOptions& options, const fs::path& cache, ThreadTeam& team,
                      const Progress& progress) {
  Dataset data = rendered_on_demand(options);
  const Shape shape = data.pixels.shape();
  if (!cache.empty() && static_cast<double>(shape.elements()) <= most_in_cache) {
    const fs::path path = cached_path(options, cache);
    auto images = open_cached(path, shape);
    if (!images && write_cached(options, path, team, progress)) {
      images = open_cached(path, shape);
      limit_cache(cache);
    }
    if (images) {
      data.pixels = Pixels(shape, std::move(images));
      return data;
    }
  }
  return shape.elements() <= few_bytes ? render_hands(options, team, progress) : data;
}

}  // namespace mudra
