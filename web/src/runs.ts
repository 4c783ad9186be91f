// The tab "Runs": what was trained on this machine, and the curves of some of it side by side.
import uPlot from "uplot";
import { api, type Epoch, reportUrl, type Run } from "./api";
import { button, el, fill, percent, rich, show } from "./dom";
import { attempt } from "./notices";

const colours = ["--held-out", "--train", "--validation", "--fourth", "--fifth", "--sixth"];
const most = colours.length;
const chosen = new Map<string, Epoch[]>();
let runs: Run[] = [];
const table = el("div.wide", { tabindex: 0, role: "group", "aria-label": "Runs" }), curves = el("div.charts"), words = el("p.note");

const nameOf = (run: Run) => run.name ?? run.run ?? "";
const when = (run: Run) => (run.when ? new Date(run.when).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }) : "");

type Pick = (epoch: Epoch) => number | null;
function number(value: unknown): number | null { return typeof value === "number" && Number.isFinite(value) ? value : null; }
// metrics.jsonl has {"loss": {"train", "held_out"}}; a flat form is read, too.
function value(epoch: Epoch, of: string, where: string): number | null {
  const nested = epoch[of];
  return number(typeof nested === "object" && nested !== null ? (nested as Record<string, unknown>)[where] : epoch[`${of}_${where}`]);
}

// One value an epoch: folds of one run are averaged.
function series(epochs: Epoch[], pick: Pick): Map<number, number> {
  const sums = new Map<number, [number, number]>();
  for (const epoch of epochs) {
    const next = pick(epoch);
    if (next === null) continue;
    const [sum, n] = sums.get(epoch.epoch) ?? [0, 0];
    sums.set(epoch.epoch, [sum + next, n + 1]);
  }
  return new Map([...sums].sort((a, b) => a[0] - b[0]).map(([epoch, [sum, n]]) => [epoch, sum / n]));
}

const style = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const plots: uPlot[] = [];

function chart(title: string, lines: { label: string; colour: string; is_dashed: boolean; values: Map<number, number> }[], is_share: boolean): HTMLElement {
  const place = el("div"), figure = el("figure.card.chart", {}, el("figcaption", {}, title), place);
  const epochs = [...new Set(lines.flatMap((line) => [...line.values.keys()]))].sort((a, b) => a - b);
  if (epochs.length === 0) {
    fill(place, el("p.note", {}, "These runs have no such curve."));
    return figure;
  }
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize), font = `${0.78 * rem}px system-ui, sans-serif`;
  const axis = { stroke: style("--soft"), grid: { stroke: style("--line"), width: 1 }, ticks: { show: false }, font };
  const format = (each: number | null) => (each === null ? "–" : is_share ? `${(100 * each).toFixed(1)}%` : each.toPrecision(3));
  requestAnimationFrame(() => {
    if (!place.isConnected) return;
    plots.push(new uPlot({
      width: Math.max(200, place.clientWidth), height: Math.round(17 * rem), cursor: { y: false }, scales: { x: { time: false } }, legend: { live: true },
      axes: [{ ...axis, size: 2.2 * rem, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10000] }, { ...axis, size: 3.4 * rem, values: (_: uPlot, ticks: number[]) => ticks.map((tick) => (is_share ? `${Math.round(100 * tick)}%` : String(+tick.toFixed(3)))) }],
      series: [{ label: "Epoch", value: (_: uPlot, x: number | null) => (x === null ? "–" : String(x)) }, ...lines.map((line) => ({
        label: line.label, stroke: style(line.colour), width: 2, dash: line.is_dashed ? [6, 4] : [], points: { show: epochs.length < 3 }, spanGaps: true,
        value: (_: uPlot, y: number | null) => format(y),
      }))],
    }, [epochs, ...lines.map((line) => epochs.map((epoch) => line.values.get(epoch) ?? null))] as uPlot.AlignedData, place));
  });
  return figure;
}

function drawCurves(): void {
  for (const plot of plots.splice(0)) plot.destroy();
  const lines = (of: string) => [...chosen].flatMap(([name, epochs], at) => {
    const colour = colours[at % most]!;
    return [["held_out", "held out", false], ["train", "training", true]].flatMap(([where, text, is_dashed]) => {
      const values = series(epochs, (epoch) => value(epoch, of, where as string));
      return values.size > 0 ? [{ label: `${name}, ${text}`, colour, is_dashed: is_dashed as boolean, values }] : [];
    });
  });
  fill(curves, ...(chosen.size > 0 ? [chart("Loss", lines("loss"), false), chart("Accuracy", lines("accuracy"), true)] : []));
  fill(words, chosen.size === 0 ? "Choose runs to see their curves side by side." : "Solid: held out. Dashed: training. Where a run has folds, their mean is drawn.");
}

async function flip(run: Run, box: HTMLInputElement): Promise<void> {
  const name = nameOf(run);
  if (!box.checked) chosen.delete(name);
  else {
    const answer = await attempt(() => api.curves(name));
    if (answer && box.checked) chosen.set(name, answer.epochs);
    else box.checked = false;
    if (chosen.size > most) {
      const [first] = chosen.keys();
      chosen.delete(first!);
    }
  }
  drawTable();
  drawCurves();
  table.querySelector<HTMLInputElement>(`input[data-name="${CSS.escape(name)}"]`)?.focus();
}

function row(run: Run): HTMLElement {
  const name = nameOf(run), at = [...chosen.keys()].indexOf(name);
  const box = el("input", { type: "checkbox", "data-name": name, "aria-label": `Curves of ${name}`, onchange: () => void flip(run, box) });
  box.checked = at >= 0;
  const mark = el("span.swatch", { "aria-hidden": "true" });
  if (at >= 0) mark.style.background = `var(${colours[at % most]})`;
  const [low, high] = run.interval ?? [null, null];
  return el("tr", {},
    el("td", {}, el("span.row.tight", {}, box, mark)),
    el("th", { scope: "row" }, el("a", { href: reportUrl(name), target: "_blank", rel: "noopener" }, name, el("span.hidden", {}, " (its report, in a new tab)"))),
    el("td", {}, when(run)),
    el("td", {}, run.data ?? ""),
    el("td.number", {}, run.accuracy === null || run.accuracy === undefined ? run.problem ?? run.state ?? "–" : el("strong", {}, percent(run.accuracy)),
      low !== null && high !== null && el("span.note", {}, ` ${percent(low)} to ${percent(high)}`)),
    el("td.network", {}, run.network ?? ""));
}

function drawTable(): void {
  const head = el("tr", {}, el("td"), ...["Run", "When", "Data", "Held out", "Network"].map((name) => el("th", { scope: "col" }, name)));
  fill(table, runs.length > 0 ? el("table.runs", {}, el("thead", {}, head), el("tbody", {}, ...runs.map(row)))
    : el("p.empty", {}, rich("Nothing was trained in this folder yet. Every `mudra train` leaves a run here: `mudra train synth:2000` is one to begin with.")));
  show(curves, runs.length > 0);
  show(words, runs.length > 0);
}

async function load(): Promise<void> {
  const answer = await attempt(() => api.runs());
  if (!answer) return;
  runs = answer;
  drawTable();
  drawCurves();
}

export const runs_tab = el("div.runs-tab", {},
  el("h1.hidden", {}, "Runs"),
  el("section.card", { "aria-labelledby": "runs" },
    el("header.card-head", {}, el("h2", { id: "runs" }, "Runs of this machine"), button("Look again", () => void load(), "button small")), table, words),
  curves);

let redraw: number | null = null;
addEventListener("resize", () => {
  if (redraw !== null) clearTimeout(redraw);
  redraw = window.setTimeout(() => !runs_tab.hidden && drawCurves(), 200);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => !runs_tab.hidden && drawCurves());
export function openRuns(): void { void load(); }
