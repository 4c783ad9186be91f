// What a network answers beside, or instead of, one class for an image: its last layer's channels are groups,
// heads, each with a loss of its own. A layer that gives an image [H', W', C] answers at every place of it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/core/named.h"
#include "mudra/core/tensor.h"
#include "mudra/layers/words.h"

namespace mudra {

enum class HeadKind {
  classes,   // a logit for every class; softmax cross entropy
  presence,  // a logit for each of some things that are there or not; binary cross entropy, targets 0..1
  distance,  // numbers as they are; Huber's distance
};
template <>
struct Named<HeadKind> {
  static constexpr std::pair<HeadKind, std::string_view> values[] = {
      {HeadKind::classes, "classes"}, {HeadKind::presence, "presence"}, {HeadKind::distance, "distance"}};
};

struct Head {
  HeadKind kind = HeadKind::classes;
  int64_t channels = 1;  // 1 to most_head_channels; of classes, 2 or more
  double weight = 1;     // of its loss among those of the others, above 0

  // Of one place in the targets: what the place counts, then one class or a value for every channel.
  int64_t target_values() const { return 1 + (kind == HeadKind::classes ? 1 : channels); }
  bool operator==(const Head&) const = default;
};
inline constexpr size_t most_heads = 8;
inline constexpr int64_t most_head_channels = 1024;

int64_t channels_of(std::span<const Head> heads);       // the last layer's
int64_t target_values_of(std::span<const Head> heads);  // T, of one place

// The line's last item, "heads(presence 1, distance 6 weight 0.5)", and back. Throws LineError.
bool is_heads(std::string_view item);
std::vector<Head> parse_heads(const std::string& item, const SourceSpan& span);
std::string heads_text(std::span<const Head> heads);

struct Network;

// Places at which the network answers: 1 without heads, or where they follow a vector.
int64_t places_of(const Network& network);

// Whether the network tells so many classes apart: it has no heads, or a single place and `classes` first.
bool is_classifier(const Network& network, int64_t classes);
// Throws Error, whose place is `where`, when it does not.
void check_classifier(const Network& network, int64_t classes, const std::string& where);
// From what a classifier gave for N images to logits [N, 1 or classes] as one without heads has them: those
// of its first head; of two, z = z1 - z0, since softmax of two is the sigmoid of their difference.
void class_logits(const Network& network, const Tensor& outputs, Tensor& logits);

// What is wrong with targets [..., T], or nothing: a weight that is negative or no number or, where it is
// above 0, a class that is none of the head's, a presence outside 0..1 or a distance that is no number.
std::string problem_of_targets(std::span<const Head> heads, std::span<const Scalar> targets);

}  // namespace mudra
