// The hidden units: the weights of each as a picture, all on one canvas, and the chosen one enlarged.
import { button, el, setText } from "../dom";
import { lookAt, live, looks, newest, watchLive, weights, weightsBefore } from "./live";
import { digits, roundUp } from "./numbers";
import { isSeen, whenSeen } from "./screen";
import { diverging, fitting, legend, tiles } from "./tiles";
import { placeOf, shapeOf, side } from "./trace";

let is_of_changes = false, shown: Float32Array | null = null;
const unitText = (unit: number) => `unit ${unit + 1} of ${live.session ? shapeOf(live.session)?.hidden ?? 0 : 0}`;
const grid = tiles({ name: "Hidden units: choose one", columns: (width, count) => fitting(width < 520 ? 30 : 46)(width, count), onChoose: (unit) => lookAt({ unit }), text: unitText });
const enlarged = tiles({ name: "Weights of the chosen unit: choose a pixel", columns: () => side()[1], gap: 0, onChoose: (pixel) => lookAt({ pixel }), text: pixelText });
const moved = tiles({ name: "Last change of these weights: choose a pixel", columns: () => side()[1], gap: 0, onChoose: (pixel) => lookAt({ pixel }), text: pixelText });
enlarged.element.dataset.origin = "w1";
const grid_legend = legend(), enlarged_legend = legend(), moved_legend = legend();
const title = el("h3"), since = el("p.note"), moved_title = el("figcaption");

function pixelText(pixel: number): string {
  const shape = live.session && shapeOf(live.session);
  return shape && shown ? `${placeOf(pixel)}: ${digits(shown[shape.w1 + live.look.unit * shape.pixels + pixel], 3)}` : placeOf(pixel);
}

function largest(values: Float32Array, from: number, to: number): number {
  let most = 0;
  for (let at = from; at < to; ++at) {
    const size = Math.abs(values[at]!);
    if (size > most && size < Infinity) most = size;
  }
  return most;
}

async function draw(): Promise<void> {
  const shape = shapeOf(live.session!);
  if (!shape) return;
  const now = await weights(), before = weightsBefore(), { unit } = live.look, { step } = live.state!;
  shown = now;
  const [high, wide] = side(), n = shape.pixels, from = shape.w1, begin = from + unit * n;
  const changes = before ? now.map((w, at) => w - before.weights[at]!) : null, all = is_of_changes ? changes : now;
  const scale = all ? roundUp(largest(all, from, from + n * shape.hidden)) : 1, tint = diverging(scale);
  grid.draw(shape.hidden, high, wide, all ? (tile, at) => tint(all[from + tile * n + at]!) : () => tint(0));
  grid.choose(unit);
  grid_legend.set(scale, (value) => digits(value, 1));
  const own_scale = roundUp(largest(now, begin, begin + n)), own = diverging(own_scale);
  enlarged.draw(n, 1, 1, (tile) => own(now[begin + tile]!));
  enlarged_legend.set(own_scale, (value) => digits(value, 1));
  const step_scale = changes ? roundUp(largest(changes, begin, begin + n)) : 1, of_step = diverging(step_scale);
  moved.draw(n, 1, 1, changes ? (tile) => of_step(changes[begin + tile]!) : () => of_step(0));
  moved_legend.set(step_scale, (value) => digits(value, 1));
  for (const each of [enlarged, moved]) each.choose(live.look.pixel);
  setText(title, `Unit ${unit + 1}`);
  const steps = before ? step - before.step : 0;
  setText(moved_title, !before ? "Its last change: no step yet" : steps === 1 ? "Its last change" : `Its change in ${steps} steps`);
  setText(since, is_of_changes ? (before ? `What changed from step ${before.step} to step ${step}.` : "Nothing has changed yet: take a step.")
    : `Each picture shows the ${n} weights of one unit where their pixels are.`);
  grid.tell(`${shape.hidden} units. ${is_of_changes ? "Their changes" : "Their weights"} lie between ${digits(-scale, 2)} and ${digits(scale, 2)}.`);
  enlarged.tell(`Weights of unit ${unit + 1}: the largest has the size ${digits(largest(now, begin, begin + n), 3)}.`);
  moved.tell(changes ? `The largest change of unit ${unit + 1} has the size ${digits(largest(changes, begin, begin + n), 3)}.` : "No step yet.");
}

const choice = (value: boolean, text: string) => {
  const box = el("input", { type: "radio", name: "units-show", onchange: () => { is_of_changes = value; redraw(); } });
  box.checked = value === is_of_changes;
  return el("label.choice-label", {}, box, text);
};

const move = (by: number) => {
  const n = (live.session && shapeOf(live.session)?.hidden) || 1;
  lookAt({ unit: (live.look.unit + by + n) % n });
};
// The way to another unit, where not all of them are shown.
const unit_name = el("span.unit-name");
export const unit_picker = el("span.row.picker", {}, unit_name, button("‹", () => move(-1), "button small", { "aria-label": "The unit before" }), button("›", () => move(1), "button small", { "aria-label": "The next unit" }));
const nameUnit = () => setText(unit_name, live.session ? unitText(live.look.unit).replace("unit", "Unit") : "");
watchLive(["look", "session"], nameUnit);

// The chosen unit alone, and all of them.
export const unit_zoom = el("div.unit-zoom", {}, title, el("div.pair", {},
  el("figure", {}, enlarged.element, enlarged_legend.element, el("figcaption", {}, "Its weights")),
  el("figure", {}, moved.element, moved_legend.element, moved_title)));
export const units = el("section.card.units", { "aria-labelledby": "units-title" },
  el("header.card-head", {}, el("h2", { id: "units-title" }, "Hidden units"),
    el("span.row", { role: "radiogroup", "aria-label": "What the pictures show" }, choice(false, "Weights"), choice(true, "Last changes"))),
  el("figure", {}, grid.element, grid_legend.element, since));

const redraw = whenSeen(units, newest(draw)), redrawZoom = whenSeen(unit_zoom, newest(draw));
looks.at_changes = () => units.isConnected || unit_zoom.isConnected;
watchLive(["state", "look"], () => { if (isSeen(units)) redraw(); else redrawZoom(); });
