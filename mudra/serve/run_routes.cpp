// The routes that tell of runs: what `mudra train` left in a folder.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "mudra/core/atomic_file.h"
#include "mudra/core/did_you_mean.h"
#include "mudra/run/found_runs.h"
#include "mudra/serve/json_body.h"
#include "mudra/serve/route.h"
#include "mudra/serve/service.h"

namespace mudra {
namespace {

namespace fs = std::filesystem;

constexpr size_t most_of_a_file = size_t{64} << 20;

// A report brings its script and style with it, and allows those alone by their hashes. To a browser it is a
// page of nobody, so that whoever wrote it, it can ask nothing here; only our own page may show it within
// itself.
const Headers headers_of_reports = {
    {"Content-Security-Policy",
     "sandbox allow-scripts; img-src data:; connect-src 'none'; font-src 'none'; frame-src 'none'; media-src "
     "'none'; "
     "object-src 'none'; worker-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"},
    {"X-Frame-Options", "SAMEORIGIN"}};

// The path below the folder of runs.
std::string name_of_run(const Service& service, const fs::path& folder) {
  return folder.lexically_relative(service.runs()).generic_string();
}

// Only what was found is looked up: no request makes the server open another file.
fs::path file_of_run(const Service& service, const Request& request, const char* file) {
  const std::string& wanted = request.parameter("run");
  std::error_code ignored;
  std::vector<std::string> known;
  if (fs::is_directory(service.runs(), ignored)) {
    for (const fs::path& folder : run_folders({service.runs()})) {
      known.push_back(name_of_run(service, folder));
      if (known.back() != wanted) continue;
      if (fs::symlink_status(folder / file, ignored).type() == fs::file_type::regular) return folder / file;
      throw HttpError(404, "the run has no " + std::string(file), wanted,
                      "Wait until it is over, or resume it");
    }
  }
  throw HttpError(404, "no run is called '" + wanted + "'", "run", did_you_mean(wanted, known));
}

Response runs(const Service& service, const Request&) {
  nlohmann::json list = nlohmann::json::array();
  std::error_code ignored;
  if (fs::is_directory(service.runs(), ignored)) {
    for (const FoundRun& run : find_runs({service.runs()})) {
      nlohmann::json json = to_json(run);
      json["name"] = json["run"] = name_of_run(service, run.folder);
      list.push_back(std::move(json));
    }
  }
  return json_response({{"runs", std::move(list)}});
}

Response curves(const Service& service, const Request& request) {
  const std::string text = read_file(file_of_run(service, request, "metrics.jsonl"), most_of_a_file);
  nlohmann::json epochs = nlohmann::json::array();
  size_t start = 0;  // what stands behind the last end of a line is being written
  for (size_t end; (end = text.find('\n', start)) != text.npos; start = end + 1) {
    nlohmann::json epoch =
        nlohmann::json::parse(text.begin() + static_cast<std::ptrdiff_t>(start),
                              text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    if (!epoch.is_object())
      throw Error("has a metrics.jsonl that is damaged", request.parameter("run"), "Train it again");
    epochs.push_back(std::move(epoch));
  }
  return json_response({{"epochs", std::move(epochs)}});
}

Response report(const Service& service, const Request& request) {
  return {.content_type = "text/html; charset=utf-8",
          .body = read_file(file_of_run(service, request, "report.html"), most_of_a_file),
          .headers = headers_of_reports};
}

}  // namespace

std::span<const Route> run_routes() {
  static constexpr Route all[] = {
      {.method = "GET",
       .path = "/api/runs",
       .summary = "what was trained, and how well",
       .answer = runs,
       .takes_time = true},
      {.method = "GET",
       .path = "/api/runs/curves",
       .summary = "every epoch of one: ?run=NAME",
       .answer = curves,
       .takes_time = true},
      {.method = "GET",
       .path = "/api/runs/report",
       .summary = "the page of its report: ?run=NAME",
       .answer = report,
       .takes_time = true},
  };
  return all;
}

}  // namespace mudra
