#include "mudra/serve/images_document.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "mudra/core/base64.h"
#include "mudra/data/image_file.h"

namespace mudra {
namespace {

using nlohmann::json;

constexpr const char* form = "Send {\"images\": [\"...\"]}, each picture a text in base64";

[[noreturn]] void refuse_document(const std::string& what) { throw HttpError(400, what, "body", form); }

// Takes the document as it is read: what does not belong into it never becomes a value in memory.
class ImagesReader : public nlohmann::json_sax<json> {
 public:
  explicit ImagesReader(size_t most) : most_(most) {}
  std::vector<SentPicture> take() { return std::move(images_); }

  bool null() override { refuse(); }
  bool boolean(bool) override { refuse(); }
  bool number_integer(number_integer_t) override { refuse(); }
  bool number_unsigned(number_unsigned_t) override { refuse(); }
  bool number_float(number_float_t, const string_t&) override { refuse(); }
  bool binary(binary_t&) override { refuse(); }
  bool start_object(size_t) override { return depth_++ == 0 || (refuse(), false); }
  bool end_object() override {
    if (!is_named_) refuse_document("has no 'images'");
    return true;
  }
  bool key(string_t& name) override {
    if (name != "images") refuse_document("has '" + name + "', which is not known");
    if (std::exchange(is_named_, true)) refuse_document("has 'images' twice");
    return true;
  }
  bool start_array(size_t) override { return depth_++ == 1 || (refuse(), false); }
  bool end_array() override {
    if (images_.empty()) refuse_document("has no pictures");
    depth_ = 1;
    return true;
  }
  bool string(string_t& text) override {
    if (depth_ != 2) refuse();
    if (images_.size() == most_) refuse_document(fmt::format("has more than {} pictures", most_));
    std::string where = fmt::format("images[{}]", images_.size());
    std::optional<std::string> bytes = from_base64(text);
    if (!bytes)
      throw HttpError(400, "is not base64", where,
                      "Send the base64 of the file alone, without `data:image/png;base64,`");
    images_.push_back({std::move(where), std::move(*bytes)});
    return true;
  }
  bool parse_error(size_t at, const std::string&, const nlohmann::detail::exception&) override {
    refuse_document(fmt::format("is not JSON from byte {} on", at));
  }

 private:
  [[noreturn]] static void refuse() { refuse_document("is not {\"images\": [texts]}"); }

  size_t most_;
  int depth_ = 0;  // 1 in the object, 2 in its array
  bool is_named_ = false;
  std::vector<SentPicture> images_;
};

// Decoding takes time and memory for every pixel, however few bytes a file has.
void check_pixels(std::span<const SentPicture> pictures) {
  int64_t left = most_pixels;
  for (const SentPicture& picture : pictures) {
    const ImageSize size = picture_header(bytes_of(picture.bytes), picture.where).size;
    left -= int64_t{size.height} * size.width;
    if (left < 0)
      throw HttpError(422,
                      fmt::format("would make more than {} million pixels in one request", most_pixels >> 20),
                      picture.where, "Make the pictures smaller, or send fewer at once");
  }
}

}  // namespace

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::vector<SentPicture> sent_pictures(const Request& request) {
  const bool is_document = media_type(request.content_type) == json_type;
  std::vector<SentPicture> pictures = is_document ? read_images_document(request.body, most_pictures)
                                                  : std::vector<SentPicture>{{"body", request.body}};
  check_pixels(pictures);
  return pictures;
}

std::vector<SentPicture> read_images_document(std::string_view text, size_t most) {
  ImagesReader reader(most);
  json::sax_parse(text, &reader);
  return reader.take();
}

}  // namespace mudra
