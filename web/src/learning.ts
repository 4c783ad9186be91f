// The state of the training, and how far its numbers can be trusted.
import { type Score, type Train } from "./api";
import { count, el, fill, percent, seconds, setText, show, workButton } from "./dom";
import { announce, attempt } from "./notices";
import { state, stopTraining, trainNow, watch } from "./store";

const words: Record<Train["state"], string> = {
  idle: "Waiting for pictures", preparing: "Looking for the hands …", training: "Learning …", checking: "Checking …",
  stopped: "Stopped. Nothing is learned until you start it again.", failed: "The training failed.",
};

const status = el("p.status");
const progress = el("progress", { max: 1, "aria-label": "Progress of the training" });
const facts = el("p.note");
const next = el("p.next", { hidden: true });
const numbers = el("div.numbers", { hidden: true });
const reason = el("p.note", { hidden: true },
  "The second number is usually higher, and means less: neighbouring frames are near copies, so shuffled frames are tested by copies of what was learned. By recording, whole recordings are kept apart, as tomorrow's will be.");

function score(title: string, value: Score, is_main: boolean): HTMLElement {
  const [low, high] = value.interval;
  const band = el("span.interval"), point = el("span.point");
  band.style.left = `${100 * low}%`;
  band.style.right = `${100 * (1 - high)}%`;
  point.style.left = `${100 * value.accuracy}%`;
  return el(`div.score.${is_main ? "main" : "side"}`, {},
    el("p.score-title", {}, title),
    el("p.score-value", {}, percent(value.accuracy)),
    el("div.bar", { role: "img", "aria-label": `95% interval ${percent(low)} to ${percent(high)}` }, band, point),
    el("p.note", {}, `${percent(low)} to ${percent(high)}, ${value.right.toLocaleString("en")} of ${value.n.toLocaleString("en")} right`));
}

// What to record next, when the server has nothing to say.
function advice(): string | null {
  const { train, signs } = state, made = signs.signs.filter((sign) => sign.name !== "none");
  if (made.length === 0) return "Begin with a sign: give it a name, then hold its button while the camera sees your hand.";
  const empty = made.find((sign) => sign.samples === 0);
  if (empty) return `Record “${empty.name}”: hold its button for about two seconds, and move and turn your hand a little.`;
  if (train.why) return train.why;
  if (made.length < 2) return "Add a second sign: with one there is nothing to tell apart.";
  if (train.why_no_check) return train.why_no_check;
  const handless = made.find((sign) => sign.without_hand > 0.2 * sign.samples);
  if (handless) return `In ${count(handless.without_hand, "picture")} of “${handless.name}” no hand was found. They teach nothing: record it again with the whole hand in view.`;
  const few = made.find((sign) => sign.recordings < 3);
  if (train.by_recording && few) return `For a number that is surer, record “${few.name}” once more: from another distance, in other light, or by somebody else.`;
  return null;
}

let said = "";
function refresh(): void {
  const { train } = state, is_busy = ["preparing", "training", "checking"].includes(train.state);
  const learned = train.model ? `Knows ${count(train.model.classes.filter((name) => name !== "none").length, "sign")}` : words.idle;
  setText(status, train.state === "idle" ? learned : words[train.state]);
  status.classList.toggle("busy", is_busy);
  progress.classList.toggle("quiet", !is_busy);
  progress.value = is_busy ? train.done : train.model ? 1 : 0;
  const when = !train.seconds ? "" : `, ${seconds(train.seconds)} from picture to new model`;
  setText(facts, train.model ? `Learned ${count(train.model.samples, "picture")}${when}.` : "Learning starts by itself after every change.");
  const text = train.state === "failed" ? train.why : advice();
  show(next, text !== null);
  if (text !== null) fill(next, el("strong", {}, train.state === "failed" ? "What went wrong: " : "Next: "), text);
  next.classList.toggle("error", train.state === "failed");
  show(numbers, train.by_recording !== null || train.by_frames !== null);
  fill(numbers,
    train.by_recording ? score("By recording", train.by_recording, true)
      : el("div.score.main", {}, el("p.score-title", {}, "By recording"), el("p.score-value.dash", {}, "?"), el("p.note", {}, "Cannot tell yet.")),
    train.by_frames && score("By shuffled frames", train.by_frames, false));
  show(reason, train.by_recording !== null && train.by_frames !== null);
  stop.hidden = !is_busy;
  start.hidden = is_busy;
  const news = train.state === "idle" && train.model && train.version !== null ? `${learned}${train.by_recording ? `, ${percent(train.by_recording.accuracy)} right by recording` : ""}` : "";
  if (news !== "" && news !== said) announce(news);
  said = news || said;
}

const start = workButton("Learn again", () => attempt(trainNow), "button small");
const stop = workButton("Stop", () => attempt(stopTraining), "button small");

export const learning = el("section.card.learning", { "aria-labelledby": "learning" },
  el("header.card-head", {}, el("h2", { id: "learning" }, "What it has learned"), start, stop),
  status, progress, facts, numbers, reason, next);
watch(["train", "signs"], refresh);
refresh();
