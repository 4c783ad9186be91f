// What the check by recording got wrong: the matrix with its pictures, and labels that may be mistakes.
import { api, ApiError, type Evaluation as Told, pictureUrl, type Suspect } from "./api";
import { button, count, el, fill, percent, workButton } from "./dom";
import { attempt, notice } from "./notices";
import { none_name, noteChange, state, watch } from "./store";

type Evaluation = Told & { columns: string[] };
const body = el("div.beside"), doubts = el("div.doubts");
let evaluation: Evaluation | null = null, is_open = false, known = "", chosen: [number, number] | null = null;
const first_tiles = 24;

const kept_key = "mudra-kept";
const kept = new Set<string>(JSON.parse(localStorage.getItem(kept_key) ?? "[]") as string[]);
function keep(suspect: Suspect): void {
  kept.add(`${suspect.file} ${suspect.suggestion}`);
  localStorage.setItem(kept_key, JSON.stringify([...kept].slice(-2000)));
  drawDoubts();
}

const shown = (name: string) => (name === none_name ? "none of these" : name);
const picture = (file: string, words: string) => el("img", { src: pictureUrl(file, 128), alt: words, loading: "lazy", title: file });

const place = el("div.shown", { "aria-live": "polite" });
function showCell(row: number, column: number, most = first_tiles): void {
  if (!evaluation) return;
  chosen = [row, column];
  const truth = evaluation.classes[row]!, answer = evaluation.columns[column]!;
  const files = evaluation.cells.find((cell) => cell.truth === truth && cell.answer === answer)?.files ?? [];
  for (const each of body.querySelectorAll<HTMLElement>(".cell")) each.setAttribute("aria-pressed", String(each.dataset.at === `${row} ${column}`));
  const text = shown(truth) === shown(answer) ? `“${shown(truth)}”, told rightly` : `“${shown(truth)}”, taken for “${shown(answer)}”`;
  fill(place, el("h3", {}, `${text}: ${count(files.length, "picture")}`),
    el("div.tiles", {}, ...files.slice(0, most).map((file, at) => picture(file, `${text}: picture ${at + 1}`))),
    files.length > most && button(`Show ${Math.min(200, files.length - most)} more`, () => showCell(row, column, most + 200), "button small"));
}

function cell(row: number, column: number, most: number): HTMLElement {
  const { classes, columns, matrix } = evaluation!, n = matrix[row]![column]!;
  const is_right = classes[row] === columns[column];
  const made = el("button.cell", { type: "button", tabindex: row + column === 0 ? 0 : -1, "aria-pressed": "false", "data-at": `${row} ${column}`,
    "aria-label": `${shown(classes[row]!)}, answered ${shown(columns[column]!)}: ${n}`, onclick: () => showCell(row, column) }, n === 0 ? "·" : n.toLocaleString("en"));
  made.classList.add(n === 0 ? "zero" : `shade-${Math.min(8, 1 + Math.floor((8 * n) / Math.max(1, most)))}`);
  made.classList.toggle("right", is_right);
  return made;
}

function onKey(event: KeyboardEvent): void {
  const at = (event.target as HTMLElement).dataset.at?.split(" ").map(Number), rows = body.querySelectorAll("tbody tr").length, columns = evaluation?.columns.length ?? 0;
  const moves: Record<string, [number, number]> = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  if (!at) return;
  const move = moves[event.key] ?? (event.key === "Home" ? [0, -at[1]!] : event.key === "End" ? [0, columns - 1 - at[1]!] : null);
  if (!move) return;
  event.preventDefault();
  const [row, column] = [Math.min(rows - 1, Math.max(0, at[0]! + move[0]!)), Math.min(columns - 1, Math.max(0, at[1]! + move[1]!))];
  for (const each of body.querySelectorAll<HTMLElement>(".cell")) {
    const is_next = each.dataset.at === `${row} ${column}`;
    each.tabIndex = is_next ? 0 : -1;
    if (is_next) each.focus();
  }
}

function drawMatrix(): void {
  if (!evaluation) return;
  const { classes, columns, matrix } = evaluation, most = Math.max(1, ...matrix.flat());
  const head = (name: string) => el("th", { scope: "col" }, el("span.name", { title: shown(name) }, shown(name)));
  const table = el("table.matrix", { onkeydown: onKey },
    el("caption", {}, "Rows: what was shown. Columns: what was answered."),
    el("thead", {}, el("tr", {}, el("td"), ...columns.map(head))),
    el("tbody", {}, ...classes.map((name, row) => (matrix[row]!.some((n) => n > 0) || name !== none_name) && el("tr", {},
      el("th", { scope: "row" }, el("span.name", { title: shown(name) }, shown(name))),
      ...columns.map((_, column) => el("td", {}, cell(row, column, most)))))));
  table.classList.toggle("many", columns.length > 5);
  table.classList.toggle("dense", columns.length > 12);
  fill(body, el("div.wide", { tabindex: 0, role: "group", "aria-label": "Confusion matrix" }, table), place);
  let worst: [number, number] = [0, 0], wrong = 0;
  matrix.forEach((row, r) => row.forEach((n, c) => { if (classes[r] !== columns[c] && n > wrong) [worst, wrong] = [[r, c], n]; }));
  const at = chosen && chosen[0] < classes.length && chosen[1] < columns.length ? chosen : wrong > 0 ? worst : null;
  if (at) showCell(...at);
  else fill(place, el("p.note", {}, "Nothing is confused. Choose a cell to see its pictures."));
}

function drawDoubts(): void {
  const all = (evaluation?.suspects ?? []).filter((suspect) => !kept.has(`${suspect.file} ${suspect.suggestion}`)), some = all.slice(0, 12);
  fill(doubts, some.length > 0 && el("h3", {}, `Is this really …? ${count(all.length, "picture")} to look at`),
    some.length > 0 && el("ul.doubt-list", {}, ...some.map((suspect) => el("li.doubt", {}, picture(suspect.file, `A picture of ${suspect.sign}`),
      el("div", {},
        el("p", {}, "Is this really ", el("strong", {}, shown(suspect.sign)), "?"),
        el("p.note", {}, `The check says ${shown(suspect.suggestion)}, ${percent(suspect.probability)} sure.`),
        el("div.row", {},
          workButton(`It is ${shown(suspect.suggestion)}`, () => relabel(suspect), "button small"),
          button("Keep", () => keep(suspect), "button small")))))));
}

async function relabel(suspect: Suspect): Promise<void> {
  await attempt(async () => {
    noteChange(await api.relabel([suspect.file], suspect.suggestion));
    if (evaluation) evaluation.suspects = evaluation.suspects.filter((each) => each !== suspect);
    drawDoubts();
    notice("done", `Moved to “${shown(suspect.suggestion)}”. It learns again.`, [], { ms: 5000 });
  });
}

function nothing(text: string): void {
  evaluation = null;
  fill(body, el("p.empty", {}, text));
  drawDoubts();
}

async function load(): Promise<void> {
  try {
    evaluation = await api.evaluation();
    drawMatrix();
    drawDoubts();
  } catch (error) {
    if (error instanceof ApiError && error.isGone) return;
    nothing(state.train.why_no_check ?? state.train.why ?? "There is no check yet: it needs two recordings of every sign.");
  }
}

export const confusions = el("section.card.confusions", { "aria-labelledby": "confusions" },
  el("header.card-head", {}, el("h2", { id: "confusions" }, "What it confuses")), body, doubts);

function onNews(): void {
  const { train } = state, next = `${train.version} ${train.state} ${train.by_recording?.right} ${train.why_no_check} ${train.why}`;
  if (!is_open || next === known || ["preparing", "training", "checking"].includes(train.state)) return;
  known = next;
  void load();
}
watch(["train"], onNews);
export function openConfusions(): void {
  is_open = true;
  onNews();
}
