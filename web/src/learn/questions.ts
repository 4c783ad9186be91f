// The question at the end of each step: made from the numbers of the training, answered by them.
import { answers, example, gradients, live, pictures, values, weights } from "./live";
import { digits } from "./numbers";
import { nameOf } from "./picture";
import { type Question } from "./quiz";
import { bend, leak, placeOf, shapeOf } from "./trace";

const near = (value: number, share: number, least = 0): number => Math.max(least, share * Math.abs(value));

// The chosen pixel, or one in the middle of the picture that is neither black nor white.
async function greyPixel(): Promise<{ pixel: number; byte: number }> {
  const images = await pictures(), { row, pixel } = live.look, [high, wide, depth] = live.session!.image;
  const byteAt = (at: number) => images[(row * high * wide + at) * depth]!;
  const is_grey = (at: number) => byteAt(at) > 20 && byteAt(at) < 250;
  if (is_grey(pixel)) return { pixel, byte: byteAt(pixel) };
  const middle = Math.floor(high / 2) * wide + Math.floor(wide / 2), all = Array.from({ length: high * wide }, (_, at) => at);
  const found = all.filter(is_grey).sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle))[0] ?? middle;
  return { pixel: found, byte: byteAt(found) };
}

async function ofPicture(): Promise<Question> {
  const { pixel, byte } = await greyPixel();
  return { text: `The pixel in ${placeOf(pixel)} has the byte ${byte}. Which number does the network read there?`, answer: byte / 255, tolerance: 0.005,
    way: `A byte becomes a number from 0 to 1: ${byte} divided by 255.` };
}

async function ofSum(): Promise<Question | null> {
  const shape = shapeOf(live.session!);
  if (!shape) return null;
  const all = await weights(), { unit } = live.look, { pixel } = await greyPixel(), w = all[shape.w1 + unit * shape.pixels + pixel]!;
  return { text: `The weight from the pixel in ${placeOf(pixel)} to unit ${unit + 1} is ${digits(w)}. If that pixel were brighter by 0.1, by how much would the unit’s sum change?`,
    answer: 0.1 * w, tolerance: near(0.1 * w, 0.02), way: `Only one product of the sum changes, and it changes by 0.1 times the weight: 0.1 · ${digits(w)}.` };
}

async function ofActivation(): Promise<Question | null> {
  const shape = shapeOf(live.session!);
  if (!shape) return null;
  const { row } = live.look, [z, a] = await Promise.all([values(row, shape.layers.sum), values(row, shape.layers.active)]);
  // A unit where the curve is bent: in the flat the answer would be 0.
  const unit = [...a.keys()].sort((one, other) => Math.abs(Math.abs(a[one]!) - 0.3) - Math.abs(Math.abs(a[other]!) - 0.3))[0]!;
  const slope = bend(shape.activation, a[unit]!, z[unit]!), shown = digits(a[unit]);
  const way = { sigmoid: `The derivative of the sigmoid is a(1 − a), here ${shown} · (1 − ${shown}).`, tanh: `The derivative of tanh is 1 − a², here 1 − (${shown})².`, relu: "The slope of relu is 1 where the sum is above 0, and 0 elsewhere.", "leaky-relu": `The slope of leaky-relu is 1 where the sum is above 0, and ${leak} elsewhere.`, none: "Without an activation the curve is a straight line of slope 1." }[shape.activation];
  return { text: `Unit ${unit + 1} has the sum ${digits(z[unit])} and the activation ${shown}. How steep is the curve at that point?`, answer: slope, tolerance: near(slope, 0.02, 1e-6), way };
}

async function ofLoss(): Promise<Question | null> {
  const told = await example(live.look.row), own = told.probabilities[told.label];
  if (own === null || own === undefined) return null;
  const two = told.probabilities.length === 2, p = told.probabilities[1]!;
  return { text: `The picture shows ${nameOf(told.label)}. The network gives the probability ${digits(two ? p : own)} to ${nameOf(two ? 1 : told.label)}. What is its loss? (Logarithms are natural.)`,
    answer: -Math.log(own), tolerance: near(-Math.log(own), 0.01, 0.002), way: `The picture’s own sign has the probability ${two && told.label === 0 ? `1 − ${digits(p)} = ` : ""}${digits(own)}, and the loss is minus its logarithm.` };
}

async function ofChain(): Promise<Question | null> {
  const shape = shapeOf(live.session!);
  if (!shape) return null;
  const { row } = live.look, { pixel, byte } = await greyPixel(), [w, z, a, dw] = await Promise.all([weights(), values(row, shape.layers.sum), values(row, shape.layers.active), gradients(row)]);
  // The unit whose derivative is the largest: elsewhere a factor may be too small to be read.
  const size = (unit: number) => Math.abs(dw[shape.b1 + unit]!);
  let unit = 0;
  for (let each = 1; each < shape.hidden; ++each) if (size(each) > size(unit)) unit = each;
  const dz = dw[shape.b2]!, w2 = w[shape.w2 + unit]!, slope = bend(shape.activation, a[unit]!, z[unit]!), x = byte / 255, answer = dw[shape.w1 + unit * shape.pixels + pixel]!;
  if (!(Math.abs(answer) > 0)) return null;
  return { text: `For the weight from the pixel in ${placeOf(pixel)} to unit ${unit + 1}: p − t is ${digits(dz)}, the weight to the output ${digits(w2)}, the slope of the activation ${digits(slope)} and the pixel ${digits(x)}. How fast does the loss grow with that weight?`,
    answer, tolerance: near(answer, 0.02), way: `Along a chain the derivatives are multiplied: ${digits(dz)} · ${digits(w2)} · ${digits(slope)} · ${digits(x)}.` };
}

async function ofStep(): Promise<Question | null> {
  const shape = shapeOf(live.session!);
  if (!shape || live.session!.options["optimizer"] !== "sgd") return null;
  const mean = await gradients(null), { unit } = live.look, from = shape.w1 + unit * shape.pixels, rate = Number(live.session!.options["learning-rate"]);
  let pixel = 0;
  for (let at = 1; at < shape.pixels; ++at) if (Math.abs(mean[from + at]!) > Math.abs(mean[from + pixel]!)) pixel = at;
  const slope = mean[from + pixel]!, answer = -rate * slope;
  if (!(Math.abs(answer) > 0)) return null;
  return { text: `Over the next batch the loss grows with the weight from the pixel in ${placeOf(pixel)} to unit ${unit + 1} by ${digits(slope)}, on average. The learning rate is ${digits(rate)}. By how much does the step change that weight?`,
    answer, tolerance: near(answer, 0.02), way: `Against the slope, by the learning rate times it: −${digits(rate)} · ${slope < 0 ? `(${digits(slope)})` : digits(slope)}.` };
}

async function ofEpoch(): Promise<Question> {
  const { train, options, batches } = live.session!, epochs = Number(options["epochs"]), size = Number(options["batch-size"]), rest = train.length % size;
  return { text: `${train.length} pictures are learned from, ${size} in a batch. How many steps are ${epochs} epochs?`, answer: batches * epochs, tolerance: 0.5,
    way: `An epoch shows every picture once: ${train.length} / ${size}${rest > 0 ? `, rounded up because the last batch holds only ${rest},` : ""} are ${batches} steps, and ${epochs} epochs ${epochs} times as many.` };
}

async function ofNewHands(): Promise<Question> {
  const { confusion } = await answers(), { classes } = live.session!, n = confusion.flat().reduce((sum, each) => sum + each, 0), right = confusion.map((row, at) => row[at]!);
  const all = right.reduce((sum, each) => sum + each, 0), rows = confusion.map((row) => row.reduce((sum, each) => sum + each, 0));
  return { text: `${classes.map((name, at) => `Of ${rows[at]} held-out pictures of ${name}, ${right[at]} are told rightly.`).join(" ")} What is the accuracy?`, answer: all / n, tolerance: 0.002, is_share: true,
    way: `All that are right, by all that there are: ${all} / ${n}.` };
}

export const questions = { picture: ofPicture, sum: ofSum, sigmoid: ofActivation, loss: ofLoss, chain: ofChain, step: ofStep, epoch: ofEpoch, hand: ofNewHands };
