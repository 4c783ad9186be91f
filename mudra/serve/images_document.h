// The pictures in a request: one, or many in a JSON document.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/serve/http.h"
#include "mudra/serve/json_body.h"

namespace mudra {

// Pictures that may come in one request.
inline constexpr size_t most_pictures = 256;

struct SentPicture {
  std::string where, bytes;  // such as images[3]
};

// The pictures of {"images": ["base64", ...]}, decoded. Takes no more memory than a few times the text.
// Throws HttpError (400) for anything else, no picture, and more than `most`.
std::vector<SentPicture> read_images_document(std::string_view json, size_t most);

// Types of such bodies: Route::types.
inline constexpr std::array<std::string_view, 4> pictures_types = {"image/png", "image/jpeg", "image/webp",
                                                                   json_type};

// Those of a body that is a picture, or such a document. Throws HttpError also for more pixels than memory
// should hold, and Error for what is no picture.
std::vector<SentPicture> sent_pictures(const Request& request);

std::span<const uint8_t> bytes_of(const std::string& text);

}  // namespace mudra
