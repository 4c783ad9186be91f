#include <zip.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/data/write_forms.h"

namespace mudra {
namespace {

// Hands an array to libzip, row by row.
struct ZipMember {
  ArrayBytes array;
  std::vector<uint8_t> row;
  uint64_t at = 0;
  std::exception_ptr failure;

  uint64_t read(uint8_t* out, uint64_t size) {
    uint64_t done = 0;
    while (done < size && at < array.size()) {
      const uint8_t* from = nullptr;
      uint64_t left = 0;
      if (at < array.header.size()) {
        from = reinterpret_cast<const uint8_t*>(array.header.data()) + at;
        left = array.header.size() - at;
      } else {
        const uint64_t place = at - array.header.size(), inside = place % array.row_bytes;
        if (inside == 0 || row.empty()) {
          row.resize(array.row_bytes);
          array.fill(static_cast<int64_t>(place / array.row_bytes), row.data());
        }
        from = row.data() + inside;
        left = array.row_bytes - inside;
      }
      const uint64_t count = std::min(size - done, left);
      std::memcpy(out + done, from, count);
      done += count;
      at += count;
    }
    return done;
  }
};

zip_int64_t give_member(void* state, void* out, zip_uint64_t size, zip_source_cmd_t command) {
  auto& member = *static_cast<ZipMember*>(state);
  switch (command) {
    case ZIP_SOURCE_OPEN:
      member.at = 0;
      return 0;
    case ZIP_SOURCE_READ:
      try {
        return static_cast<zip_int64_t>(member.read(static_cast<uint8_t*>(out), size));
      } catch (...) {  // streamed images may fail; libzip is C
        member.failure = std::current_exception();
        return -1;
      }
    case ZIP_SOURCE_STAT: {
      auto* status = static_cast<zip_stat_t*>(out);
      zip_stat_init(status);
      status->size = member.array.size();
      status->valid = ZIP_STAT_SIZE;
      return sizeof *status;
    }
    case ZIP_SOURCE_ERROR: {
      const int codes[2] = {ZIP_ER_READ, 0};
      std::memcpy(out, codes, sizeof codes);
      return sizeof codes;
    }
    case ZIP_SOURCE_SUPPORTS:
      return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE,
                                            ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, -1);
    default:
      return 0;
  }
}

}  // namespace

Notes write_npz(const Dataset& data, const std::string& path, const WriteOptions& options) {
  AtomicFile file(path);
  std::vector<std::pair<std::string, std::unique_ptr<ZipMember>>> members;
  const auto add = [&](const char* name, ArrayBytes array) {
    members.emplace_back(name, std::make_unique<ZipMember>(ZipMember{std::move(array), {}, 0, {}}));
  };
  add("dataset.npy", telling(npy_pixels(data.pixels), options.progress));
  add("labels.npy", npy_texts(data.classes, data.labels));
  if (!data.groups.empty()) add("groups.npy", npy_texts(data.group_names, data.groups));
  if (!data.photographs.empty()) {
    std::vector<std::string> numbers;  // they are numbered from 0 without gaps unless images were left out
    for (int32_t i = 0; i <= std::ranges::max(data.photographs); ++i) numbers.push_back(std::to_string(i));
    add("photographs.npy", npy_texts(numbers, data.photographs));
  }

  int code = 0;
  zip_t* zip = zip_open(file.temporary().c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  if (zip == nullptr) throw Error("cannot write", path, "Choose a folder you may write to");
  for (const auto& [name, member] : members) {
    zip_source_t* source = zip_source_function(zip, give_member, member.get());
    const auto index = static_cast<zip_uint64_t>(zip_file_add(zip, name.c_str(), source, 0));
    zip_set_file_compression(zip, index, options.compress ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
    zip_file_set_dostime(zip, index, 0, 1 << 5 | 1, 0);  // 1980-01-01: the same data give the same bytes
  }
  if (zip_close(zip) != 0) {
    const std::string why = zip_strerror(zip);
    zip_discard(zip);
    for (const auto& [name, member] : members) {
      if (member->failure) std::rethrow_exception(member->failure);
    }
    throw Error("cannot write: " + why, path, "Free some space or choose another folder");
  }
  file.commit();
  return {};
}

}  // namespace mudra
