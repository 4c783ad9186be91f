// Many pictures in one JSON document.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mudra {

// Pictures that may come in one request.
inline constexpr size_t most_pictures = 256;

struct SentPicture {
  std::string where, bytes;  // such as images[3]
};

// The pictures of {"images": ["base64", ...]}, decoded. Takes no more memory than a few times the text.
// Throws HttpError (400) for anything else, no picture, and more than `most`.
std::vector<SentPicture> read_images_document(std::string_view json, size_t most);

}  // namespace mudra
