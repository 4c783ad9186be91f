#include "mudra/training/state.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mudra/core/error.h"
#include "mudra/network/model.h"

namespace mudra {
namespace {

using Json = nlohmann::json;

constexpr const char* remedy = "Remove it to train from the start";

// Calls visit(name, network) for every network of a state.
template <class State, class Visit>
void for_each_network(State& state, Visit visit) {
  visit("network.", state.network);
  visit("first.", state.moments.first);
  visit("second.", state.moments.second);
  visit("average.", state.average);
  visit("kept.", state.kept);
}

// The numbers of an epoch, in the order of the file. JSON has no NaN: null.
constexpr double Epoch::*measures[] = {&Epoch::rate,
                                       &Epoch::loss_train,
                                       &Epoch::accuracy_train,
                                       &Epoch::noise_train,
                                       &Epoch::same_answer,
                                       &Epoch::loss_validation,
                                       &Epoch::accuracy_validation,
                                       &Epoch::loss_held_out,
                                       &Epoch::accuracy_held_out,
                                       &Epoch::seconds};

Json to_json(const std::vector<Epoch>& history) {
  Json all = Json::array();
  for (const Epoch& epoch : history) {
    Json one = Json::array();
    for (const auto measure : measures) one.push_back(epoch.*measure);
    all.push_back(std::move(one));
  }
  return all;
}

std::vector<Epoch> history_from(const Json& all) {
  std::vector<Epoch> history;
  for (const Json& one : all) {
    Epoch epoch;
    epoch.number = static_cast<int>(history.size()) + 1;
    size_t i = 0;
    for (const auto measure : measures) {
      const Json& value = one.at(i++);
      epoch.*measure = value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
    }
    history.push_back(epoch);
  }
  return history;
}

// What read(json) makes of the metadata `training`. Throws Error when it cannot be read.
template <class Read>
void read_training(const Safetensors& content, const std::string& where, Read read) {
  try {
    read(Json::parse(content.metadata.at("training")));
  } catch (const Error& error) {
    throw Error(error.what(), {}, remedy);
  } catch (const std::exception& error) {  // of JSON, or without the key
    throw Error(std::string("holds no training that can be read (") + error.what() + ")", where, remedy);
  }
}

}  // namespace

void TrainingState::begin_epoch() {
  batch = 0;
  loss = 0;
  loss_squares = 0;
  right = 0;
  std::ranges::fill(answered, 0);
  seconds = 0;
}

std::string history_text(const std::vector<Epoch>& history) { return to_json(history).dump(); }

std::vector<Epoch> history_from(const std::string& text, const std::string& where) {
  try {
    return history_from(Json::parse(text));
  } catch (const Json::exception& error) {
    throw Error(std::string("has a history that cannot be read (") + error.what() + ")", where, remedy);
  }
}

std::vector<Epoch> history_of(const Safetensors& content, const std::string& where) {
  std::vector<Epoch> history;
  read_training(content, where, [&](const Json& json) { history = history_from(json.at("history")); });
  return history;
}

void put_state(const TrainingState& state, Safetensors& content) {
  for_each_network(state, [&](const std::string& prefix, const Network& network) {
    put_parameters(network, prefix, content);
  });
  content.metadata["training"] = Json{
      {"epoch", state.epoch},
      {"batch", state.batch},
      {"loss", state.loss},
      {"loss_squares", state.loss_squares},
      {"right", state.right},
      {"answered", state.answered},
      {"seconds", state.seconds},
      {"steps", state.moments.steps},
      {"kept_epoch", state.kept_epoch},
      {"history",
       to_json(state.history)}}.dump();
}

TrainingState take_state(const Safetensors& content, TrainingState fresh, const std::string& where) {
  TrainingState state = std::move(fresh);
  read_training(content, where, [&](const Json& json) {
    state.history = history_from(json.at("history"));
    const auto epochs = static_cast<int64_t>(state.history.size());
    const auto count = [&](const char* key, int64_t low, int64_t high) {
      return whole_number(json, key, low, high, where);
    };
    constexpr int64_t most = int64_t{1} << 53;
    state.epoch = static_cast<int>(count("epoch", epochs + 1, epochs + 1));
    state.batch = count("batch", 0, most);
    state.loss = json.at("loss").get<double>();
    state.loss_squares = json.at("loss_squares").get<double>();
    state.right = count("right", 0, most);
    const auto answered = json.at("answered").get<std::vector<int64_t>>();
    const bool fits = answered.size() == state.answered.size() &&
                      std::ranges::all_of(answered, [](int64_t n) { return n >= 0 && n <= most; });
    if (!fits) throw Error("has impossible counts of answers", where);
    state.answered = answered;
    state.seconds = json.at("seconds").get<double>();
    state.moments.steps = count("steps", 0, most);
    state.kept_epoch = static_cast<int>(count("kept_epoch", 0, epochs));
  });
  if (state.kept_epoch > 0) state.kept = state.network;
  for_each_network(state, [&](const std::string& prefix, Network& network) {
    take_parameters(content, prefix, network, where, remedy);
  });
  return state;
}

}  // namespace mudra
