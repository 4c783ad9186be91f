// The tab "Learn": a lab in which a network learns before your eyes, and a path of eight steps through what it does.
import { button, el, fill, show } from "../dom";
import { announce } from "../notices";
import { addressOf, isLearn, type Place, readAddress } from "./address";
import { by_hand } from "./change";
import { controls } from "./controls";
import { accuracy_curve, curvesMoved, loss_curve } from "./curves";
import { equation, whence } from "./equations";
import { experiment, report } from "./experiment";
import { features, isConvolutional } from "./features";
import { held_out } from "./held_out";
import { begin, live, lookAt, pause, rewindTo, watchLive } from "./live";
import { picker, picture } from "./picture";
import { quizOf, type Step, steps } from "./steps";
import { shapeOf } from "./trace";
import { unit_zoom, units } from "./units";

const page = el("div.learn-page");
const links = [["", "Lab"] as const, ...steps.map(({ id, title }) => [id, title] as const)].map(([id, title], at) => ({ id, link: el("a", { href: `#learn${id ? `/${id}` : ""}` }, at > 0 && el("span.step-number", {}, String(at)), title) }));
const projector = button("Projector", () => project(!place.is_projected), "button small", { "aria-pressed": "false", title: "Large type, one step on the screen, arrow keys turn the page" });
const copy = button("Copy link", () => {
  write();
  void navigator.clipboard?.writeText(location.href).then(() => announce("The link is copied"), () => {});
}, "button small");
const nav = el("div.path", {}, el("nav", { "aria-label": "Lab and steps" }, ...links.map(({ link }) => link)), el("span.path-tools", {}, projector, copy));
export const learn = el("div.learn", {}, el("h1.hidden", {}, "Learn"), nav, page);

const place: { page: string; is_projected: boolean } = { page: "", is_projected: false };

// ---- pages

function lab(): Node[] {
  if (isConvolutional()) return [controls, el("div.lab", {}, experiment, el("section.card.curves", { "aria-label": "Curves" }, loss_curve, accuracy_curve), el("section.card.lab-picture", { "aria-labelledby": "picture-title" }, el("header.card-head", {}, el("h2", { id: "picture-title" }, "The picture"), picker), picture)), features, held_out];
  const parts = [controls, el("div.lab", {}, experiment, el("section.card.curves", { "aria-label": "Curves" }, loss_curve, accuracy_curve), units)];
  if (!live.session || !shapeOf(live.session)) return [...parts, held_out];
  return [...parts, el("section.card.one-example", { "aria-labelledby": "example-title" },
    el("header.card-head", {}, el("h2", { id: "example-title" }, "One example, forward and backward"), picker),
    el("div.example-grid", {}, el("div.example-figures", {}, picture, unit_zoom, whence),
      el("div.equations", {}, el("h3.direction", {}, "Forward"), ...(["pixel", "sum", "active", "logit", "chance", "loss"] as const).map(equation)),
      el("div.equations", {}, el("h3.direction", {}, "Backward"), ...(["dz", "dw2", "da1", "dz1", "dw1", "step"] as const).map(equation)))), el("div.lab-end", {}, by_hand, held_out)];
}

function stepPage(step: Step, at: number): Node[] {
  const needs_other = !step.is_general && live.session !== null && !shapeOf(live.session);
  const turn = (to: number, text: string) => (steps[to] ? el("a.button", { href: `#learn/${steps[to]!.id}` }, text) : null);
  const quiz = quizOf(step.id);
  if (live.session && !live.is_busy) quiz.refresh();
  return [el("div.step", {},
    el("div.step-words", {},
      el("p.step-count", {}, `Step ${at + 1} of ${steps.length}`), el("h2", { tabindex: -1 }, step.title), ...step.text().map((text) => el("p", {}, text)),
      el("p.note", {}, "Derived line by line in ", el("code", {}, "docs/backpropagation.md"), `, section “${step.section}”.`)),
    el("div.step-figures", {}, ...(needs_other ? [el("div.card.empty", {}, el("p", {}, "This step shows a network of one hidden layer. The one in the lab has convolutions."), button("Begin the report’s training", () => void begin(report)))] : step.figures())),
    el("div.step-end", {}, quiz.element,
      el("div.row.turns", {}, turn(at - 1, `← ${steps[at - 1]?.title}`), turn(at + 1, `${steps[at + 1]?.title} →`), at + 1 === steps.length && el("a.button", { href: "#learn" }, "To the lab →"))))];
}

let shown = "";
function draw(): void {
  const at = steps.findIndex(({ id }) => id === place.page), is_lab = at < 0;
  // The lab stays as it is while its kind of network does: whoever chose an option keeps the focus.
  const key = `${place.page} ${is_lab ? live.session && [isConvolutional(), shapeOf(live.session) !== null].join() : live.session?.id}`;
  for (const { id, link } of links) {
    if (id === (at < 0 ? "" : place.page)) {
      link.setAttribute("aria-current", "page");
      link.parentElement!.scrollLeft = link.offsetLeft - link.parentElement!.offsetLeft - 40;
    } else link.removeAttribute("aria-current");
  }
  document.title = `${at < 0 ? "Learn" : `${steps[at]!.title} · Learn`} · Mudra`;
  const is_projected = place.is_projected && at >= 0;
  document.documentElement.classList.toggle("projected", is_projected);
  projector.setAttribute("aria-pressed", String(is_projected));
  show(projector, at >= 0);
  if (key === shown) return;
  shown = key;
  fill(page, ...(live.session ? (at < 0 ? lab() : stepPage(steps[at]!, at)) : [el("p.empty", {}, "Rendering hands …")]));
  requestAnimationFrame(curvesMoved);
}

function project(is: boolean): void {
  place.is_projected = is;
  draw();
  curvesMoved();
  tellSoon();
}
function turn(by: number): void {
  const at = steps.findIndex(({ id }) => id === readAddress().page) + by;  // place.page follows a little later
  if (steps[at]) location.hash = `#learn/${steps[at]!.id}`;
}
addEventListener("keydown", (event) => {
  if (learn.hidden || !place.is_projected || event.defaultPrevented || (event.target as Element).closest("input, select, [role=slider], .symbol")) return;
  if (event.key === "Escape") project(false);
  else if (["ArrowRight", "PageDown"].includes(event.key)) turn(1);
  else if (["ArrowLeft", "PageUp"].includes(event.key)) turn(-1);
  else return;
  event.preventDefault();
});

// ---- the address

let timer: number | null = null;
function write(): void {
  if (timer !== null) clearTimeout(timer);
  timer = null;
  if (!isLearn() || !live.session || !live.state || live.is_busy) return;
  const told: Place = { ...place, options: live.options, step: live.state.step, look: live.look, edits: live.edits };
  history.replaceState({ is_ours: true }, "", addressOf(told));
}
// Browsers count how often an address is written: not sixty times a second.
function tellSoon(): void { timer ??= window.setTimeout(write, live.is_running ? 1000 : 250); }
watchLive(["state", "look", "progress", "run"], tellSoon);
watchLive(["session"], () => { draw(); tellSoon(); });
watchLive(["run", "look"], () => {
  const step = steps.find(({ id }) => id === place.page);
  if (step && !live.is_running && !live.is_busy && live.session) quizOf(step.id).refresh();
});

// An address with a training in it opens that training at its step; one without keeps what is there.
function open(is_link: boolean): void {
  const told = readAddress(), is_known = live.session !== null && !is_link;
  const was = place.page;
  place.page = told.page;
  if (told.options) place.is_projected = told.is_projected;
  if (told.options && !is_known) {
    Object.assign(live.look, told.look);
    if (live.session && JSON.stringify(told.options) === JSON.stringify(live.options) && JSON.stringify(told.edits) === JSON.stringify(live.edits) && told.step <= live.state!.step) void rewindTo(told.step).then(() => lookAt(told.look));
    else void begin(told.options, told.step, told.edits);
  } else if (!live.session) void begin(report);
  else if (told.options) lookAt(told.look);
  else if (place.page === "hand" && live.session.train.includes(live.look.row)) lookAt({ row: live.session.held_out[0] ?? live.look.row });
  draw();
  tellSoon();
  if (was !== place.page) {
    scrollTo(0, 0);
    page.querySelector<HTMLElement>(".step-words h2")?.focus({ preventScroll: true });
  }
}
addEventListener("hashchange", () => {
  if (isLearn()) open((history.state as { is_ours?: boolean } | null)?.is_ours !== true && location.hash.includes("?"));
  else {
    pause();
    document.documentElement.classList.remove("projected");
  }
});
export function openLearn(): void { open(live.session === null); }
