// The curves of a training while it runs: the loss of every step's batch, loss and accuracy of every epoch.
import uPlot from "uplot";
import { el } from "../dom";
import { live, watchLive } from "./live";
import { digits, share } from "./numbers";
import { describe, whenSeen } from "./screen";

const style = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
type Values = (number | null)[];

interface Curve { element: HTMLElement; draw: () => void }
function curve(title: string, lines: { label: string; colour: string; width: number }[], is_share: boolean, data: () => [number[], ...Values[]], words: () => string): Curve {
  const place = el("div.plot"), caption = el("figcaption.note"), element = el("figure.curve", {}, el("h3", {}, title), place, caption);
  let plot: uPlot | null = null, made_for = "";
  const format = (value: number | null) => (value === null || value === undefined ? "–" : is_share ? share(value) : digits(value, 3));
  function make(): void {
    plot?.destroy();
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize), font = `${0.78 * rem}px system-ui, sans-serif`;
    const axis = { stroke: style("--soft"), grid: { stroke: style("--line"), width: 1 }, ticks: { show: false }, font };
    plot = new uPlot({
      width: Math.max(200, place.clientWidth), height: Math.round(11.5 * rem), cursor: { y: false }, legend: { live: true },
      scales: { x: { time: false }, y: is_share ? { range: (_, low) => [Math.min(0.4, Math.floor(low * 10) / 10), 1] } : { range: (_, low, high) => [Math.min(0, low), Math.max(high, 0.1) * 1.05] } },
      axes: [{ ...axis, size: 2 * rem, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10000, 100000] },
        { ...axis, size: 3.1 * rem, values: (_: uPlot, ticks: number[]) => ticks.map((tick) => (is_share ? `${Math.round(100 * tick)}%` : (Math.abs(tick) < 1e5 ? String(+tick.toPrecision(6)) : digits(tick, 1)))) }],
      series: [{ label: "Step", value: (_: uPlot, x: number | null) => (x === null ? "–" : String(x)) }, ...lines.map(({ label, colour, width }) => ({
        label, stroke: style(colour), width, points: { show: false }, spanGaps: true, value: (_: uPlot, y: number | null) => format(y) }))],
    }, data() as uPlot.AlignedData, place);
  }
  const draw = () => {
    const next = `${place.clientWidth} ${style("--card")} ${document.documentElement.className}`;
    if (next !== made_for || !plot) {
      made_for = next;
      make();
    } else plot.setData(data() as uPlot.AlignedData);
    describe(caption, words());
  };
  return { element, draw: whenSeen(element, draw) };
}

// Epochs stand at their last step.
function byEpoch(pick: (epoch: NonNullable<typeof live.state>["history"][number]) => number | null): Map<number, number | null> {
  return new Map((live.state?.history ?? []).map((epoch) => [epoch.epoch * live.session!.batches, pick(epoch)]));
}
function lossData(): [number[], ...Values[]] {
  const { losses } = live.state ?? { losses: [] }, train = byEpoch((epoch) => epoch.loss_train), held_out = byEpoch((epoch) => epoch.loss_held_out);
  const known = new Map(losses), first = losses[0]?.[0] ?? 0;
  const steps = [...[...train.keys()].filter((step) => step < first), ...known.keys()];
  return [steps, steps.map((step) => known.get(step) ?? null), steps.map((step) => train.get(step) ?? null), steps.map((step) => held_out.get(step) ?? null)];
}
function accuracyData(): [number[], ...Values[]] {
  const train = byEpoch((epoch) => epoch.accuracy_train), held_out = byEpoch((epoch) => epoch.accuracy_held_out);
  return [[...train.keys()], [...train.values()], [...held_out.values()]];
}
const last = () => live.state?.history.at(-1);

const loss = curve("Loss", [{ label: "batch", colour: "--edge", width: 1 }, { label: "training", colour: "--train", width: 2.5 }, { label: "held out", colour: "--held-out", width: 2.5 }], false, lossData, () => {
  const state = live.state, epoch = last();
  if (!state || state.step === 0) return "No step is taken yet: there is no curve.";
  return `Step ${state.step}: the batch had a loss of ${digits(state.loss, 3)}.${epoch ? ` Epoch ${epoch.epoch}: training ${digits(epoch.loss_train, 3)}, held out ${digits(epoch.loss_held_out, 3)}.` : ""}`;
});
const accuracy = curve("Accuracy", [{ label: "training", colour: "--train", width: 2.5 }, { label: "held out", colour: "--held-out", width: 2.5 }], true, accuracyData, () => {
  const epoch = last();
  return epoch ? `Epoch ${epoch.epoch}: ${share(epoch.accuracy_train)} of the training pictures were told rightly, ${share(epoch.accuracy_held_out)} of those held out.` : "It is measured at the end of every epoch.";
});
export const loss_curve = loss.element, accuracy_curve = accuracy.element;
const both = () => { loss.draw(); accuracy.draw(); };
watchLive(["state", "session"], both);
let redraw: number | null = null;
export function curvesMoved(): void {
  if (redraw !== null) clearTimeout(redraw);
  redraw = window.setTimeout(both, 150);
}
addEventListener("resize", curvesMoved);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", curvesMoved);
