// The example that is looked at: its picture, with one pixel chosen, and the way to another example.
import { button, el, setText } from "../dom";
import { example, live, lookAt, newest, pictures, watchLive } from "./live";
import { digits, share } from "./numbers";
import { whenSeen } from "./screen";
import { grey, tiles } from "./tiles";
import { placeOf, side } from "./trace";

let shown: Uint8Array | null = null;
const pixels = () => side()[0] * side()[1];
const byteAt = (pixel: number) => shown?.[(live.look.row * pixels() + pixel) * live.session!.image[2]];
const picture_tiles = tiles({
  name: "Picture: choose a pixel", columns: () => side()[1], gap: 0, onChoose: (pixel) => lookAt({ pixel }),
  text: (pixel) => `${placeOf(pixel)}: byte ${byteAt(pixel) ?? "unknown"}`,
});
picture_tiles.element.dataset.origin = "byte x t";
const near = el("table.near", { "aria-hidden": "true" }), near_words = el("p.note.centred");
const words = el("p"), answer = el("p.note", { "data-origin": "p" });

const isTraining = (row: number) => live.session!.train.includes(row);
export const nameOf = (label: number): string => live.session?.classes[label] ?? String(label);

function move(by: number): void {
  const { train, held_out } = live.session!, rows = isTraining(live.look.row) ? train : held_out;
  const at = rows.indexOf(live.look.row);
  lookAt({ row: rows[(at + by + rows.length) % rows.length]! });
}
const from = el("select", { "aria-label": "Which pictures", onchange: () => lookAt({ row: (from.value === "train" ? live.session!.train : live.session!.held_out)[0]! }) },
  el("option", { value: "train" }, "Training pictures"), el("option", { value: "held_out" }, "Held-out pictures"));

export function describePicture(): string {
  const { row } = live.look, { session } = live;
  if (!session) return "";
  const rows = isTraining(row) ? session.train : session.held_out;
  return `Picture ${rows.indexOf(row) + 1} of ${rows.length}: sign ${nameOf(session.labels[row]!)}${session.groups ? `, ${session.groups[row]}` : ""}`;
}

// Bytes around the chosen pixel.
function drawNear(): void {
  const [high, wide] = side(), { pixel } = live.look, row = Math.floor(pixel / wide), column = pixel % wide, reach = 2;
  const top = Math.max(0, Math.min(high - 2 * reach - 1, row - reach)), left = Math.max(0, Math.min(wide - 2 * reach - 1, column - reach));
  near.replaceChildren(...Array.from({ length: 2 * reach + 1 }, (_, y) => el("tr", {}, ...Array.from({ length: 2 * reach + 1 }, (_, x) => {
    const at = (top + y) * wide + left + x, byte = byteAt(at) ?? 0, cell = el("td", {}, String(byte));
    cell.style.background = `rgb(${byte} ${byte} ${byte})`;
    cell.style.color = byte > 117 ? "#000" : "#fff";
    if (at === pixel) cell.className = "at";
    return cell;
  }))));
  setText(near_words, `The bytes around ${placeOf(pixel)}`);
}

async function draw(): Promise<void> {
  shown = await pictures();
  const session = live.session!, { row, pixel } = live.look, [high, wide] = side(), depth = session.image[2], images = shown, begin = row * pixels();
  picture_tiles.draw(high * wide, 1, 1, (at) => grey(images[(begin + at) * depth]!));
  picture_tiles.choose(pixel);
  picture_tiles.tell(describePicture());
  setText(words, describePicture());
  from.value = isTraining(row) ? "train" : "held_out";
  drawNear();
}
async function drawAnswer(): Promise<void> {
  const told = await example(live.look.row), best = told.probabilities.reduce<number>((most, p, at) => ((p ?? -1) > (told.probabilities[most] ?? -1) ? at : most), 0);
  const p = told.probabilities[best] ?? null;
  answer.classList.toggle("wrong-answer", best !== told.label);
  setText(answer, p === null ? "The network answers nothing that is a number." : `The network says ${nameOf(best)}, ${share(p)} sure: ${best === told.label ? "right" : "wrong"}. Loss ${digits(told.loss, 3)}.`);
}

export const picture = el("figure.picture", {}, picture_tiles.element, el("figcaption", {}, words, answer));
export const picker = el("div.row.picker", {}, from, button("‹", () => move(-1), "button small", { "aria-label": "The picture before" }), button("›", () => move(1), "button small", { "aria-label": "The next picture" }));
export const neighbourhood = el("figure.neighbourhood", {}, near, near_words);
const redraw = whenSeen(picture, newest(draw)), redrawAnswer = whenSeen(answer, newest(drawAnswer, 100));
watchLive(["look", "session"], () => { redraw(); redrawAnswer(); });
watchLive(["state"], redrawAnswer);
