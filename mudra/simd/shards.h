// Sums over a batch, such as gradients, are 8 sums over contiguous shards of its images, added left to right.
// A batch can thus be divided among threads, processes or machines without changing a bit
// (docs/adr/0010-ranks.md).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace mudra {

inline constexpr int gradient_shards = 8;
using ShardBegins = std::array<int64_t, gradient_shards + 1>;

// Which images of a batch are at hand: by default all of them. A process that holds only those of some
// neighbouring shards gets these shards' part of every sum; of a single shard, exactly that shard's sum.
struct Shards {
  int64_t batch = 0;        // images of the whole batch; 0: those at hand
  int64_t first_image = 0;  // of the batch, where those at hand begin; it must begin a shard

  // A single shard; the images at hand must be its own.
  static Shards only(int shard, int64_t batch) { return {batch, shard_begin(shard, batch)}; }
  // The first image of a shard; shard 8 begins where shard 7 ends.
  static int64_t shard_begin(int shard, int64_t batch) { return batch * shard / gradient_shards; }

  // Images of the whole batch when so many are at hand.
  int64_t batch_size(int64_t images) const { return batch == 0 ? images : batch; }
  // Shard s is the images at hand from begins[s] up to begins[s + 1]: none when it is elsewhere.
  ShardBegins begins(int64_t images) const {
    ShardBegins begins{};
    for (int shard = 0; shard <= gradient_shards; ++shard) {
      const int64_t begin = shard_begin(shard, batch_size(images)) - first_image;
      begins[static_cast<size_t>(shard)] = std::clamp<int64_t>(begin, 0, images);
    }
    return begins;
  }
};

}  // namespace mudra
