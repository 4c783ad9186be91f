#include "mudra/serve/studio_json.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>

#include "mudra/core/text.h"
#include "mudra/serve/service.h"

namespace mudra {
namespace {

using nlohmann::json;

json text_or_null(const std::string& text) { return text.empty() ? json() : json(text); }

// Of a test: how many were right, and how far that may be off.
json score_json(const Evaluation& evaluation) {
  return {{"accuracy", evaluation.accuracy},
          {"interval", {evaluation.interval.low, evaluation.interval.high}},
          {"n", evaluation.n},
          {"right", evaluation.right},
          {"recordings", evaluation.groups.size()}};
}

json score_or_null(const Checked* checked, bool is_by_recording) {
  if (!checked) return {};
  if (is_by_recording) return checked->tells() ? score_json(checked->by_recording.evaluation) : json();
  return checked->by_frames ? score_json(checked->by_frames->evaluation) : json();
}

// What to record before there is a test by recording of every sign.
std::string lacking_for_check(const Checked* checked) {
  if (!checked || checked->untested.empty()) return "";
  return fmt::format("Record {} once more: a sign is tested by a recording that it was not taught with",
                     listed(checked->untested));
}

// Which sign each suspect seems to show.
std::map<std::string, std::string> suggestions_of(const Checked* checked) {
  std::map<std::string, std::string> suggestions;
  if (!checked) return suggestions;
  for (const LabelSuspect& suspect : checked->by_recording.suspects.suspects)
    suggestions[checked->samples[suspect.row].file] =
        checked->classes[static_cast<size_t>(suspect.suggestion)];
  return suggestions;
}

}  // namespace

json signs_json(const Studio& studio) {
  const Signs found = studio.signs();
  json signs = json::array();
  for (const SignCount& sign : found.signs)
    signs.push_back({{"name", sign.name},
                     {"samples", sign.samples},
                     {"recordings", sign.recordings},
                     {"without_hand", sign.without_hand}});
  return {{"signs", signs}, {"version", found.version}, {"undo", text_or_null(found.undoable)}};
}

json samples_json(const Studio& studio, const std::vector<Sample>& samples) {
  const auto suggestions = suggestions_of(studio.checked().get());
  json list = json::array();
  for (const Sample& sample : samples) {
    const std::optional<bool> hand = studio.has_hand(sample);
    const auto suggestion = suggestions.find(sample.file);
    list.push_back({{"file", sample.file},
                    {"recording", sample.recording},
                    {"hand", hand ? json(*hand) : json()},
                    {"suspect", suggestion == suggestions.end() ? json() : json(suggestion->second)}});
  }
  return list;
}

json teaching_json(const Studio& studio) {
  const TeachingState state = studio.teaching();
  const auto taught = studio.taught();
  const auto checked = studio.checked();
  json model;
  if (taught)
    model = {
        {"name", taught_name}, {"classes", taught->predictor.model().classes}, {"samples", taught->hands}};
  return {{"state", name_of(state.state)},
          {"why", text_or_null(state.why)},
          {"done", state.done},
          {"version", taught ? json(taught->version) : json()},
          {"seconds", state.seconds},
          {"model", model},
          {"by_recording", score_or_null(checked.get(), true)},
          {"by_frames", score_or_null(checked.get(), false)},
          {"why_no_check", text_or_null(lacking_for_check(checked.get()))}};
}

json checked_json(const Checked& checked) {
  const Check& check = checked.by_recording;
  const size_t classes = checked.classes.size();
  json matrix = json::array(), suspects = json::array(), recordings = json::array(), cells = json::array();
  for (size_t truth = 0; truth < classes; ++truth) {
    json row = json::array();
    for (size_t answer = 0; answer < classes; ++answer) row.push_back(check.evaluation.count(truth, answer));
    matrix.push_back(row);
  }
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> files;
  std::map<std::string, std::string> sign_of;
  for (size_t i = 0; i < check.tested.size(); ++i) {
    const Sample& sample = checked.samples[check.tested[i]];
    files[{sample.sign, checked.classes[static_cast<size_t>(check.answers.labels[i])]}].push_back(
        sample.file);
    sign_of[sample.recording] = sample.sign;
  }
  for (const auto& [cell, shown] : files)
    cells.push_back({{"truth", cell.first}, {"answer", cell.second}, {"files", shown}});
  for (const LabelSuspect& suspect : check.suspects.suspects) {
    const Sample& sample = checked.samples[suspect.row];
    suspects.push_back({{"file", sample.file},
                        {"sign", sample.sign},
                        {"suggestion", checked.classes[static_cast<size_t>(suspect.suggestion)]},
                        {"probability", suspect.confidence}});
  }
  for (const GroupScore& group : check.evaluation.groups)
    recordings.push_back(
        {{"recording", group.name}, {"sign", sign_of[group.name]}, {"right", group.right}, {"n", group.n}});
  return {{"version", checked.version},
          {"classes", checked.classes},
          {"matrix", matrix},
          {"cells", cells},
          {"suspects", suspects},
          {"by_recording", score_json(check.evaluation)},
          {"by_frames", score_or_null(&checked, false)},
          {"per_recording", recordings}};
}

void publish_state(const Studio& studio, Events& events) {
  const auto text = [](const json& document) {
    return document.dump(-1, ' ', false, json::error_handler_t::replace);
  };
  events.publish("signs", text({{"version", studio.version()}}));
  events.publish("train", text(teaching_json(studio)));
}

}  // namespace mudra
