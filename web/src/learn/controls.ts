// Moves the training: by example, batch, epoch, all the way, and back.
import { button, el, setText } from "../dom";
import { announce } from "../notices";
import { advanceTo, batch, epochStart, gradients, isOver, isStill, lastStep, live, lookAt, pause, rewindTo, run, type Speed, watchLive } from "./live";
import { digits, share } from "./numbers";
import { shapeOf } from "./trace";

const step = () => live.state?.step ?? 0;
const runs = button("Run", () => (live.is_running ? pause() : void run()), "button primary run");
const by_example = button("One example", () => void nextExample(), "button");
const by_batch = button("One batch", () => void move(step() + 1), "button");
const by_epoch = button("One epoch", () => void move(epochStart() + live.session!.batches), "button");
const back = button("← One step", () => void goBack(step() - 1), "button");
const to_epoch = button("Epoch’s start", () => void goBack(epochStart(step() - 1)), "button");
const to_beginning = button("Beginning", () => void goBack(0), "button");
const speed = el("select", { "aria-label": "Speed", onchange: () => { live.speed = speed.value as Speed; } },
  ...([["1", "a step a second"], ["5", "5 steps a second"], ["frame", "a step a frame"], ["epoch", "an epoch a frame"]] as const).map(([value, text]) => el("option", { value, selected: value === live.speed }, text)));
const where = el("p.where-at"), score = el("p.note.score-line"), problem = el("div.next.error.problem", { role: "alert", hidden: true }), still = el("p.note", { hidden: true }, "Your system asks for less motion: a run is drawn when it ends.");

const said = () => {
  const { state, session } = live;
  if (!state || !session) return "";
  const done = Math.floor(state.step / session.batches), part = state.step % session.batches;
  return `Step ${state.step}: ${state.step === 0 ? "nothing is learned yet" : part === 0 ? `epoch ${done} is done` : `epoch ${done + 1}, batch ${part} of ${session.batches}`}`;
};

async function move(to: number): Promise<void> {
  pause();
  forgetWalk();
  await advanceTo(to);
  announce(`${said()}. Loss ${digits(live.state?.loss, 3)}.`);
}
async function goBack(to: number): Promise<void> {
  pause();
  forgetWalk();
  await rewindTo(Math.max(0, to));
  announce(said());
}

// ---- by example: the pictures of the next batch one after the other, and then its step

interface Walk { rows: number[]; at: number; sum: Float64Array; is_walking: boolean }
let walk: Walk | null = null;
const walk_words = el("p.note.walk", { hidden: true });
function forgetWalk(): void {
  walk = null;
  walk_words.hidden = true;
  setText(by_example, "One example");
}
async function nextExample(): Promise<void> {
  pause();
  if (walk?.is_walking) return;
  if (walk && walk.at >= walk.rows.length) {
    await move(step() + 1);
    return;
  }
  walk ??= { rows: await batch(), at: 0, sum: new Float64Array(live.session!.parameters), is_walking: false };
  const { rows, sum } = walk, row = rows[walk.at]!;
  walk.is_walking = true;
  try {
    const slopes = await gradients(row);
    for (let at = 0; at < sum.length; ++at) sum[at]! += slopes[at]!;
    ++walk.at;
  } finally {
    walk.is_walking = false;
  }
  lookAt({ row });
  void showWalk();
  if (walk.at === rows.length) setText(by_example, "Take the step");
}
async function showWalk(): Promise<void> {
  const shape = live.session && shapeOf(live.session);
  if (!walk) return;
  const { at, rows, sum } = walk;
  let more = "";
  if (shape) {
    const index = shape.w1 + live.look.unit * shape.pixels + live.look.pixel, mean = await gradients(null);
    more = ` For the chosen weight the mean of ∂L/∂w over ${at === 1 ? "this picture" : `these ${at}`} is ${digits(sum[index]! / at)}; over the whole batch ${digits(mean[index])}.`;
  }
  walk_words.hidden = false;
  setText(walk_words, `Picture ${at} of ${rows.length} of the next batch.${more}${at === rows.length ? " All are seen: now the weights move." : ""}`);
}

function show(): void {
  const { state, session } = live;
  setText(runs, live.is_running ? "Pause" : isStill() ? "Run to the end" : "Run");
  const is_over = isOver();
  runs.disabled = !live.is_running && is_over;
  for (const each of [by_example, by_batch, by_epoch]) each.disabled = is_over;
  for (const each of [back, to_epoch, to_beginning]) each.disabled = step() === 0;
  still.hidden = !isStill();
  speed.disabled = isStill();
  if (!state || !session) return;
  setText(where, said() + (state.edited ? ", with a weight changed by hand" : "") + (state.step >= lastStep() && state.problem === null ? ". The training is over." : ""));
  const epoch = state.history.at(-1);
  setText(score, `Loss of the last batch ${state.step === 0 ? "–" : state.loss === null ? "NaN" : digits(state.loss, 3)}${epoch ? ` · after epoch ${epoch.epoch}: training ${share(epoch.accuracy_train)}, held out ${share(epoch.accuracy_held_out)} right` : ""}`);
  problem.hidden = state.problem === null;
  if (state.problem !== null) setText(problem, `${state.problem.replace(/^./, (letter) => letter.toUpperCase())}. ${state.why ?? ""}`);
}
watchLive(["state", "session", "run", "progress"], show);
watchLive(["session"], forgetWalk);
watchLive(["state"], () => { if (walk && live.is_running) forgetWalk(); });
matchMedia("(prefers-reduced-motion: reduce)").addEventListener("change", show);

export const controls = el("section.card.controls", { "aria-label": "Training" },
  el("div.row", {}, runs, by_example, by_batch, by_epoch, el("span.row.back", {}, el("span.back-words", {}, "Back:"), back, to_epoch, to_beginning), speed),
  el("div.status-line", {}, where, score), still, walk_words, problem);
