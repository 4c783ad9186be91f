// Equations as MathML, typeset once; afterwards only the text of their numbers is replaced.
import { digits } from "./numbers";

const MATH = "http://www.w3.org/1998/Math/MathML";
export type Part = Node | string;

export function m(kind: string, attributes: Record<string, string>, ...parts: Part[]): MathMLElement {
  const element = document.createElementNS(MATH, kind) as MathMLElement;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...parts);
  return element;
}
export const mi = (text: string): MathMLElement => m("mi", {}, text);
export const mo = (text: string): MathMLElement => m("mo", {}, text);
export const mn = (text: string): MathMLElement => m("mn", {}, text);
export const row = (...parts: Part[]): MathMLElement => m("mrow", {}, ...parts);
export const sub = (base: Part, below: Part): MathMLElement => m("msub", {}, base, below);
export const sup = (base: Part, above: Part): MathMLElement => m("msup", {}, base, above);
export const frac = (above: Part, below: Part): MathMLElement => m("mfrac", {}, above, below);
export const sum = (over: string): MathMLElement => m("munder", {}, m("mo", { movablelimits: "false" }, "∑"), mi(over));
export const times = (): MathMLElement => mo("·");
export const open = (): MathMLElement => m("mo", { stretchy: "false" }, "(");
export const close = (): MathMLElement => m("mo", { stretchy: "false" }, ")");

// The symbols, by the keys of trace.ts, with the names of docs/backpropagation.md.
const hidden = (letter: string, below = "o") => sub(mi(letter), row(mn("1"), mo(","), mi(below)));
const slope = (of: Part) => frac(row(mo("∂"), mi("L")), row(mo("∂"), of));
const shapes: Record<string, () => Part> = {
  byte: () => m("mtext", {}, "byte"), x: () => sub(mi("x"), mi("i")), t: () => mi("t"), p: () => mi("p"), z: () => mi("z"), loss: () => mi("L"), rate: () => mi("η"),
  w1: () => sub(mi("w"), row(mn("1"), mo(","), mi("o"), mi("i"))), b1: () => hidden("b"), z1: () => hidden("z"), a1: () => hidden("a"),
  w2: () => sub(mi("w"), row(mn("2"), mo(","), mi("o"))), b2: () => sub(mi("b"), mn("2")),
  dz: () => slope(mi("z")), dw2: () => slope(shapes.w2!()), da1: () => slope(shapes.a1!()), dz1: () => slope(shapes.z1!()), dw1: () => slope(shapes.w1!()), db1: () => slope(shapes.b1!()),
  mean: () => row(frac(mn("1"), mi("N")), sum("n"), frac(row(mo("∂"), sub(mi("L"), mi("n"))), row(mo("∂"), shapes.w1!()))),
};
export const symbol = (key: string): MathMLElement => m("mrow", { class: "symbol", "data-k": key, tabindex: "-1" }, shapes[key]!());

interface Slot { element: MathMLElement; key: string; is_guarded: boolean }
const slots: Slot[] = [];
// A negative number stands in parentheses unless it stands alone.
export function number(key: string, is_guarded = true): MathMLElement {
  const element = m("mn", { class: "number", "data-k": key, "data-v": key }, "…");
  slots.push({ element, key, is_guarded });
  return element;
}
export const alone = (key: string): MathMLElement => number(key, false);
export function forget(element: Element): void {
  for (let at = slots.length; at-- > 0;) if (element.contains(slots[at]!.element)) slots.splice(at, 1);
}

export function setNumbers(values: Record<string, number>, precision: (key: string) => number): void {
  for (const { element, key, is_guarded } of slots) {
    const value = values[key];
    if (value === undefined) continue;
    const text = Object.is(value, NaN) ? "NaN" : key === "rate" ? String(+value.toPrecision(6)) : digits(value, precision(key)), shown = is_guarded && value < 0 ? `(${text})` : text;
    if (element.firstChild!.nodeValue !== shown) element.firstChild!.nodeValue = shown;
    element.setAttribute("data-value", String(value));
  }
}

export const line = (...parts: Part[]): MathMLElement => m("math", { display: "block" }, row(...parts));
