// What is answered, whatever carried the request.
#include "mudra/serve/service.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "mudra/core/base64.h"
#include "mudra/data/image_file.h"
#include "mudra/inference/answer_json.h"
#include "mudra/inference/model_picture.h"
#include "mudra/serve/assets.h"
#include "mudra/serve/html.h"
#include "mudra/serve/images_document.h"
#include "mudra/serve/json_body.h"
#include "mudra/serve/route.h"

namespace mudra {
namespace {

using nlohmann::json;

const std::string fixtures_of_service = MUDRA_SOURCE_DIR "/tests/fixtures/";

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string picture_text(const std::string& name) {
  return file_text(fixtures_of_service + "images/" + name);
}

const Service& service() {  // reads 4x4 in grey
  static const Service made(find_model(fixtures_of_service + "models/answer.safetensors"), "1.2.3");
  return made;
}

Response get(const std::string& target) { return service().answer({.method = "GET", .target = target}); }

Response post(const std::string& type, const std::string& body) {
  return service().answer({.method = "POST", .target = "/api/predict", .content_type = type, .body = body});
}

json images(const std::vector<std::string>& files) {
  json list = json::array();
  for (const std::string& file : files) list.push_back(base64(file));
  return {{"images", list}};
}

// Every error is {what, where, remedy}, and says something.
std::string refusal(const Response& response, int status) {
  EXPECT_EQ(response.status, status) << response.body;
  EXPECT_EQ(response.content_type, "application/json");
  const json document = json::parse(response.body);
  EXPECT_EQ(document.size(), 3U);
  EXPECT_FALSE(document.at("what").get<std::string>().empty());
  EXPECT_FALSE(document.at("where").get<std::string>().empty());
  EXPECT_FALSE(document.at("remedy").get<std::string>().empty());
  return document.at("where").get<std::string>() + ": " + document.at("what").get<std::string>();
}

TEST(Service, AnswersAPictureAsItsPredictorDoes) {
  const Predictor predictor(find_model(fixtures_of_service + "models/answer.safetensors").model);
  for (const auto& [name, type] : {std::pair{"colour.png", "image/png"},
                                   {"smooth.jpeg", "image/jpeg"},
                                   {"webp_lossy.webp", "Image/WebP; q=1"}}) {
    json wanted =
        to_json(predictor.answer(read_picture_for(predictor.model(), fixtures_of_service + "images/" + name)),
                predictor.model());
    wanted.update({{"file", nullptr}, {"image", 0}});
    const Response response = post(type, picture_text(name));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(json::parse(response.body), wanted) << name;
  }
}

TEST(Service, AnswersManyPicturesInTheirOrder) {
  const std::vector<std::string> files = {picture_text("colour.png"), picture_text("smooth.jpeg")};
  const json answers = json::parse(post("application/json", images(files).dump()).body);
  ASSERT_EQ(answers.size(), 2U);
  for (size_t i = 0; i < files.size(); ++i) {
    json alone = json::parse(post("image/png", files[i]).body);
    alone["image"] = i;
    EXPECT_EQ(answers[i], alone);
  }
}

TEST(Service, AnswersValuesAsThePictureTheyAreOf) {
  const Image image{4, 4, 1, {0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 255}};
  const Response values = post("application/octet-stream", {image.bytes.begin(), image.bytes.end()});
  EXPECT_EQ(values.status, 200);
  EXPECT_EQ(json::parse(values.body), json::parse(post("image/png", encode_png(image)).body));
  for (const size_t bytes : {0, 15, 17})
    EXPECT_NE(
        refusal(post("application/octet-stream", std::string(bytes, 'a')), 422).find("4x4 in grey has 16"),
        std::string::npos);
}

TEST(Service, RefusesBrokenPicturesAndBombs) {
  for (const char* name :
       {"bad_bomb.png", "bad_bomb.jpeg", "bad_20000.png", "bad_20000.jpeg", "bad_cut_off.png",
        "bad_cut_off.jpeg", "bad_cut_off.webp", "bad_no_pixels.png", "bad_header.jpeg", "bad_kind.gif",
        "bad_kind.heic", "bad_moving.webp", "bad_text.png", "text_bomb.npy"}) {
    EXPECT_TRUE(refusal(post("image/png", picture_text(name)), 422).starts_with("body: ")) << name;
    EXPECT_TRUE(
        refusal(post("application/json", images({picture_text("colour.png"), picture_text(name)}).dump()),
                422)
            .starts_with("images[1]: "))
        << name;
  }
  EXPECT_EQ(refusal(post("image/png", ""), 422), "body: is empty");
}

// A header is enough to refuse them: nothing is decoded.
TEST(Service, RefusesPicturesThatTogetherHaveTooManyPixels) {
  const std::string large =
      encode_png({8192, 4096, 1, std::vector<uint8_t>(size_t{8192} * 4096)});  // half of what may be
  EXPECT_EQ(
      refusal(post("application/json", images({large, large, picture_text("one_pixel.png")}).dump()), 422),
      "images[2]: would make more than 64 million pixels in one request");
}

TEST(Service, RefusesDocumentsOfAnotherForm) {
  std::string deep(100'000, '[');
  for (const std::string& document :
       {std::string(), std::string("{"), std::string("[]"), std::string("null"), std::string("1"),
        std::string("\"images\""), std::string("{}"), std::string(R"({"images": []})"),
        std::string(R"({"images": "Zm9v"})"), std::string(R"({"images": [1]})"),
        std::string(R"({"images": [["Zm9v"]]})"), std::string(R"({"images": {"a": "Zm9v"}})"),
        std::string(R"({"images": [{}]})"), std::string(R"({"image": ["Zm9v"]})"),
        std::string(R"({"images": ["Zm9v"], "images": ["Zm9v"]})"), std::string(R"({"images": ["Zm9v"]} x)"),
        std::string(R"({"images": [null]})"), "{\"images\": " + deep, deep})
    EXPECT_TRUE(refusal(post("application/json", document), 400).starts_with("body: "))
        << document.substr(0, 40);
  EXPECT_EQ(refusal(post("application/json", R"({"images": ["data:image/png;base64,Zm9v"]})"), 400),
            "images[0]: is not base64");
  EXPECT_EQ(
      refusal(post("application/json", images(std::vector<std::string>(most_pictures + 1, "a")).dump()), 400),
      "body: has more than 256 pictures");
}

// Forms can be sent from any page without asking the server first.
TEST(Service, TakesNoForms) {
  for (const char* type : {"application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
                           "text/plain", "text/plain;charset=image/png", "", "image/gif", "*/*"})
    EXPECT_TRUE(refusal(post(type, picture_text("colour.png")), 415).starts_with("Content-Type: ")) << type;
}

TEST(Query, IsDecodedAndMayNotBeRepeatedOrBroken) {
  using Query = std::map<std::string, std::string>;
  EXPECT_EQ(query_of("/a?sign=A%2FB%26+%2b&recording=k3f9&all&empty=&x=a=b#?y=1"),
            (Query{{"sign", "A/B& +"}, {"recording", "k3f9"}, {"all", ""}, {"empty", ""}, {"x", "a=b"}}));
  for (const char* target : {"/a", "/a?", "/a?&&", "/a#?x=1", "", "*"})
    EXPECT_EQ(query_of(target), Query()) << target;
  for (const char* query :
       {"a=1&a=2", "a&a", "a=1&%61=1", "a=%", "a=%4", "a=%zz", "%=1", "=1", "a=1&=", "a=%-1"}) {
    const std::string target = std::string("/api/health?") + query;
    EXPECT_TRUE(refusal(get(target), 400).starts_with("query: ")) << query;
    EXPECT_THROW(route_of({.method = "GET", .target = target}), HttpError) << query;  // before the body comes
  }
  const Request request{.target = "/api/x?y=1", .query = {{"sign", "A"}}};
  EXPECT_EQ(request.parameter("sign"), "A");
  EXPECT_EQ(request.parameter_if_any("recording"), std::nullopt);
  try {
    request.parameter("recording");
    ADD_FAILURE();
  } catch (const HttpError& error) {
    EXPECT_EQ(error.status(), 400);
    EXPECT_EQ(error.parts().remedy, "Ask for /api/x?recording=...");
  }
}

TEST(JsonBody, IsAnObjectOfTextsNumbersAndLists) {
  const auto read = [](const std::string& body) { return object_in({.body = body}); };
  EXPECT_EQ(read("{}"), json::object());
  const json object = read(R"({"name": "A", "files": ["a", "b"], "n": 1, "none": [], "mixed": ["a", 1]})");
  EXPECT_EQ(text_in(object, "name"), "A");
  EXPECT_EQ(texts_in(object, "files"), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(texts_in(object, "none").empty());
  for (const char* name : {"n", "files", "absent"}) EXPECT_THROW(text_in(object, name), HttpError) << name;
  for (const char* name : {"n", "name", "mixed", "absent"})
    EXPECT_THROW(texts_in(object, name), HttpError) << name;
  std::string long_list = "{\"files\": [1";
  for (size_t i = 0; i < (size_t{2} << 20); ++i) long_list += ",1";
  for (const std::string& body :
       {std::string(), std::string("[]"), std::string("null"), std::string("{"), std::string("{} x"),
        std::string("{\"n\": 1e999}"), std::string("{\"a\": [[]]}"), std::string("{\"a\": {\"b\": {}}}"),
        std::string("{\"a\": \"\xff\"}"), std::string(100'000, '['), long_list + "]}"})
    EXPECT_THROW(read(body), HttpError) << body.substr(0, 40);
}

TEST(Service, KnowsNoOtherPathsAndMethods) {
  for (const char* target : {"/api/",
                             "/studio",
                             "/studio/",
                             "/studio/index.html",
                             "/index.html",
                             "/api/predic",
                             "/api/models/",
                             "/api/models/a/b",
                             "/../../etc/passwd",
                             "/etc/passwd",
                             "//",
                             "*",
                             "",
                             "http://localhost/",
                             "/api/models/..%2f..%2fetc%2fpasswd",
                             "/api/models/../../etc/passwd",
                             "/api/models/%2e%2e",
                             "/api/models/%",
                             "/api/models/%zz",
                             "/style.css/.."})
    EXPECT_EQ(get(target).status, 404) << target;
  EXPECT_EQ(json::parse(get("/api/predikt").body).at("remedy"), "Did you mean '/api/predict'?");
  const Response wrong = get("/api/predict");
  EXPECT_EQ(refusal(wrong, 405), "/api/predict: 'GET' is not for this");
  EXPECT_EQ(wrong.headers, (Headers{{"Allow", "POST"}}));
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"})
    EXPECT_EQ(service().answer({.method = method, .target = "/api/health"}).status, 405) << method;
  EXPECT_EQ(service().answer({.method = "HEAD", .target = "/api/health?x=/api/predict"}).status, 200);
}

TEST(Service, ModelsAreKnownByTheirNamesAndNotByTheirFiles) {
  const json models = json::parse(get("/api/models").body);
  EXPECT_EQ(models.at(0).at("name"), "answer.safetensors");  // the one that answers, then the box
  EXPECT_EQ(models.at(1), to_json(facts_of_box().at(0)));
  EXPECT_EQ(json::parse(get("/api/models/answer.safetensors").body), models.at(0));
  EXPECT_EQ(json::parse(get("/api/models/%68ands").body).at("name"), "hands");
  // Files that are there, and are models.
  EXPECT_EQ(get("/api/models/small_1.safetensors").status, 404);
  std::string encoded;
  for (const char c : fixtures_of_service + "models/small_1.safetensors")
    encoded += c == '/' ? "%2F" : std::string(1, c);
  EXPECT_TRUE(refusal(get("/api/models/" + encoded), 404).starts_with("/api/models: no model is called"));
  EXPECT_EQ(get("/api/models").body.find(fixtures_of_service), std::string::npos);
}

TEST(Service, SaysItIsWell) {
  EXPECT_EQ(json::parse(get("/api/health").body),
            (json{{"ok", true}, {"version", "1.2.3"}, {"model", "answer.safetensors"}}));
}

TEST(Service, ThePageShowsNamesAsText) {
  FoundModel found = find_model(fixtures_of_service + "models/answer.safetensors");
  found.model.classes[0] = "<script>alert('1')</script>";
  found.model.card["reads"] = "\"&{{routes}}";
  const std::string page =
      Service(std::move(found), "1.2.3").answer({.method = "GET", .target = "/api", .host = "<b>"}).body;
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("<b>"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;"), std::string::npos);
  EXPECT_NE(page.find("&quot;&amp;{{routes}}"), std::string::npos);
  for (const Route& route : routes()) EXPECT_NE(page.find(route.path), std::string::npos) << route.path;
}

TEST(Service, ServesTheFilesOfTheStudioAsTheyAre) {
  for (const auto& [target, name, type] : {std::tuple{"/", "index.html", "text/html"},
                                           {"/studio.js", "studio.js", "text/javascript"},
                                           {"/studio.css", "studio.css", "text/css"},
                                           {"/licences.txt", "licences.txt", "text/plain"}}) {
    const Response response = get(target);
    EXPECT_EQ(response.content_type, std::string(type) + "; charset=utf-8");
    EXPECT_EQ(response.body, file_text(MUDRA_SOURCE_DIR "/mudra/serve/assets/studio/" + std::string(name)));
    EXPECT_FALSE(response.body.empty());
  }
}

TEST(OpenApi, DescribesExactlyTheRoutes) {
  const json document = json::parse(get("/api/openapi.json").body);
  EXPECT_EQ(document.at("openapi"), "3.0.3");
  EXPECT_EQ(document.at("info").at("version"), "1.2.3");
  std::set<std::pair<std::string, std::string>> described, known;
  for (const auto& [path, methods] : document.at("paths").items()) {
    for (const auto& [method, operation] : methods.items()) {
      described.emplace(path, method);
      std::set<std::string> types, taken;
      if (operation.contains("requestBody"))
        for (const auto& [type, content] : operation.at("requestBody").at("content").items())
          types.insert(type);
      for (const Route& route : routes()) {
        if (route.path == path && (route.method == "GET") == (method == "get"))
          taken.insert(route.types.begin(), route.types.end());
      }
      EXPECT_EQ(types, taken) << path;
    }
  }
  for (const Route& route : routes()) known.emplace(route.path, route.method == "GET" ? "get" : "post");
  EXPECT_EQ(described, known);
  EXPECT_EQ(
      document.at(
          "/paths/~1api~1predict/post/requestBody/content/application~1json/schema/properties/images/maxItems"_json_pointer),
      most_pictures);
}

}  // namespace
}  // namespace mudra
