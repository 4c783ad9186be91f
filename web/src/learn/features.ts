// A network of convolutions: the filters of its first layer, and what a layer makes of the picture that is looked at.
import { el, fill, setText } from "../dom";
import { example, live, lookAt, newest, values, watchLive, weights } from "./live";
import { digits, roundUp, share } from "./numbers";
import { nameOf } from "./picture";
import { describe, whenSeen } from "./screen";
import { diverging, fitting, legend, tiles } from "./tiles";

let chosen_filter = 0, chosen_map = 0;
const filters = tiles({ name: "Filters of the first layer: choose one", columns: fitting(64), onChoose: (at) => { chosen_filter = at; redraw(); }, text: (at) => `filter ${at + 1}` });
const maps = tiles({ name: "Feature maps: choose one", columns: fitting(92), onChoose: (at) => { chosen_map = at; redrawMaps(); }, text: (at) => `map ${at + 1}` });
const filter_legend = legend(), map_legend = legend(), filter_words = el("p.note"), map_words = el("p.note");
const layer = el("select", { "aria-label": "Layer", onchange: () => lookAt({ layer: Number(layer.value) }) });
const bars = el("ul.bars");

const withMaps = () => live.session!.layers.flatMap(({ text, shape }, at) => (shape?.length === 3 ? [{ text, shape, at }] : []));
export const isConvolutional = (): boolean => live.session !== null && live.session.weights[0]?.shape.length === 4;

const largest = (all: Float32Array) => {
  let most = 0;
  for (const each of all) if (Math.abs(each) > most && Math.abs(each) < Infinity) most = Math.abs(each);
  return most;
};

async function draw(): Promise<void> {
  if (!isConvolutional()) return;
  const { shape, offset } = live.session!.weights[0]!, [count, depth, high, wide] = shape as [number, number, number, number], all = await weights();
  const size = depth * high * wide, own = all.subarray(offset, offset + count * size), scale = roundUp(largest(own)), tint = diverging(scale);
  // Of a filter over several channels, their mean.
  filters.draw(count, high, wide, (tile, at) => {
    let sum = 0;
    for (let channel = 0; channel < depth; ++channel) sum += own[tile * size + channel * high * wide + at]!;
    return tint(sum / depth);
  });
  filters.choose(chosen_filter = Math.min(chosen_filter, count - 1));
  filter_legend.set(scale, (value) => digits(value, 1));
  const mine = own.subarray(chosen_filter * size, (chosen_filter + 1) * size);
  describe(filter_words, `Filter ${chosen_filter + 1} of ${count}: ${high}x${wide} weights, the largest of size ${digits(largest(mine), 3)}.`);
}

async function drawMaps(): Promise<void> {
  if (!isConvolutional()) return;
  const all = withMaps(), at = all.find((each) => each.at === live.look.layer) ?? all[0]!;
  if (layer.options.length !== all.length || layer.options[0]?.text !== all[0]!.text) fill(layer, ...all.map((each) => el("option", { value: each.at }, `${each.text} (${each.shape.join("x")})`)));
  layer.value = String(at.at);
  const [high, wide, count] = at.shape as [number, number, number], [made, told] = await Promise.all([values(live.look.row, at.at), example(live.look.row)]);
  const scale = roundUp(largest(made)), tint = diverging(scale);
  maps.draw(count, high, wide, (tile, place) => tint(made[place * count + tile]!));
  maps.choose(chosen_map = Math.min(chosen_map, count - 1));
  map_legend.set(scale, (value) => digits(value, 1));
  let most = -Infinity, where = 0;
  for (let place = 0; place < high * wide; ++place) if (made[place * count + chosen_map]! > most) [most, where] = [made[place * count + chosen_map]!, place];
  describe(map_words, `Map ${chosen_map + 1} of ${count}: largest, ${digits(most, 3)}, in row ${Math.floor(where / wide) + 1}, column ${(where % wide) + 1} of ${high}x${wide}.`);
  const best = Math.max(...told.probabilities.map((p) => p ?? -1));
  if (bars.children.length !== told.probabilities.length) {
    fill(bars, ...told.probabilities.map(() => el("li", {}, el("span.bar-name"), el("span.bar-track", { "aria-hidden": "true" }, el("span.bar-fill")), el("span.bar-value"))));
  }
  told.probabilities.forEach((p, label) => {
    const line = bars.children[label]!;
    line.classList.toggle("best", p === best);
    setText(line.children[0]!, nameOf(label) + (label === told.label ? " (shown)" : ""));
    (line.children[1]!.firstElementChild as HTMLElement).style.transform = `scaleX(${p ?? 0})`;
    setText(line.children[2]!, share(p));
  });
}

export const features = el("section.card.features", { "aria-labelledby": "features-title" },
  el("header.card-head", {}, el("h2", { id: "features-title" }, "Filters and feature maps")),
  el("div.features-grid", {},
    el("figure", {}, el("h3", {}, "Filters of the first layer"), filters.element, filter_legend.element, filter_words),
    el("figure", {}, el("div.row.maps-head", {}, el("h3", {}, "What a layer makes of the picture"), layer), maps.element, map_legend.element, map_words),
    el("div", {}, el("h3", {}, "Probabilities"), bars)));
const redraw = whenSeen(filters.element, newest(draw)), redrawMaps = whenSeen(maps.element, newest(drawMaps, 60));
watchLive(["state", "session"], () => { redraw(); redrawMaps(); });
watchLive(["look"], redrawMaps);
