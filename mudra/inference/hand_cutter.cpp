#include "mudra/inference/hand_cutter.h"

#include <algorithm>

#include "mudra/core/error.h"
#include "mudra/core/thread_team.h"
#include "mudra/features/prepare.h"
#include "mudra/hands/finder.h"
#include "mudra/network/heads.h"

namespace mudra {

HandCutter::HandCutter(const Model& model)
    : finder_(model.parts.at(std::string(finder_part))), reader_(model.preprocessing) {
  const std::vector<Head> heads = {{HeadKind::presence, 1, 1}, {HeadKind::distance, finder_distances, 1}};
  const auto& found = finder_.network.heads;
  const bool is_finder = std::ranges::equal(found, heads, [](const Head& a, const Head& b) {
    return a.kind == b.kind && a.channels == b.channels;
  });
  const Preprocessing& p = finder_.preprocessing;
  if (!is_finder || p.height != p.width || p.fit != Fit::keep_aspect) {
    throw Error("has a finder whose network is none", "model",
                "It takes square pictures and ends in heads(presence 1, distance 9)");
  }
}

HandCut HandCutter::cut_out(const Image& picture) const {
  const auto place =
      places_.lend([](const Place&) { return true; },
                   [&] {
                     return std::make_unique<Place>(
                         Place{Plan(finder_.network, 1, Mode::infer), Tensor(finder_.network.input)});
                   });
  prepare(picture, finder_.preprocessing, place->x.data());
  ThreadTeam team(1);
  const Tensor& map = place->plan.infer(finder_.network, place->x, Context{team});
  const int side = finder_.preprocessing.height;
  const FoundHand found = found_hand(map.data(), side, static_cast<int>(map.shape()[1]));
  HandCut result;
  if (found.presence < least_presence) {
    result.image = {reader_.height, reader_.width, reader_.channels, {}};
    result.image.bytes.assign(static_cast<size_t>(reader_.height) * reader_.width * reader_.channels, 128);
    return result;
  }
  result.hand = in_picture(found, side, picture.height, picture.width);
  result.image = fit(cut(picture, result.hand->view, reader_.height), reader_);
  return result;
}

}  // namespace mudra
