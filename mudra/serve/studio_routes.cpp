// The routes of a studio: signs and their pictures, and what is learned from them.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "mudra/core/number.h"
#include "mudra/data/image_file.h"
#include "mudra/inference/model_picture.h"
#include "mudra/serve/images_document.h"
#include "mudra/serve/json_body.h"
#include "mudra/serve/route.h"
#include "mudra/serve/service.h"
#include "mudra/serve/studio_json.h"

namespace mudra {
namespace {

using nlohmann::json;

constexpr int smallest_side = 16, largest_side = 640;

// Something in the body: throws HttpError 409 when `is_there` of the signs is not what it must be.
void need_sign(const Studio& studio, const std::string& sign, bool is_there, int status) {
  const Signs found = studio.signs();
  if ((std::ranges::find(found.signs, sign, &SignCount::name) != found.signs.end()) == is_there) return;
  throw HttpError(status,
                  is_there ? "there is no sign '" + sign + "'" : "there is a sign '" + sign + "' already",
                  "signs", is_there ? "Look which there are" : "Choose another name");
}

// What the disk does not do is not the fault of who asks, who may ask again.
template <class Work>
auto kept(const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::usage) throw;
    throw HttpError(507, error.parts().what, error.parts().where, error.parts().remedy);
  }
}

template <class Work>
auto change(const Service& service, const Work& work) {
  return kept([&] { return service.studio().change(work); });
}

// What has changed, beside what a route tells.
Response changed(const Studio& studio, json document = json::object()) {
  const Signs signs = studio.signs();
  document["version"] = signs.version;
  document["undo"] = signs.undoable.empty() ? json() : json(signs.undoable);
  return json_response(document);
}

Response signs(const Service& service, const Request&) {
  json document = signs_json(service.studio());
  document["folder"] = service.studio().folder().filename().string();
  return json_response(document);
}

Response make_sign(const Service& service, const Request& request) {
  const std::string name = text_in(object_in(request), "name");
  need_sign(service.studio(), name, false, 409);
  change(service, [&](Recordings& recordings) { recordings.add_sign(name); });
  return signs(service, request);
}

Response rename_sign(const Service& service, const Request& request) {
  const json object = object_in(request);
  const std::string name = text_in(object, "name"), to = text_in(object, "to");
  need_sign(service.studio(), name, true, 404);
  need_sign(service.studio(), to, false, 409);
  change(service, [&](Recordings& recordings) { recordings.rename_sign(name, to); });
  return signs(service, request);
}

Response remove_sign(const Service& service, const Request& request) {
  const std::string name = text_in(object_in(request), "name");
  need_sign(service.studio(), name, true, 404);
  change(service, [&](Recordings& recordings) { recordings.remove_sign(name); });
  return signs(service, request);
}

Response samples(const Service& service, const Request& request) {
  const Studio& studio = service.studio();
  const std::string& sign = request.parameter("sign");
  need_sign(studio, sign, true, 404);
  return json_response({{"samples", samples_json(studio, studio.samples(sign))}});
}

Response add_samples(const Service& service, const Request& request) {
  Studio& studio = service.studio();
  const std::string &sign = request.parameter("sign"), &recording = request.parameter("recording");
  std::vector<Image> pictures;
  for (const SentPicture& picture : sent_pictures(request))
    pictures.push_back(decode_image(bytes_of(picture.bytes), picture.where, 3, {.longer = searched_side}));
  const std::vector<Sample> added = kept([&] { return studio.add(sign, recording, pictures); });
  return changed(studio, {{"samples", samples_json(studio, added)}});
}

Response relabel(const Service& service, const Request& request) {
  Studio& studio = service.studio();
  const json object = object_in(request);
  const std::vector<std::string> files = texts_in(object, "files");
  const std::string sign = text_in(object, "sign");
  const std::vector<Sample> moved =
      change(service, [&](Recordings& recordings) { return recordings.relabel(files, sign); });
  return changed(studio, {{"samples", samples_json(studio, moved)}});
}

Response remove_samples(const Service& service, const Request& request) {
  Studio& studio = service.studio();
  const std::vector<std::string> files = texts_in(object_in(request), "files");
  change(service, [&](Recordings& recordings) { recordings.remove(files); });
  return changed(studio);
}

Response undo(const Service& service, const Request& request) {
  Studio& studio = service.studio();
  object_in(request);
  if (studio.signs().undoable.empty())
    throw HttpError(409, "there is nothing to take back", "/api/undo", "Change something first");
  const std::string text = change(service, [](Recordings& recordings) { return recordings.undo(); });
  return changed(studio, {{"undone", text}});
}

Response picture(const Service& service, const Request& request) {
  Image image = service.studio().picture(request.parameter("file"));
  if (const auto side = request.parameter_if_any("side")) {
    const auto number = parse_number<int>(*side);
    if (!number || *number < smallest_side || *number > largest_side)
      throw HttpError(400, "is no side of 16 to 640", "side", "Ask for side=96");
    image = within(std::move(image), *number);
  }
  return {.content_type = "image/png", .body = encode_png(image)};
}

Response teaching(const Service& service, const Request&) {
  return json_response(teaching_json(service.studio()));
}

Response train(const Service& service, const Request& request) {
  object_in(request);
  service.studio().train();
  return teaching(service, request);
}

Response stop_training(const Service& service, const Request& request) {
  object_in(request);
  service.studio().stop();
  return teaching(service, request);
}

Response evaluation(const Service& service, const Request&) {
  const auto checked = service.studio().checked();
  if (!checked || !checked->tells())
    throw HttpError(409, "nothing has been tested yet", "/api/evaluation",
                    "Record every sign at least twice, and wait for the training");
  return json_response(checked_json(*checked));
}

}  // namespace

std::span<const Route> studio_routes() {
  static constexpr Route all[] = {
      {"GET",
       "/api/signs",
       "the signs that are taught, and how many pictures there are of each",
       signs,
       {},
       true},
      {"POST", "/api/signs", "makes a sign", make_sign, json_only},
      {"POST", "/api/signs/rename", "gives a sign another name", rename_sign, json_only},
      {"POST", "/api/signs/delete", "deletes a sign and its pictures", remove_sign, json_only},
      {"GET", "/api/samples", "the pictures of a sign", samples, {}, true},
      {"POST", "/api/samples", "adds pictures of one recording to a sign", add_samples, pictures_types},
      {"GET", "/api/samples/picture", "one of them, as PNG", picture, {}, true},
      {"POST", "/api/samples/relabel", "puts pictures to another sign", relabel, json_only},
      {"POST", "/api/samples/delete", "deletes pictures", remove_samples, json_only},
      {"POST", "/api/undo", "takes the last change back", undo, json_only},
      {"GET", "/api/train", "what is being taught, and how good it is", teaching, {}, true},
      {"POST", "/api/train", "teaches anew, and after every change from now on", train, json_only},
      {"POST", "/api/train/stop", "stops, until it is asked for again", stop_training, json_only},
      {"GET",
       "/api/evaluation",
       "which pictures are taken for which sign, by recording",
       evaluation,
       {},
       true},
  };
  return all;
}

}  // namespace mudra
