// One example followed through a network of one hidden layer: every number of the equations, by its key.
// All come from the core; what this file adds is at most the product of two of them.
import { batch, example, gradients, live, pictures, values, weights } from "./live";
import { type Session } from "./protocol";

export const activations = ["sigmoid", "tanh", "relu", "leaky-relu", "none"] as const;
export type Activation = (typeof activations)[number];
// A network that the equations tell of: flatten, dense H, an activation, dense 1.
export interface Shape { hidden: number; pixels: number; activation: Activation; w1: number; b1: number; w2: number; b2: number; layers: { sum: number; active: number; logit: number } }

export function shapeOf(session: Session): Shape | null {
  const { layers, weights: all, image } = session;
  const texts = layers.map(({ text }) => text);
  const hidden = texts.findIndex((text) => text.startsWith("dense ")), is_linear = texts.length === hidden + 2, active = is_linear ? hidden : hidden + 1;
  if (hidden < 0 || texts.length !== active + 2 || texts.slice(0, hidden).some((text) => text !== "flatten")) return null;
  const activation = is_linear ? "none" : activations.find((each) => each === texts[active]);
  if (!activation || texts[active + 1] !== "dense 1" || all.length !== 4 || image[2] !== 1) return null;
  const [w1, b1, w2, b2] = all.map(({ offset }) => offset) as [number, number, number, number];
  return { hidden: all[0]!.shape[0]!, pixels: all[0]!.shape[1]!, activation, w1, b1, w2, b2, layers: { sum: hidden, active, logit: active + 1 } };
}

// Keys are those of symbols.ts.
export type Trace = Record<string, number>;

export async function trace(): Promise<Trace | null> {
  const session = live.session!, shape = shapeOf(session);
  if (!shape) return null;
  const { row, unit, pixel } = live.look, { step } = live.state!;
  const [images, w, z1, a1, told, dw, mean] = await Promise.all([
    pictures(), weights(), values(row, shape.layers.sum), values(row, shape.layers.active), example(row), gradients(row), gradients(null)]);
  const at = shape.w1 + unit * shape.pixels + pixel, byte = images[row * shape.pixels + pixel]!;
  const x = byte / 255, p = told.probabilities[1] ?? NaN, t = told.label, rate = Number(session.options["learning-rate"]);
  const dz = dw[shape.b2]!, w2 = w[shape.w2 + unit]!, a = a1[unit]!, b1 = w[shape.b1 + unit]!, b2 = w[shape.b2]!, logit = told.logits[0] ?? NaN;
  return {
    step, row, unit, pixel, byte, x, t, "not-t": 1 - t, p, "not-p": 1 - p, rate,
    w1: w[at]!, b1, product1: x * w[at]!, sum1: z1[unit]! - b1, z1: z1[unit]!, "minus-z1": -z1[unit]!, a1: a,
    w2, b2, product2: a * w2, sum2: logit - b2, z: logit, "minus-z": -logit, loss: told.loss ?? NaN, chance: t === 1 ? p : 1 - p,
    dz, dw2: dw[shape.w2 + unit]!, da1: dz * w2, bend: bend(shape.activation, a, z1[unit]!), dz1: dw[shape.b1 + unit]!, db1: dw[shape.b1 + unit]!, dw1: dw[at]!,
    "not-a1": shape.activation === "tanh" ? 1 - a * a : 1 - a, mean: mean[at]!, move: rate * mean[at]!, "next-w1": w[at]! - rate * mean[at]!,
  };
}

export const leak = 0.01;  // of leaky-relu: its slope below zero
// The derivative of the activation, from its value.
export function bend(activation: Activation, a: number, z: number): number {
  switch (activation) {
    case "sigmoid": return a * (1 - a);
    case "tanh": return 1 - a * a;
    case "relu": return z > 0 ? 1 : 0;
    case "leaky-relu": return z > 0 ? 1 : leak;
    case "none": return 1;
  }
}

// For the step by example: which rows the next batch has.
export const nextBatch = batch;
export const side = (): [number, number] => [live.session!.image[0], live.session!.image[1]];
// Of a pixel, counted from 1: row and column.
export const placeOf = (pixel: number): string => `row ${Math.floor(pixel / side()[1]) + 1}, column ${(pixel % side()[1]) + 1}`;
