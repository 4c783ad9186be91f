// The tab "Try": what the model says, how steadily and how fast; spelling; where it looked; what it confuses.
import { api, type Answer } from "./api";
import { grab } from "./camera";
import { button, el, fill, percent, rich, setText, show, workButton } from "./dom";
import { drawExplanation } from "./explain";
import { confusions, openConfusions } from "./matrix";
import { announce, attempt, notice } from "./notices";
import { camera, drawHand, mountStage, poll } from "./stage";
import { joined, Speller, Steady, Times } from "./steady";
import { none_name, state, watch } from "./store";

const steady = new Steady(), speller = new Speller(), times = new Times();
const most_bars = 40;
let uploaded: ImageBitmap | null = null;

// ---- which model answers

const model = el("select", { "aria-label": "Model", onchange: () => { steady.clear(); bars.clear(); fill(bar_list); } },
  el("option", { value: "" }, "Your signs"), el("option", { value: "hands" }, "Digits, from the box"));
const modelName = () => (model.value === "" ? null : model.value);

// ---- the answer

const word = el("p.answer-word", {}, "–"), sure = el("p.answer-sure");
const meter = el("div.steps", { role: "img" }, ...Array.from({ length: steady.n }, () => el("span")));
const steadiness = el("p.note"), latency = el("p.note.latency");
const bar_list = el("ul.bars", { "aria-label": "Probability of every sign" });
const bars = new Map<string, { value: HTMLElement; bar: HTMLElement; row: HTMLElement }>();

const isNone = (label: string | null) => label === null || label === none_name;
const nameOf = (label: string | null) => (isNone(label) ? "none of these" : label!);

function bar(name: string): { value: HTMLElement; bar: HTMLElement; row: HTMLElement } {
  let made = bars.get(name);
  if (made) return made;
  const value = el("span.bar-value"), fill_bar = el("span.bar-fill");
  const row = el("li", {}, el("span.bar-name", { title: name }, name), el("span.bar-track", { "aria-hidden": "true" }, fill_bar), value);
  made = { value, bar: fill_bar, row };
  bars.set(name, made);
  bar_list.append(row);
  return made;
}

function drawBars(answer: Answer): void {
  const { [none_name]: none_probability, ...others } = answer.probabilities ?? {};
  const none = answer.none ?? none_probability ?? null;
  let rows = Object.entries(others);
  if (rows.length > most_bars) rows = rows.sort((a, b) => b[1] - a[1]).slice(0, most_bars);
  const names = new Set(rows.map(([name]) => name));
  if (none !== null) rows.push(["none of these", none]);
  for (const [name, each] of bars) if (!names.has(name) && !(name === "none of these" && none !== null)) {
    each.row.remove();
    bars.delete(name);
  }
  for (const [name, probability] of rows) {
    const each = bar(name);
    each.bar.style.transform = `scaleX(${probability})`;
    setText(each.value, percent(probability));
    each.row.classList.toggle("best", name === nameOf(answer.label));
    each.row.classList.toggle("none", name === "none of these");
  }
  const last = bars.get("none of these");
  if (last && last.row !== bar_list.lastElementChild) bar_list.append(last.row);
}

function drawAnswer(answer: Answer): void {
  setText(word, nameOf(answer.label));
  word.classList.toggle("quiet", isNone(answer.label));
  word.classList.toggle("long", nameOf(answer.label).length > 6);
  setText(sure, isNone(answer.label) ? answer.box === null ? "No hand is seen." : "" : `${percent(answer.confidence)} sure`);
  drawBars(answer);
}

function onFrame(answer: Answer, taken: number): void {
  drawAnswer(answer);
  const { label, led, is_steady } = steady.add(isNone(answer.label) ? null : answer.label);
  [...meter.children].forEach((step, at) => step.classList.toggle("on", at < led));
  meter.classList.toggle("steady", is_steady);
  meter.setAttribute("aria-label", `Led in ${led} of the last ${steady.n} frames`);
  setText(steadiness, is_steady ? `Steady: ${nameOf(label)} in ${led} of the last ${steady.n} frames` : `Not steady yet: ${led} of ${steady.n} frames agree`);
  if (is_steady) say(nameOf(label));
  spell(is_steady ? label : undefined);
  requestAnimationFrame(() => {
    times.add(performance.now() - taken);
    setText(latency, `${Math.round(times.quantile(0.5))} ms from camera to answer; ${Math.round(times.quantile(0.95))} ms or less for 95 of 100`);
  });
}
let said = "";
function say(text: string): void {
  if (text !== said) announce(text);
  said = text;
}

// ---- spelling

const line = el("output.spelled", { "aria-label": "Spelled so far" }), holding = el("span.holding");
const ring = el("div.holding-track", { "aria-hidden": "true" }, holding);
const space = button("Space", () => write(" "), "button small");
const backspace = button("Backspace", () => { speller.text.pop(); drawLine(); }, "button small");
const clear = button("Clear", () => { speller.text.length = 0; drawLine(); }, "button small");

function write(text: string): void {
  speller.text.push(text);
  drawLine();
}
function drawLine(): void {
  const text = joined(speller.text);
  setText(line, text);
  line.classList.toggle("empty", text === "");
  backspace.disabled = clear.disabled = text === "";
}
function spell(label: string | null | undefined): void {
  const { written, progress } = speller.add(label, performance.now());
  holding.style.transform = `scaleX(${progress})`;
  if (written === null) return;
  drawLine();
  announce(`Written: ${written}`);
}

// ---- a picture instead of the camera, and where the network looked

const still = el("canvas.still", { role: "img", "aria-label": "Your picture" }), still_overlay = el("canvas.overlay", { "aria-hidden": "true" });
const still_box = el("div.screen.on.still-box", { hidden: true }, still, still_overlay);
const stage_slot = el("div");
const upload = el("input", { type: "file", accept: "image/png,image/jpeg,image/webp", hidden: true, "aria-label": "A picture", onchange: () => void onUpload() });
const back = button("Back to the camera", () => setPicture(null), "button small", { hidden: true });

function setPicture(picture: ImageBitmap | null): void {
  uploaded?.close();
  uploaded = picture;
  show(still_box, picture !== null);
  show(stage_slot, picture === null);
  show(back, picture !== null);
  steady.clear();
  if (picture) {
    still.width = picture.width;
    still.height = picture.height;
    still.getContext("2d")!.drawImage(picture, 0, 0);
  } else camera.resume();
}

async function onUpload(): Promise<void> {
  const [file] = upload.files ?? [];
  upload.value = "";
  if (file) await tryPicture(file);
}

export async function tryPicture(file: Blob): Promise<void> {
  await attempt(async () => {
    const picture = await createImageBitmap(file).catch(() => { throw new Error("This is no picture that can be read: PNG, JPEG and WebP files are."); });
    setPicture(picture);
    const answer = await api.predict(grab(picture, 1280, 0.95)!, modelName());
    drawHand(still_overlay, answer, picture.width, picture.height);
    drawAnswer(answer);
    setText(steadiness, "One picture: there are no frames to compare.");
    setText(latency, "");
    for (const step of meter.children) step.classList.remove("on");
    say(nameOf(answer.label));
  });
}

const seen = el("canvas.seen", { role: "img", hidden: true }), seen_words = el("p.note", {}, "Places are covered one after another: the warmer a place, the more of the answer's probability goes with it.");
const look = workButton("Show", () => attempt(async () => {
  const from = uploaded ?? camera.video, picture = uploaded || camera.state === "on" ? grab(from, 640, 0.95) : null;
  if (!picture) {
    notice("look", "There is nothing to look at: start the camera, or choose a picture.");
    return;
  }
  const explanation = await api.explain(picture, modelName()), bitmap = await createImageBitmap(picture);
  drawExplanation(seen, bitmap, explanation, uploaded === null);
  bitmap.close();
  show(seen, true);
  const text = isNone(explanation.label) ? "It says none of these" : `It says ${explanation.label}, ${percent(explanation.confidence)} sure`;
  seen.setAttribute("aria-label", `${text}. The warm places are those it looked at.`);
  setText(seen_words, `${text}. The warmer a place, the more of that goes when it is covered.`);
}), "button small");

// ---- export

const links = el("div.row.links", {},
  el("a.button.small", { href: "/api/export/model.safetensors", download: "" }, "Model file"),
  el("a.button.small", { href: "/api/export/model.onnx", download: "" }, "ONNX"));
const exports = el("section.card", { "aria-labelledby": "export" }, el("header.card-head", {}, el("h2", { id: "export" }, "Take it with you")),
  el("p.note", {}, rich("The model file answers as this page does: `mudra predict photo.jpg --model FILE`. The one for ONNX reads hands that are cut out already.")), links);

export const try_tab = el("div.try", {},
  el("h1.hidden", {}, "Try the model"),
  el("section.card.live", { "aria-labelledby": "live" },
    el("header.card-head", {}, el("h2", { id: "live" }, "What it sees"), model),
    el("div.live-grid", {},
      el("div.live-camera", {}, stage_slot, still_box, el("div.row", {}, button("Try a picture", () => upload.click(), "button small"), back, upload)),
      el("div.live-answer", {},
        el("div.answer-head", {}, word, sure, meter, steadiness, latency),
        bar_list))),
  el("div.try-side", {},
    el("section.card.spell", { "aria-labelledby": "spell" },
      el("header.card-head", {}, el("h2", { id: "spell" }, "Spell"), space, backspace, clear),
      line, ring, el("p.note", {}, "Hold a sign until it is written. To write it twice, take the hand away in between.")),
    exports),
  el("section.card.look", { "aria-labelledby": "look" },
    el("header.card-head", {}, el("h2", { id: "look" }, "What it looked at"), look), seen, seen_words),
  confusions);

const is_shown = () => try_tab.isConnected && !try_tab.hidden && uploaded === null;
poll(is_shown, modelName, 0, ({ answer, taken }) => onFrame(answer, taken));

let was_taught: boolean | null = null;
watch(["train"], () => {
  const is_taught = state.train.model !== null;
  if (is_taught !== was_taught) {
    model.options[0]!.disabled = !is_taught;
    if (!is_taught) model.value = "hands";
    else if (was_taught === false) model.value = "";
  }
  was_taught = is_taught;
  show(exports, is_taught);
});
drawLine();
export function openTry(): void {
  mountStage(stage_slot);
  openConfusions();
}
