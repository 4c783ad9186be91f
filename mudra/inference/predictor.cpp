#include "mudra/inference/predictor.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/features/prepare.h"
#include "mudra/network/loss.h"

namespace mudra {
namespace {

// Whether the network has, behind its classes, a head for where the joints are in its image.
bool gives_joints(const Network& network) {
  const auto& heads = network.heads;
  return heads.size() == 2 && heads[1].kind == HeadKind::distance &&
         heads[1].channels == int64_t{2} * hand_joints;
}

// Images x [N, H, W, C] with left and right exchanged.
void mirror(const Tensor& x, Tensor& out) {
  if (out.shape() != x.shape()) out = Tensor(x.shape());
  const int64_t rows = x.shape()[0] * x.shape()[1], width = x.shape()[2], channels = x.shape()[3];
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < width; ++column) {
      std::copy_n(x.data() + (row * width + column) * channels, channels,
                  out.data() + (row * width + width - 1 - column) * channels);
    }
  }
}

std::vector<Joint> joints_of(std::span<const Scalar> given) {
  std::vector<Joint> joints;
  for (size_t i = 0; i < given.size(); i += 2)
    joints.push_back({part_of_cut(given[i]), part_of_cut(given[i + 1])});
  return joints;
}

// What overflowed is no place.
void drop_if_no_numbers(std::vector<Joint>& joints) {
  const auto is_place = [](const Joint& joint) { return std::isfinite(joint.x) && std::isfinite(joint.y); };
  if (!std::ranges::all_of(joints, is_place)) joints.clear();
}

// Widened by an eighth on every side, as far as the picture goes, in parts of it.
Box box_around(const HandBox& joints, const Image& picture) {
  const auto wide = static_cast<float>(picture.width), high = static_cast<float>(picture.height);
  const float wider = (joints.right - joints.left) / 8, higher = (joints.bottom - joints.top) / 8;
  const auto inside = [](float x) { return std::clamp(x, 0.F, 1.F); };
  return {inside((joints.left - wider) / wide), inside((joints.top - higher) / high),
          inside((joints.right + wider) / wide), inside((joints.bottom + higher) / high)};
}

}  // namespace

size_t Answers::likeliest(size_t image) const {
  return static_cast<size_t>(std::ranges::max_element(of(image)) - of(image).begin());
}

float Answers::confidence(size_t image) const {
  return labels[image] == refused ? std::ranges::max(of(image))
                                  : probability(image, static_cast<size_t>(labels[image]));
}

void Answers::append(Answers more) {
  if (labels.empty()) {
    *this = std::move(more);
    return;
  }
  labels.insert(labels.end(), more.labels.begin(), more.labels.end());
  probabilities.insert(probabilities.end(), more.probabilities.begin(), more.probabilities.end());
}

void Answers::append(const Answer& one) {
  classes = std::ssize(one.probabilities);
  labels.push_back(one.label);
  probabilities.insert(probabilities.end(), one.probabilities.begin(), one.probabilities.end());
}

Answers Answers::select(std::span<const uint32_t> images) const {
  Answers selected;
  selected.classes = classes;
  for (const uint32_t image : images) {
    selected.labels.push_back(labels[image]);
    selected.probabilities.insert(selected.probabilities.end(), of(image).begin(), of(image).end());
  }
  return selected;
}

Lender<Predictor::Place>::Lent Predictor::lend(int64_t images) const {
  const int64_t batch = images == 1 ? 1 : answered_together;
  return places_.lend(
      [&](const Place& place) { return place.plan.max_batch() == batch; },
      [&] {
        return std::make_unique<Place>(Place{Plan(model_.network, batch, Mode::infer), {}, {}, {}});
      });
}

Answers Answers::with_none_class() const {
  Answers wider;
  wider.classes = classes + 1;
  for (size_t i = 0; i < labels.size(); ++i) {
    wider.labels.push_back(labels[i] == refused ? static_cast<int32_t>(classes) : labels[i]);
    for (size_t c = 0; c < static_cast<size_t>(classes); ++c)
      wider.probabilities.push_back(probability(i, c));
    wider.probabilities.push_back(0);
  }
  return wider;
}

int32_t none_label(const Model& model) {
  if (model.none_class.empty()) return refused;
  return static_cast<int32_t>(std::ranges::find(model.classes, model.none_class) - model.classes.begin());
}

void check_reads_pictures(const Model& model) {
  if (!reads_features(model)) return;
  throw Error(
      "reads rows of " + std::to_string(model.network.input.elements()) + " features, and no pictures",
      "the model", "Ask it in Python: mudra.load(...).predict(rows)");
}

Predictor::Predictor(Model model) : model_(std::move(model)), none_(none_label(model_)) {
  check_classifier(model_.network, std::ssize(model_.classes), "model");
  if (finds_hands(model_)) cutter_.emplace(model_);
}

int32_t Predictor::label_of(std::span<const float> probabilities) const {
  const auto largest = std::ranges::max_element(probabilities);
  if (static_cast<double>(*largest) < model_.rejection_threshold) return none_;
  return static_cast<int32_t>(largest - probabilities.begin());
}

// The mean of what is said of both looks, as far as there is a hand at all.
Answer Predictor::answer_of(const HandCuts& cuts) const {
  std::vector<float> image(static_cast<size_t>(model_.network.input.elements()));
  const auto read = [&](const Image& look) {
    prepare(look, model_.preprocessing, image.data());
    return answer(image);
  };
  if (!cuts.found()) {
    Answer answered = read(no_cut(model_.preprocessing));
    answered.joints.clear();
    weigh(0, answered);
    return answered;
  }
  const Answer first = read(cuts.looks.front().image);
  Answer nearer = read(cuts.looks.back().image);
  Tensor logits({1, std::ssize(nearer.logits)}), out({1, std::ssize(nearer.probabilities)});
  for (size_t i = 0; i < nearer.logits.size(); ++i)
    logits[static_cast<int64_t>(i)] = nearer.logits[i] = (first.logits[i] + nearer.logits[i]) / 2;
  probabilities(logits, out.shape()[1], out, static_cast<Scalar>(model_.temperature));
  nearer.probabilities.assign(out.values().begin(), out.values().end());
  nearer.label = label_of(nearer.probabilities);
  nearer.confidence = std::ranges::max(nearer.probabilities);
  weigh(cuts.presence, nearer);
  return nearer;
}

// What is no hand shows none of the signs. Then the likeliest sign is the answer where it reaches the
// threshold, however likely `none` is. A model without a class for that only refuses what is no hand at all.
void Predictor::weigh(float presence, Answer& answer) const {
  std::vector<float>& p = answer.probabilities;
  if (none_ == refused) {
    if (presence == 0) answer.label = refused;
    return;
  }
  const auto none = static_cast<size_t>(none_);
  p[none] = 0;
  for (float& sign : p) sign *= presence;
  const auto likeliest = static_cast<size_t>(std::ranges::max_element(p) - p.begin());
  p[none] = std::max(0.F, 1 - std::accumulate(p.begin(), p.end(), 0.F));
  const double least =
      model_.rejection_threshold > 0 ? model_.rejection_threshold : static_cast<double>(p[none]);
  answer.label = static_cast<double>(p[likeliest]) < least ? none_ : static_cast<int32_t>(likeliest);
  answer.confidence = answer.label == none_ ? std::ranges::max(p) : p[likeliest];
}

Answer Predictor::answer(const Image& picture, Image* seen) const {
  check_reads_pictures(model_);
  if (!cutter_) {
    std::vector<float> image(static_cast<size_t>(model_.network.input.elements()));
    prepare(picture, model_.preprocessing, image.data());
    return answer(image);
  }
  const HandCuts cuts = cutter_->cut_out(picture);
  Answer found = answer_of(cuts);
  if (seen) *seen = cuts.found() ? cuts.looks.back().image : no_cut(model_.preprocessing);
  if (!cuts.found()) return found;
  const auto& [image, hand] = cuts.looks.back();
  const auto side = static_cast<float>(image.width);
  for (Joint& joint : found.joints) {
    const Point at = from_cut({joint.x * side, joint.y * side}, hand.view, image.width);
    joint = {at.x / static_cast<float>(picture.width), at.y / static_cast<float>(picture.height)};
  }
  drop_if_no_numbers(found.joints);
  found.box = box_around(hand.box, picture);
  return found;
}

std::vector<Answer> Predictor::answer(const Pixels& pictures) const {
  check_reads_pictures(model_);
  std::vector<Answer> answers;
  if (cutter_) {
    for (int64_t i = 0; i < pictures.count(); ++i) answers.push_back(answer(image_of(pictures, i)));
    return answers;
  }
  const Pixels fitted = fit_to(pictures, model_.preprocessing);
  std::vector<float> image(static_cast<size_t>(model_.network.input.elements()));
  for (int64_t i = 0; i < fitted.count(); ++i) {
    fitted.read(i, image.data());
    answers.push_back(answer(image));
  }
  return answers;
}

Answer Predictor::answer(std::span<const float> image) const {
  const Shape& input = model_.network.input;
  if (static_cast<int64_t>(image.size()) != input.elements()) {
    throw Error(std::to_string(image.size()) + " values are not an image of shape " + input.text(), "predict",
                "Bring the picture to the model's size, or give it as it is");
  }
  const auto place = lend(1);
  Tensor &x = place->x, &logits = place->logits, &out = place->probabilities;
  if (x.size() == 0) {
    x = Tensor(input);
    out = Tensor({1, static_cast<int64_t>(model_.classes.size())});
  }
  std::ranges::copy(image, x.data());
  ThreadTeam team(1);
  const Tensor& given = infer(*place, x, team, logits, out);
  Answer found;
  found.probabilities.assign(out.values().begin(), out.values().end());
  found.logits.assign(logits.values().begin(), logits.values().end());
  found.label = label_of(found.probabilities);
  found.confidence = *std::ranges::max_element(found.probabilities);
  if (gives_joints(model_.network)) found.joints = joints_of(given.values().last(size_t{2} * hand_joints));
  drop_if_no_numbers(found.joints);
  return found;
}

void Predictor::answer(const Tensor& x, ThreadTeam& team, Tensor& logits, Tensor& probabilities) const {
  const int64_t images = x.shape()[0], classes = static_cast<int64_t>(model_.classes.size());
  if (with_batch(x.shape(), 1) != model_.network.input || images < 1 || images > answered_together) {
    throw Error("images " + x.shape().text() + " are not 1 to " + std::to_string(answered_together) +
                    " of the model's input " + model_.network.input.text(),
                "predict", "Bring them to the model's size, and ask for a few at a time");
  }
  if (probabilities.shape() != Shape{images, classes}) probabilities = Tensor({images, classes});
  const auto place = lend(images);
  infer(*place, x, team, logits, probabilities);
}

void Predictor::answer(const Pixels& images, ThreadTeam& team, std::span<float> logits,
                       std::span<float> probabilities, const Progress& progress) const {
  const Shape& input = model_.network.input;
  if (with_batch(images.shape(), 1) != input) {
    throw Error("images of shape " + with_batch(images.shape(), 1).text() + " do not fit a network for " +
                    input.text(),
                "predict", "Bring them to the model's size");
  }
  const int64_t count = images.count(), together = count == 1 ? 1 : answered_together;
  const auto classes = static_cast<int64_t>(model_.classes.size());
  const auto place = lend(count);
  if (place->x.size() == 0) place->x = Tensor(with_batch(input, together));
  if (place->probabilities.size() == 0) place->probabilities = Tensor({together, classes});
  for (int64_t begin = 0; begin < count; begin += together) {
    const int64_t end = std::min(count, begin + together);
    place->x.reshape(with_batch(input, end - begin));
    for (int64_t i = begin; i < end; ++i) images.read(i, place->x.data() + (i - begin) * input.elements());
    infer(*place, place->x, team, place->logits, place->probabilities);
    const auto put = [&](const Tensor& from, int64_t each, std::span<float> to) {
      if (!to.empty()) std::copy_n(from.data(), (end - begin) * each, to.data() + begin * each);
    };
    put(place->logits, outputs_for(classes), logits);
    put(place->probabilities, classes, probabilities);
    progress(end, count);
  }
}

const Tensor& Predictor::infer(Place& place, const Tensor& x, ThreadTeam& team, Tensor& logits,
                               Tensor& probabilities) const {
  if (model_.is_mirrored) {
    mirror(x, place.mirrored);
    class_logits(model_.network, place.plan.infer(model_.network, place.mirrored, Context{team}),
                 place.mirrored_logits);
  }
  const Tensor& given = place.plan.infer(model_.network, x, Context{team});
  class_logits(model_.network, given, logits);
  if (model_.is_mirrored) {
    for (int64_t i = 0; i < logits.size(); ++i) logits[i] = (logits[i] + place.mirrored_logits[i]) / 2;
  }
  mudra::probabilities(logits, static_cast<int64_t>(model_.classes.size()), probabilities,
                       static_cast<Scalar>(model_.temperature));
  return given;
}

Answers Predictor::answers(const Dataset& data, std::span<const Row> rows, ThreadTeam& team) const {
  const Shape shape = with_batch(data.pixels.shape(), 1);
  if (shape != model_.network.input) {
    throw Error(
        "images of shape " + shape.text() + " do not fit a network for " + model_.network.input.text(),
        data.source, "Bring them to the model's size");
  }
  Answers found;
  found.classes = static_cast<int64_t>(model_.classes.size());
  found.labels.reserve(rows.size());
  found.probabilities.reserve(rows.size() * model_.classes.size());
  Batches batches(data, rows, answered_together);
  const int64_t together = std::clamp<int64_t>(batches.images(), 1, answered_together);
  Place place{Plan(model_.network, together, Mode::infer), {}, {}, Tensor({together, found.classes}), {}, {}};
  const Tensor& out = place.probabilities;
  for (int64_t b = 0; b < batches.count(); ++b) {
    infer(place, batches.batch(b), team, place.logits, place.probabilities);
    for (int64_t i = 0; i < batches.size(b); ++i) {
      const Scalar* row = out.data() + i * found.classes;
      found.probabilities.insert(found.probabilities.end(), row, row + found.classes);
      found.labels.push_back(
          label_of(std::span(found.probabilities).last(static_cast<size_t>(found.classes))));
    }
  }
  return found;
}

}  // namespace mudra
