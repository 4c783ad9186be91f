// The forward and the backward equations of one example, with their live numbers; a symbol that is pointed at or focused shows where its number comes from.
import { el, setText } from "../dom";
import { live, newest, watchLive } from "./live";
import { alone, close, forget, frac, line, m, mi, mn, mo, number, open, type Part, row, setNumbers, sum, sup, symbol, times } from "./math";
import { digits } from "./numbers";
import { nameOf } from "./picture";
import { describe, isSeen, whenSeen } from "./screen";
import { type Activation, leak, placeOf, shapeOf, trace, type Trace } from "./trace";

const s = symbol, n = number;
const is = () => mo("="), plus = () => mo("+"), minus = () => mo("−"), log = (of: Part) => row(mi("log"), m("mspace", { width: "0.15em" }), of);
const part = (text: string) => el("p.note.part", {}, text);
const space = () => m("mspace", { width: "0.35em" });
const squash = (exponent: Part) => frac(mn("1"), row(mn("1"), plus(), sup(mi("e"), exponent)));
const of = (name: string, key: string) => row(mi(name), open(), s(key), close());

interface Equation { title: string; gives: string[]; lines: () => Node[] }
// z -> a of the hidden layer, and its derivative.
const bent: Record<Activation, () => [Part[], Part[], Part[], Part[]]> = {
  sigmoid: () => [[of("σ", "z1"), is(), squash(row(minus(), s("z1")))], [squash(alone("minus-z1"))],
    [s("a1"), open(), mn("1"), minus(), s("a1"), close()], [n("a1"), times(), n("not-a1")]],
  tanh: () => [[of("tanh", "z1")], [mi("tanh"), open(), alone("z1"), close()],
    [open(), mn("1"), minus(), sup(s("a1"), mn("2")), close()], [n("not-a1")]],
  relu: () => [[mi("max"), open(), mn("0"), mo(","), s("z1"), close()], [mi("max"), open(), mn("0"), mo(","), alone("z1"), close()],
    [open(), m("mtext", {}, "1 where"), space(), s("z1"), mo(">"), mn("0"), close()], [n("bend")]],
  "leaky-relu": () => [[mi("max"), open(), mn(String(leak)), s("z1"), mo(","), s("z1"), close()], [mi("max"), open(), mn(String(leak)), times(), n("z1"), mo(","), alone("z1"), close()],
    [open(), m("mtext", {}, "1 where"), space(), s("z1"), mo(">"), mn("0"), mo(","), space(), m("mtext", {}, `else ${leak}`), close()], [n("bend")]],
  none: () => [[s("z1")], [alone("z1")], [mn("1")], [mn("1")]],
};
// ∂a/∂b
const link = (above: Part | string, below: string) => frac(row(mo("∂"), typeof above === "string" ? s(above) : above), row(mo("∂"), s(below)));
const activation = (): Activation => (live.session && shapeOf(live.session)?.activation) || "sigmoid";

const all = {
  pixel: { title: "A pixel becomes a number", gives: ["x"], lines: () => [line(s("x"), is(), frac(s("byte"), mn("255"))), line(alone("x"), is(), frac(alone("byte"), mn("255")))] },
  sum: { title: "Weighted sum of the chosen unit", gives: ["z1"], lines: () => [line(s("z1"), is(), s("b1"), plus(), sum("i"), s("x"), s("w1")), line(alone("z1"), is(), n("b1"), plus(), n("sum1")),
    part("Of it, the chosen pixel’s part:"), line(s("x"), s("w1"), is(), n("x"), times(), n("w1"), is(), alone("product1"))] },
  active: { title: "Activation of the chosen unit", gives: ["a1"], lines: () => { const [symbols, numbers] = bent[activation()](); return [line(s("a1"), is(), ...symbols), line(alone("a1"), is(), ...numbers)]; } },
  logit: { title: "Weighted sum of the output", gives: ["z"], lines: () => [line(s("z"), is(), s("b2"), plus(), sum("o"), s("a1"), s("w2")), line(alone("z"), is(), n("b2"), plus(), n("sum2")),
    part("Of it, the chosen unit’s part:"), line(s("a1"), s("w2"), is(), n("a1"), times(), n("w2"), is(), alone("product2"))] },
  chance: { title: "Probability of the second sign", gives: ["p"], lines: () => [line(s("p"), is(), of("σ", "z"), is(), squash(row(minus(), s("z")))), line(alone("p"), is(), squash(alone("minus-z")))] },
  loss: { title: "Loss", gives: ["loss"], lines: () => [
    line(s("loss"), is(), minus(), s("t"), log(s("p")), minus(), open(), mn("1"), minus(), s("t"), close(), log(row(open(), mn("1"), minus(), s("p"), close()))),
    line(alone("loss"), is(), minus(), n("t"), times(), log(row(open(), alone("p"), close())), minus(), n("not-t"), times(), log(row(open(), alone("not-p"), close())))] },
  dz: { title: "Slope of the loss by the logit: by how much p is too high", gives: ["dz"], lines: () => [line(s("dz"), is(), s("p"), minus(), s("t")), line(alone("dz"), is(), n("p"), minus(), n("t"))] },
  dw2: { title: "… by the output’s weight", gives: ["dw2"], lines: () => [line(s("dw2"), is(), s("dz"), times(), s("a1")), line(alone("dw2"), is(), n("dz"), times(), n("a1"))] },
  da1: { title: "… by the unit’s activation", gives: ["da1"], lines: () => [line(s("da1"), is(), s("dz"), times(), s("w2")), line(alone("da1"), is(), n("dz"), times(), n("w2"))] },
  dz1: { title: "… by the unit’s sum", gives: ["dz1"], lines: () => { const [, , symbols, numbers] = bent[activation()](); return [line(s("dz1"), is(), s("da1"), times(), ...symbols), line(alone("dz1"), is(), n("da1"), times(), ...numbers)]; } },
  dw1: { title: "… by the weight from the pixel to the unit", gives: ["dw1", "db1"], lines: () => [line(s("dw1"), is(), s("dz1"), times(), s("x")), line(alone("dw1"), is(), n("dz1"), times(), n("x"))] },
  chain: { title: "All links of the chain", gives: [], lines: () => [
    line(s("dw1"), is(), s("dz"), times(), link(mi("z"), "a1"), times(), link("a1", "z1"), times(), link("z1", "w1")), line(alone("dw1"), is(), n("dz"), times(), n("w2"), times(), n("bend"), times(), n("x"))] },
  step: { title: "The step: mean over the next batch, times the learning rate", gives: ["mean", "next-w1"], lines: () => [
    line(s("w1"), mo("←"), s("w1"), minus(), s("rate"), times(), s("mean")), line(alone("next-w1"), is(), n("w1"), minus(), n("rate"), times(), n("mean"))] },
} satisfies Record<string, Equation>;
export type EquationName = keyof typeof all;

// What a symbol means, in words with its numbers.
const meanings: Record<string, (at: Trace) => string> = {
  byte: (at) => `The brightness of the pixel in ${placeOf(at.pixel!)}, a byte from 0 to 255, as it stands in the picture: ${at.byte}.`,
  x: (at) => `How bright the pixel in ${placeOf(at.pixel!)} is, from 0 to 1. It comes from the picture: ${at.byte} / 255.`,
  t: (at) => `The target: 0 for ${nameOf(0)}, 1 for ${nameOf(1)}. It comes from the picture's label, ${nameOf(at.t!)}.`,
  p: () => `The probability the network gives to ${nameOf(1)}. It comes from the logit z through the sigmoid.`,
  z: () => "The logit, the weighted sum of the output. It comes from all hidden activations, the output's weights and its bias.",
  loss: (at) => `The loss of this picture. It comes from the probability of its own sign, ${digits(at.chance)}: minus its logarithm.`,
  rate: () => "The learning rate: how far a step goes. You choose it under Experiment.",
  w1: (at) => `The weight from the pixel in ${placeOf(at.pixel!)} to unit ${at.unit! + 1}. It comes from the unit's picture of weights.`,
  b1: (at) => `The bias of unit ${at.unit! + 1}: what its sum is where the picture is black. It is learned like a weight.`,
  z1: (at) => `The weighted sum of unit ${at.unit! + 1}. It comes from all pixels, the unit's weights and its bias.`,
  a1: (at) => `The activation of unit ${at.unit! + 1}: what it passes on. It comes from its sum.`,
  w2: (at) => `The weight from unit ${at.unit! + 1} to the output.`,
  b2: () => "The bias of the output. It is learned like a weight.",
  dz: () => "How fast the loss grows with the logit. It comes from the probability and the target: by how much p is too high.",
  dw2: (at) => `How fast the loss grows with the weight from unit ${at.unit! + 1} to the output. It comes from ∂L/∂z and what the unit passes on.`,
  da1: (at) => `How fast the loss grows with the activation of unit ${at.unit! + 1}: the blame that goes back along the weight by which the signal came.`,
  dz1: (at) => `How fast the loss grows with the sum of unit ${at.unit! + 1}: the blame times the slope of the activation there, ${digits(at.bend)}.`,
  dw1: (at) => `How fast the loss of this picture grows with the weight from the pixel in ${placeOf(at.pixel!)} to unit ${at.unit! + 1}. Where the pixel is black it is 0.`,
  db1: (at) => `How fast the loss grows with the bias of unit ${at.unit! + 1}: a weight whose input is always 1.`,
  mean: () => "The mean of this derivative over all pictures of the next batch. The step takes the mean, not one picture's.",
};
for (const [number_key, symbol_key] of Object.entries({ sum1: "z1", product1: "z1", "minus-z1": "z1", sum2: "z", product2: "z", "minus-z": "z", "not-t": "t", "not-p": "p", "not-a1": "a1", bend: "dz1", "next-w1": "w1" })) meanings[number_key] = meanings[symbol_key]!;

let current: Trace | null = null;
const resting = "Point at a symbol, or go to it by Tab and the arrow keys, to see where its number comes from.";
export const whence = el("p.whence", { role: "status" }, resting);

const root = () => document.querySelector(".learn");
function light(key: string | null): void {
  for (const each of root()?.querySelectorAll(".lit, .origin") ?? []) each.classList.remove("lit", "origin");
  if (key === null || !current) {
    describe(whence, resting);
    return;
  }
  for (const each of root()?.querySelectorAll(`[data-k="${key}"]`) ?? []) each.classList.add("lit");
  for (const each of root()?.querySelectorAll(`[data-origin~="${key}"]`) ?? []) each.classList.add("origin");
  setText(whence, `${meanings[key]?.(current) ?? ""} Now: ${digits(current[key], 6)}.`);
}
const keyOf = (target: EventTarget | null) => (target as Element | null)?.closest?.("[data-k]")?.getAttribute("data-k") ?? null;

function onKey(event: KeyboardEvent): void {
  const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const box = (event.currentTarget as Element), symbols = [...box.querySelectorAll<MathMLElement>(".symbol")], at = symbols.indexOf(event.target as MathMLElement);
  if (move === undefined || at < 0) return;
  event.preventDefault();
  event.stopPropagation();
  const next = symbols[(at + move + symbols.length) % symbols.length]!;
  symbols[at]!.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

const boxes = new Map<EquationName, HTMLElement>();
function typeset(name: EquationName): void {
  const box = boxes.get(name)!, { title, lines, gives } = all[name] as Equation;
  forget(box);
  box.replaceChildren(el("h3", {}, title), ...lines());
  box.dataset.origin = gives.join(" ");
  box.querySelector<MathMLElement>(".symbol")!.tabIndex = 0;
}
export function equation(name: EquationName): HTMLElement {
  let box = boxes.get(name);
  if (!box) {
    box = el("div.equation", { role: "group", "aria-label": all[name].title, onkeydown: onKey,
      onpointerover: (event: PointerEvent) => light(keyOf(event.target)), onpointerleave: () => light(keyOf(document.activeElement)),
      onfocusin: (event: FocusEvent) => light(keyOf(event.target)), onfocusout: () => light(null) });
    boxes.set(name, box);
    typeset(name);
    whenSeen(box, refresh);
  }
  return box;
}

async function update(): Promise<void> {
  if (![...boxes.values()].some(isSeen)) return;
  const found = await trace();
  if (!found) return;
  current = found;
  setNumbers(found, (key) => (key === "byte" || key === "t" || key === "not-t" ? 3 : key === "next-w1" || key === "w1" ? 5 : 4));
}
const refresh = newest(update, 100);
watchLive(["state", "look"], refresh);
let typeset_for = "sigmoid";
watchLive(["session"], () => {
  if (activation() !== typeset_for) {
    typeset_for = activation();
    for (const name of boxes.keys()) typeset(name);
  }
  refresh();
});
export const traced = (): Trace | null => current;
