// What is trained, and by which options: each under its name of the command line. Another choice begins another training.
import { el, fill, setText } from "../dom";
import { state as studio, watch } from "../store";
import { begin, live, watchLive } from "./live";
import { digits, read } from "./numbers";
import { type Options } from "./protocol";
import { activations, shapeOf } from "./trace";

const ten_network = "conv 8 5x5, relu, pool 2, conv 16 3x3, relu, pool 2, dense 32, relu";
export const report: Options = { data: "synth:2000", recipe: "report", classes: "0,5", seed: "1" };
const ten: Options = { data: "synth:2000", network: ten_network, optimizer: "momentum", "learning-rate": "0.02", "batch-size": "32", epochs: "30", seed: "1", split: "group" };

type Kind = "digits" | "signs" | "ten";
const kindOf = (options: Options): Kind => (options["data"] === "signs" ? "signs" : options["classes"] === undefined ? "ten" : "digits");
const recorded = () => studio.signs.signs.filter((sign) => sign.samples > 0 && sign.name !== "none");

const labelled = (text: string, input: HTMLElement) => el("div.field", {}, el("label", { for: input.id }, text), input);
function select(name: string, label: string, choices: [string, string][], change: () => void): { field: HTMLElement; input: HTMLSelectElement; set: (value: string) => void } {
  const input = el("select", { name, id: `learn-${name}`, onchange: change });
  const write = (all: [string, string][]) => fill(input, ...all.map(([value, text]) => el("option", { value }, text)));
  write(choices);
  return { field: labelled(label, input), input, set(value) {
    if (![...input.options].some((each) => each.value === value)) input.append(el("option", { value }, value));
    input.value = value;
  } };
}
const numbers = (...all: number[]): [string, string][] => all.map((each) => [String(each), String(each)]);
const digit_names = numbers(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);

const data = select("data", "Pictures", [["digits", "Rendered hands, two digits"], ["signs", "Two signs of your own"], ["ten", "Rendered hands, all ten digits"]], () => change({}, data.input.value as Kind));
const first = select("class-0", "First sign", digit_names, () => change({ classes: `${first.input.value},${second.input.value}` }));
const second = select("class-1", "Second sign", digit_names, () => change({ classes: `${first.input.value},${second.input.value}` }));
// Widths double from place to place of the slider.
const width = el("input", { type: "range", name: "width", id: "learn-width", min: 0, max: 8, step: 1, onchange: () => changeNetwork(), oninput: () => setText(width_value, String(2 ** Number(width.value))) });
const width_value = el("output", { for: "learn-width" });
const activation = select("activation", "Activation", activations.map((each): [string, string] => [each, each]), () => changeNetwork());
// Ten places of the slider are a factor of ten.
const rate = el("input", { type: "range", name: "rate-slider", min: -40, max: 30, step: 1, "aria-label": "Learning rate, as a slider", oninput: () => { rate_value.value = String(+(10 ** (Number(rate.value) / 10)).toPrecision(2)); }, onchange: () => change({ "learning-rate": rate_value.value }) });
const rate_value = el("input.number", { type: "text", name: "learning-rate", id: "learn-rate", inputmode: "decimal", autocomplete: "off", onchange: () => {
  const value = read(rate_value.value);
  if (value > 0) void change({ "learning-rate": String(value) });
  else show();
} });
const batch_size = select("batch-size", "Batch size", numbers(1, 2, 4, 8, 16, 32, 64, 128, 256), () => change({ "batch-size": batch_size.input.value }));
const init = select("init", "First weights", [["normal", "normal"], ["xavier", "xavier"], ["he", "he"]], () => change({ init: init.input.value }));
const seed = el("input.number", { type: "text", name: "seed", id: "learn-seed", inputmode: "numeric", autocomplete: "off", onchange: () => {
  const value = read(seed.value);
  if (Number.isInteger(value) && value >= 0) void change({ seed: String(value) });
  else show();
} });
const split = select("split", "Held out", [["0.8", "at random"], ["group", "by hand"]], () => change({ split: split.input.value }));
const command = el("code"), read_words = el("p.note"), no_signs = el("p.note", {}, "Record two signs under Teach first.");

function change(options: Options, kind: Kind = kindOf(live.options)): Promise<void> {
  if (kind === "signs" && recorded().length < 2) {
    no_signs.hidden = false;
    data.set(kindOf(live.options));
    return Promise.resolve();
  }
  const is_new = kind !== kindOf(live.options);
  const base = !is_new ? live.options : kind === "ten" ? ten
    : kind === "digits" ? report : { data: "signs", recipe: "report", classes: recorded().slice(0, 2).map((sign) => sign.name).join(","), seed: "1" };
  return begin({ ...base, ...options });
}
function changeNetwork(): Promise<void> {
  return change({ network: `dense ${2 ** Number(width.value)}${activation.input.value === "none" ? "" : `, ${activation.input.value}`}` });
}

function show(): void {
  const { session } = live;
  if (!session) return;
  const kind = kindOf(live.options), shape = shapeOf(session), { options } = session, names = kind === "signs" ? recorded().map(({ name }): [string, string] => [name, name]) : digit_names;
  data.set(kind);
  for (const [at, box] of [first, second].entries()) {
    fill(box.input, ...names.map(([value, text]) => el("option", { value }, text)));
    box.set(session.classes[at]!);
    box.field.hidden = kind === "ten";
  }
  for (const each of [width_field, activation.field]) each.hidden = !shape;
  if (shape) {
    width.value = String(Math.round(Math.log2(shape.hidden)));
    setText(width_value, String(shape.hidden));
    width.setAttribute("aria-valuetext", `${shape.hidden} units`);
    activation.set(shape.activation);
  }
  const step = Number(options["learning-rate"]);
  rate.value = String(Math.round(10 * Math.log10(step)));
  rate_value.value = String(+step.toPrecision(6));
  rate.setAttribute("aria-valuetext", digits(step, 2));
  batch_size.set(options["batch-size"]!);
  init.set(options["init"]!);
  seed.value = options["seed"]!;
  split.set(options["split"]!);
  setText(command, session.command);
  setText(read_words, `${session.train.length} pictures to train, ${session.held_out.length} held out. Network: ${session.network}, ${session.parameters.toLocaleString("en")} parameters.`);
  no_signs.hidden = true;
}
watchLive(["session"], show);
watch(["signs"], show);

const width_field = el("div.field", {}, el("span", {}, el("label", { for: "learn-width" }, "Hidden units"), " ", width_value), width);
export const experiment = el("section.card.experiment", { "aria-labelledby": "experiment-title" },
  el("header.card-head", {}, el("h2", { id: "experiment-title" }, "Experiment")),
  el("div.fields", {}, data.field, no_signs, first.field, second.field, split.field, el("div.field", { "data-origin": "rate" }, el("label", { for: "learn-rate" }, "Learning rate η"), rate_value, rate), batch_size.field, width_field, activation.field, init.field,
    labelled("Seed", seed)),
  read_words, el("p.note", {}, "The same weights on the command line: ", command));
