// The figures of single steps of the path: products of pixels and weights, the activation, the loss.
import { el } from "../dom";
import { example, live, lookAt, newest, pictures, values, watchLive, weights } from "./live";
import { digits, roundUp } from "./numbers";
import { nameOf } from "./picture";
import { describe, whenSeen } from "./screen";
import { diverging, legend, tiles } from "./tiles";
import { bend, leak, placeOf, shapeOf, side } from "./trace";

// ---- pixels times weights

let parts: Float32Array | null = null;
const product_tiles = tiles({ name: "Products of pixels and weights: choose a pixel", columns: () => side()[1], gap: 0, onChoose: (pixel) => lookAt({ pixel }), text: (pixel) => `${placeOf(pixel)}: ${digits(parts?.[pixel], 3)}` });
const product_legend = legend(), product_words = el("p.note");
async function drawProducts(): Promise<void> {
  const shape = shapeOf(live.session!);
  if (!shape) return;
  const [images, all] = await Promise.all([pictures(), weights()]), { row, unit, pixel } = live.look, n = shape.pixels;
  const made = new Float32Array(n);
  let up = 0, down = 0;
  for (let at = 0; at < n; ++at) {
    made[at] = (images[row * n + at]! / 255) * all[shape.w1 + unit * n + at]!;
    if (made[at]! > 0) up += made[at]!; else down += made[at]!;
  }
  parts = made;
  const scale = roundUp(made.reduce((most, each) => Math.max(most, Math.abs(each)), 0)), tint = diverging(scale);
  product_tiles.draw(n, 1, 1, (at) => tint(made[at]!));
  product_tiles.choose(pixel);
  product_legend.set(scale, (value) => digits(value, 1));
  describe(product_words, `All products above zero add up to ${digits(up, 3)}, those below to ${digits(down, 3)}.`);
}
export const products = el("figure.products", {}, product_tiles.element, product_legend.element, el("figcaption", {}, "Pixel times weight"), product_words);

// ---- curves of one variable, with points on them

const SVG = "http://www.w3.org/2000/svg";
function svg(kind: string, attributes: Record<string, string | number>, ...content: (Node | string)[]): SVGElement {
  const element = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...content);
  return element;
}
const wide = 400, high = 250, edge = { left: 40, right: 14, top: 28, bottom: 40 };
interface Range { x: [number, number]; y: [number, number] }
function frame(range: Range, x_ticks: number[], y_ticks: number[], x_name: string, y_name: string) {
  const x = (value: number) => edge.left + ((value - range.x[0]) / (range.x[1] - range.x[0])) * (wide - edge.left - edge.right);
  const y = (value: number) => high - edge.bottom - ((value - range.y[0]) / (range.y[1] - range.y[0])) * (high - edge.top - edge.bottom);
  const at = (value: number, [low, top]: [number, number]) => Math.max(low, Math.min(top, value));
  const grid = svg("g", { class: "plot-grid" },
    ...x_ticks.flatMap((tick) => [svg("line", { x1: x(tick), x2: x(tick), y1: y(range.y[0]), y2: y(range.y[1]) }), svg("text", { x: x(tick), y: high - edge.bottom + 16, "text-anchor": "middle" }, digits(tick, 2).replace(/\.0$/, ""))]),
    ...y_ticks.flatMap((tick) => [svg("line", { x1: x(range.x[0]), x2: x(range.x[1]), y1: y(tick), y2: y(tick) }), svg("text", { x: edge.left - 6, y: y(tick) + 4, "text-anchor": "end" }, String(tick))]),
    svg("text", { x: wide - edge.right, y: high - 4, "text-anchor": "end", class: "plot-name" }, x_name), svg("text", { x: edge.left, y: 14, class: "plot-name" }, y_name));
  const curve = (f: (value: number) => number, name = "plot-line") => {
    const points = Array.from({ length: 161 }, (_, step) => range.x[0] + ((range.x[1] - range.x[0]) * step) / 160);
    return svg("path", { class: name, d: points.map((each, step) => `${step === 0 ? "M" : "L"}${x(each).toFixed(1)} ${y(at(f(each), range.y)).toFixed(1)}`).join("") });
  };
  const dot = (px: number, py: number, name: string, radius: number) => svg("circle", { class: name, cx: x(at(px, range.x)), cy: y(at(py, range.y)), r: radius });
  return { grid, curve, dot };
}

const activation_plot = el("div.plot-box", { role: "img" }), activation_words = el("figcaption.note");
export const activation_figure = el("figure.function", {}, activation_plot, activation_words);
const bendings = { sigmoid: (z: number) => 1 / (1 + Math.exp(-z)), tanh: Math.tanh, relu: (z: number) => Math.max(0, z), "leaky-relu": (z: number) => Math.max(leak * z, z), none: (z: number) => z };
async function drawActivation(): Promise<void> {
  const shape = shapeOf(live.session!);
  if (!shape) return;
  const { row, unit } = live.look, [z, a] = await Promise.all([values(row, shape.layers.sum), values(row, shape.layers.active)]);
  const f = bendings[shape.activation], low = { sigmoid: 0, tanh: -1, relu: 0, "leaky-relu": -1, none: -8 }[shape.activation], top = ["sigmoid", "tanh"].includes(shape.activation) ? 1 : 8;
  const plot = frame({ x: [-8, 8], y: [low, top] }, [-8, -4, 0, 4, 8], top > 1 ? (low < -1 ? [-8, -4, 0, 4, 8] : [0, 4, 8]) : low < 0 ? [-1, 0, 1] : [0, 0.5, 1], "sum z", "activation a");
  const picture = svg("svg", { viewBox: `0 0 ${wide} ${high}`, "aria-hidden": "true" }, plot.grid, plot.curve(f),
    ...[...z].map((each, at) => plot.dot(each, a[at]!, "plot-dot", 3)), plot.dot(z[unit]!, a[unit]!, "plot-chosen", 7));
  activation_plot.replaceChildren(picture);
  const flat = [...a].filter((each, at) => Math.abs(bend(shape.activation, each, z[at]!)) <= 0.01).length;
  const text = `Unit ${unit + 1} has the sum ${digits(z[unit])} and the activation ${digits(a[unit])}. Small dots are the other units; ${flat} of ${shape.hidden} stand where the curve is flat.`;
  describe(activation_plot, text, "aria-label");
  describe(activation_words, text);
}

const loss_plot = el("div.plot-box", { role: "img" }), loss_words = el("figcaption.note");
export const loss_figure = el("figure.function", {}, loss_plot, loss_words);
async function drawLoss(): Promise<void> {
  const told = await example(live.look.row), own = told.probabilities[told.label] ?? NaN;
  const plot = frame({ x: [0, 1], y: [0, 5] }, [0, 0.25, 0.5, 0.75, 1], [0, 1, 2, 3, 4, 5], "probability of the picture’s own sign", "loss");
  loss_plot.replaceChildren(svg("svg", { viewBox: `0 0 ${wide} ${high}`, "aria-hidden": "true" }, plot.grid, plot.curve((p) => -Math.log(p)), ...(Number.isNaN(own) ? [] : [plot.dot(own, told.loss ?? 5, "plot-chosen", 7)])));
  const text = `The picture shows ${nameOf(told.label)}; the network gives it the probability ${digits(own)}. The loss is ${digits(told.loss)}; a coin’s guess costs ${digits(Math.LN2, 3)}.`;
  describe(loss_plot, text, "aria-label");
  describe(loss_words, text);
}

for (const [element, work] of [[products, drawProducts], [activation_figure, drawActivation], [loss_figure, drawLoss]] as const) {
  const redraw = whenSeen(element, newest(work, 60));
  watchLive(["state", "look", "session"], redraw);
}
