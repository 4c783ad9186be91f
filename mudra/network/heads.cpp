#include "mudra/network/heads.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "mudra/core/did_you_mean.h"
#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/core/option.h"
#include "mudra/network/network.h"

namespace mudra {
namespace {

constexpr std::string_view usage = "heads(KIND CHANNELS [weight 1], ...)";
constexpr double most_weight = 1e6;

// "distance 6 weight 0.5"
Head parse_head(const std::string& text, const SourceSpan& span) {
  Words words(text, usage, span);
  const std::string kind = words.take("the kind of a head");
  const auto found = value_named<HeadKind>(kind);
  if (!found) words.fail("no head is called '" + kind + "'", did_you_mean(kind, names_of<HeadKind>()));
  Head head{*found, words.take_count("the number of channels"), 1};
  if (head.channels > most_head_channels) {
    words.fail("a head has at most " + std::to_string(most_head_channels) + " channels",
               "Divide them among several heads");
  }
  if (head.kind == HeadKind::classes && head.channels < 2)
    words.fail("one class is nothing to tell apart", "Write `presence 1` for what is there or not");
  if (words.accept("weight")) {
    const std::string word = words.take("the weight");
    const auto weight = parse_number<double>(word);
    if (!weight || !(*weight > 0 && *weight <= most_weight))
      words.fail("'" + word + "' is no weight", "Give a number above 0 and up to 1000000");
    head.weight = *weight;
  }
  words.finish();
  return head;
}

}  // namespace

int64_t channels_of(std::span<const Head> heads) {
  return std::accumulate(heads.begin(), heads.end(), int64_t{0},
                         [](int64_t sum, const Head& head) { return sum + head.channels; });
}

int64_t target_values_of(std::span<const Head> heads) {
  return std::accumulate(heads.begin(), heads.end(), int64_t{0},
                         [](int64_t sum, const Head& head) { return sum + head.target_values(); });
}

bool is_heads(std::string_view item) { return item.starts_with("heads") && item.ends_with(")"); }

std::vector<Head> parse_heads(const std::string& item, const SourceSpan& span) {
  std::vector<Head> heads;
  const size_t end = item.size() - 1;  // where the bracket closes
  for (size_t begin = item.find('(') + 1; begin <= end;) {
    const size_t comma = std::min(item.find(',', begin), end);
    const size_t first = std::min(item.find_first_not_of(" \t\n", begin), comma);
    SourceSpan place = span;
    if (span.is_literal) place.at += first, place.length = comma - first;
    const std::string text = item.substr(first, comma - first);
    if (heads.size() == most_heads) {
      Words(text, usage, place)
          .refuse("there are more than " + std::to_string(most_heads) + " heads", "Join those of one kind");
    }
    heads.push_back(parse_head(text, place));
    begin = comma + 1;
  }
  return heads;
}

std::string heads_text(std::span<const Head> heads) {
  std::string text;
  for (const Head& head : heads) {
    text += (text.empty() ? "" : ", ") + std::string(name_of(head.kind)) + " " +
            std::to_string(head.channels) + (head.weight == 1 ? "" : " weight " + text_of(head.weight));
  }
  return "heads(" + text + ")";
}

int64_t places_of(const Network& network) {
  return network.heads.empty() ? 1 : network.outputs() / channels_of(network.heads);
}

bool is_classifier(const Network& network, int64_t classes) {
  if (network.heads.empty()) return network.outputs() == outputs_for(classes);
  const Head& first = network.heads[0];
  return first.kind == HeadKind::classes && first.channels == classes && places_of(network) == 1;
}

void check_classifier(const Network& network, int64_t classes, const std::string& where) {
  if (is_classifier(network, classes)) return;
  const std::string wanted = "heads(classes " + std::to_string(classes) + ", ...)";
  if (network.heads.empty()) {
    throw Error("gives " + std::to_string(network.outputs()) + " values, not those of " +
                    std::to_string(classes) + " classes",
                where);
  }
  throw Error("a network that ends in `" + heads_text(network.heads) + "` at " +
                  std::to_string(places_of(network)) + " places does not tell " + std::to_string(classes) +
                  " classes of images apart",
              where, "End it with `" + wanted + "` behind a vector, such as `global-pool, " + wanted + "`");
}

void class_logits(const Network& network, const Tensor& outputs, Tensor& logits) {
  if (network.heads.empty()) {
    logits = outputs;
    return;
  }
  const int64_t images = outputs.shape()[0], all = channels_of(network.heads);
  const int64_t classes = network.heads[0].channels, kept = outputs_for(classes);
  if (logits.shape() != Shape{images, kept}) logits = Tensor({images, kept});
  for (int64_t i = 0; i < images; ++i) {
    const Scalar* z = outputs.data() + i * all;
    if (classes == 2) {
      logits[i] = z[1] - z[0];
    } else {
      std::copy_n(z, kept, logits.data() + i * kept);
    }
  }
}

std::string problem_of_targets(std::span<const Head> heads, std::span<const Scalar> targets) {
  constexpr double largest = 1e30;  // its loss is still a float
  const auto is_within = [](Scalar value, double low, double high) {
    return static_cast<double>(value) >= low && static_cast<double>(value) <= high;
  };
  for (auto place = targets.begin(); place != targets.end();) {
    for (const Head& head : heads) {
      const auto problem = [&](Scalar value, const char* is_no) {
        return "has a target " + text_of(static_cast<double>(value)) + " of `" +
               heads_text(std::span(&head, 1)) + "` that is no " + is_no;
      };
      if (!is_within(*place, 0, largest)) return problem(*place, "weight");
      for (int64_t i = 1; i < head.target_values() && *place > 0; ++i) {
        const Scalar value = place[i];
        if (head.kind == HeadKind::classes) {
          if (!is_within(value, 0, static_cast<double>(head.channels - 1)) || value != std::floor(value))
            return problem(value, "number of a class");
        } else if (head.kind == HeadKind::presence) {
          if (!is_within(value, 0, 1)) return problem(value, "number from 0 to 1");
        } else if (!is_within(value, -largest, largest)) {
          return problem(value, "distance");
        }
      }
      place += head.target_values();
    }
  }
  return {};
}

}  // namespace mudra
