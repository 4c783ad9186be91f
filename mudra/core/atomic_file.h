// Files that appear whole or not at all.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace mudra {

// Writes to a temporary name beside `path`, syncs, renames, syncs the folder. Throws Error and leaves
// no file and no changed file behind when anything fails (full disk, no permission).
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

// The whole file; throws Error naming it when it cannot be read or holds more than `limit` bytes.
std::string read_file(const std::filesystem::path& path, size_t limit = size_t{1} << 32);

}  // namespace mudra
