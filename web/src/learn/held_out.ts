// What the network says of the pictures it has never learned: counts, and the pictures it gets wrong.
import { el, fill, setText } from "../dom";
import { answers, live, lookAt, newest, pictures, watchLive } from "./live";
import { digits, share } from "./numbers";
import { describe, whenSeen } from "./screen";
import { fitting, rgb, tiles } from "./tiles";
import { nameOf } from "./picture";

const score = el("p.status"), words = el("p.note"), matrix = el("table.matrix.counts"), known = el("p.note"), wrong_words = el("p.note");
let wrong: number[] = [], said: string[] = [];
const wrong_tiles = tiles({ name: "Held-out pictures told wrongly: choose one", columns: fitting(58), gap: 2, onChoose: (at) => lookAt({ row: wrong[at]! }), text: (at) => said[at] ?? "none" });
const most = 60;

// How many held-out pictures show a hand that was trained on, too.
export function heldOutFacts(): { n: number; of_known_hands: number; hands: number } {
  const { held_out, train, groups } = live.session!;
  if (!groups) return { n: held_out.length, of_known_hands: 0, hands: 0 };
  const trained = new Set(train.map((row) => groups[row]!));
  return { n: held_out.length, of_known_hands: held_out.filter((row) => trained.has(groups[row]!)).length, hands: new Set(held_out.map((row) => groups[row]!)).size };
}

async function draw(): Promise<void> {
  const told = await answers(), { classes } = live.session!;
  const n = told.rows.length, right = told.confusion.reduce((sum, row, at) => sum + row[at]!, 0);
  setText(score, `${share(right / n)} right`);
  setText(words, `${right} of ${n} held-out pictures, at step ${live.state!.step}. Loss ${told.loss === null ? "NaN" : digits(told.loss, 3)}.`);
  const largest = Math.max(1, ...told.confusion.flat());
  fill(matrix, el("caption.hidden", {}, "Rows: what is shown. Columns: what the network says."),
    el("thead", {}, el("tr", {}, el("td"), ...classes.map((name) => el("th", { scope: "col" }, el("span.name", {}, name))))),
    el("tbody", {}, ...told.confusion.map((row, truth) => el("tr", {}, el("th", { scope: "row" }, el("span.name", {}, classes[truth]!)), ...row.map((count) =>
      el(`td.count.${count === 0 ? "zero" : `shade-${Math.min(8, 1 + Math.floor((8 * count) / largest))}`}` as "td", {}, String(count)))))));
  matrix.classList.toggle("many", classes.length > 5);
  const facts = heldOutFacts();
  setText(known, facts.hands === 0 ? "" : facts.of_known_hands === 0 ? `They show ${facts.hands} hands, none of which was trained on.`
    : `${facts.of_known_hands} of them show a hand of which another picture was trained on: that is easier than a hand never seen. Choose “Held out: by hand” under Experiment in the lab.`);
  const answersOf = told.probabilities.map((p) => p.reduce<number>((best, each, at) => ((each ?? -1) > (p[best] ?? -1) ? at : best), 0));
  const picked = told.rows.map((row, at) => ({ row, truth: told.labels[at]!, answer: answersOf[at]! })).filter((each) => each.truth !== each.answer).slice(0, most);
  wrong = picked.map(({ row }) => row);
  said = picked.map(({ truth, answer }) => `${nameOf(truth)}, taken for ${nameOf(answer)}`);
  const images = await pictures(), [high, wide, depth] = live.session!.image, size = high * wide * depth;
  wrong_tiles.element.hidden = wrong.length === 0;
  wrong_tiles.draw(wrong.length, high, wide, (tile, at) => {
    const from = wrong[tile]! * size + at * depth, [r, g, b] = depth === 3 ? [images[from]!, images[from + 1]!, images[from + 2]!] : [images[from]!, images[from]!, images[from]!];
    return rgb(r, g, b);
  });
  const at = wrong.indexOf(live.look.row);
  wrong_tiles.choose(Math.max(0, at));
  describe(wrong_words, wrong.length === 0 ? "None is told wrongly." : `${n - right} told wrongly${n - right > most ? `, ${most} shown` : ""}. ${at >= 0 ? `Chosen: ${said[at]}.` : "Choose one to look into it."}`);
}
export const held_out = el("section.card.held-out", { "aria-labelledby": "held-out-title" },
  el("header.card-head", {}, el("h2", { id: "held-out-title" }, "Hands never seen")), score, words, known,
  el("div.beside", {}, el("div.counts-box", {}, el("div.wide", { tabindex: 0, role: "group", "aria-label": "Confusion matrix" }, matrix), el("p.note", { "aria-hidden": "true" }, "Rows: what is shown. Columns: what the network says.")), el("figure.wrong-ones", {}, wrong_tiles.element, wrong_words)));
const redraw = whenSeen(held_out, newest(draw, 250));
watchLive(["state", "look", "session"], redraw);
