// A weight changed by hand: what it does to the loss, and its derivative beside a difference quotient.
import { button, el, setText } from "../dom";
import { live, newest, rewindTo, setWeight, slope, watchLive } from "./live";
import { digits, read } from "./numbers";
import { describe, whenSeen } from "./screen";
import { placeOf, shapeOf } from "./trace";

type Which = "w1" | "b1" | "w2" | "b2";
let which: Which = "w1";
// What the loss was before the changes of this weight began.
interface Before { key: string; value: number; loss: number; derivative: number }
let before: Before | null = null;

const choose = el("select", { "aria-label": "Which weight", onchange: () => { which = choose.value as Which; before = null; redraw(); } },
  ...([["w1", "from the chosen pixel to the chosen unit"], ["b1", "the chosen unit’s bias"], ["w2", "from the chosen unit to the output"], ["b2", "the output’s bias"]] as const).map(([value, text]) => el("option", { value }, text)));
const slider = el("input", { type: "range", min: -5, max: 5, step: "any", "aria-label": "Weight, as a slider", oninput: () => void put(Number(slider.value)) });
const field = el("input.number", { type: "text", inputmode: "decimal", autocomplete: "off", "aria-label": "Weight", onchange: () => {
  const value = read(field.value);
  if (Number.isFinite(value)) void put(value);
  else redraw();
} });
const undo = button("Undo the change", () => { before = null; void rewindTo(live.state!.step); }, "button small");
const row = (name: string, key: string) => {
  const value = el("td", { "data-value-of": key });
  return { line: el("tr", {}, el("th", { scope: "row" }, name), value), value };
};
const rows = {
  loss: row("Loss of this picture, L(w)", "loss"), derivative: row("Derivative ∂L/∂w, by backpropagation", "derivative"), above: row("L(w + h)", "above"), below: row("L(w − h)", "below"),
  quotient: row("(L(w + h) − L(w − h)) / 2h", "difference"), apart: row("The two lie apart by", "apart"), error: row("They may lie apart by (curvature, rounding)", "error"),
};
const verdict = el("p.verdict"), moved = el("p"), title = el("p.note");

function target(): { name: string; index: number } | null {
  const shape = live.session && shapeOf(live.session);
  if (!shape) return null;
  const [w1, b1, w2, b2] = live.session!.weights.map(({ name }) => name) as [string, string, string, string];
  return { w1: { name: w1, index: live.look.unit * shape.pixels + live.look.pixel }, b1: { name: b1, index: live.look.unit }, w2: { name: w2, index: live.look.unit }, b2: { name: b2, index: 0 } }[which];
}

async function put(value: number): Promise<void> {
  const at = target();
  if (!at || live.state!.problem !== null) return;
  const key = keyOf(at);
  if (before?.key !== key) {
    const told = await slope(live.look.row, at.name, at.index);
    before = { key, value: told.value, loss: told.loss, derivative: told.derivative };
  }
  await setWeight(at.name, at.index, value);
}
const keyOf = (at: { name: string; index: number }) => `${live.session!.id} ${live.state!.step} ${live.look.row} ${at.name} ${at.index}`;

function set(element: HTMLElement, value: number, precision: number): void {
  setText(element, digits(value, precision));
  element.dataset.value = String(value);
}

async function draw(): Promise<void> {
  const at = target();
  if (!at) return;
  const told = await slope(live.look.row, at.name, at.index);
  if (document.activeElement !== field || read(field.value) !== Number(digits(told.value, 6).replace("−", "-"))) field.value = digits(told.value, 6);
  const reach = Math.max(5, Math.ceil(Math.abs(told.value) * 1.2));
  slider.min = String(-reach);
  slider.max = String(reach);
  if (document.activeElement !== slider) slider.value = String(told.value);
  slider.setAttribute("aria-valuetext", digits(told.value, 4));
  set(rows.loss.value, told.loss, 8);
  set(rows.derivative.value, told.derivative, 6);
  set(rows.above.value, told.loss_above, 8);
  set(rows.below.value, told.loss_below, 8);
  set(rows.quotient.value, told.difference, 6);
  const apart = Math.abs(told.derivative - told.difference);
  set(rows.apart.value, apart, 2);
  set(rows.error.value, told.error, 2);
  rows.above.line.title = rows.below.line.title = `h = ${told.h}`;
  describe(verdict, Number.isNaN(apart) ? "There is no number any more to compare." : apart <= told.error ? `They agree, with h = ${digits(told.h, 2)}: the derivative is right.` : `They do not agree, with h = ${digits(told.h, 2)}.`);
  const names = { w1: `The weight from ${placeOf(live.look.pixel)} to unit ${live.look.unit + 1}`, b1: `The bias of unit ${live.look.unit + 1}`, w2: `The weight from unit ${live.look.unit + 1} to the output`, b2: "The output’s bias" };
  setText(title, `${names[which]}.`);
  if (before?.key !== keyOf(at)) before = null;
  undo.hidden = before === null;
  if (!before) {
    setText(moved, "Move it, and see what the loss of this picture does.");
    return;
  }
  const by = told.value - before.value;
  describe(moved, `The weight moved by ${digits(by)}, the loss by ${digits(told.loss - before.loss)}. The derivative foretold ${digits(before.derivative)} · ${digits(by)} = ${digits(before.derivative * by)}; the rest is the curve between.`);
  moved.dataset.loss = String(told.loss - before.loss);
}

export const by_hand = el("section.card.by-hand", { "aria-labelledby": "by-hand-title" },
  el("header.card-head", {}, el("h2", { id: "by-hand-title" }, "Change a weight by hand"), undo),
  title, el("div.row", {}, choose), el("div.slide", {}, slider, field), moved, el("table.slopes", {}, el("tbody", {}, ...Object.values(rows).map(({ line }) => line))), verdict);
const redraw = whenSeen(by_hand, newest(draw, 150));
watchLive(["state", "look", "session"], redraw);
