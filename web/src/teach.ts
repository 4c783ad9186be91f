// The tab "Teach": signs, their pictures, and what was learned from them.
import { api, pictureUrl, type Sample, type Sign } from "./api";
import { askText } from "./dialog";
import { button, count, el, fill, icon, setText, show, workButton } from "./dom";
import { addFiles, chosen } from "./files";
import { Grid } from "./grid";
import { learning } from "./learning";
import { attempt, announce, notice } from "./notices";
import { waitingFor, whenAdded } from "./outbox";
import { holdToRecord, recordingOf } from "./record";
import { mountStage, poll, setChip } from "./stage";
import { choose, none_name, noteChange, setSigns, state, tell, watch } from "./store";

const shown = (name: string) => (name === none_name ? "None of these" : name);
const hand = "M12 21c-4 0-6-2-8-6l-1.500-3c-.5-1 .8-2 1.800-1.200L7 13V6.500a1.300 1.300 0 0 1 2.600 0V11V4.300a1.300 1.300 0 0 1 2.600 0V11V5.300a1.300 1.300 0 0 1 2.600 0V12V8.300a1.300 1.300 0 0 1 2.600 0V15c0 4-2 6-5.400 6z";

// ---- the list of signs: rows are kept while they are there, or a held button would lose its hand

interface Row { element: HTMLElement; update: (sign: Sign | null) => void }
const rows = new Map<string, Row>();
const list = el("ul.signs", { "aria-label": "Signs" });
const firsts = new Map<string, string>();  // a picture of each sign, once we know one

function makeRow(name: string): Row {
  const picture = el("span.sign-picture", { "aria-hidden": "true" }), title = el("span.sign-name", {}, shown(name)), facts = el("span.note");
  const pick = el("button.sign-pick", { type: "button", onclick: () => choose(name) }, picture, el("span.sign-words", {}, title, facts));
  const record = el("button.record", { type: "button", "aria-label": `Hold to record ${shown(name)}` }, el("span.dot", { "aria-hidden": "true" }), el("span.hold-long", {}, "Hold to record"), el("span.hold-short", {}, "Hold"));
  holdToRecord(record, () => name, () => {
    if (recordingOf() === name) choose(name);
    tell("signs");
  });
  const element = el("li.sign", { "data-sign": name, ondragover: (event: DragEvent) => event.preventDefault() },
    el("div.sign-line", {}, pick, record),
    name === none_name && el("p.note.sign-note", {}, "Faces and resting hands, if you like. You need not record any: where no hand is seen, the answer is none of these anyway."));
  let first = "";
  return {
    element,
    update(sign) {
      const more = waitingFor(name);
      setText(facts, [sign ? count(sign.samples, "picture") : name === none_name ? "Built in" : "", more > 0 && `${more} on the way`].filter(Boolean).join(" · "));
      element.classList.toggle("chosen", state.chosen === name);
      pick.setAttribute("aria-pressed", String(state.chosen === name));
      element.classList.toggle("active", recordingOf() === name);
      const file = sign && sign.samples > 0 ? firsts.get(name) ?? "" : "";
      if (file === first && picture.childNodes.length > 0) return;
      first = file;
      fill(picture, file ? el("img", { src: pictureUrl(file, 96), alt: "" }) : icon(name === none_name ? "M5.600 5.600 18.400 18.400M12 3a9 9 0 1 1 0 18a9 9 0 0 1 0-18z" : hand));
    },
  };
}

function drawSigns(): void {
  const signs = new Map(state.signs.signs.map((sign) => [sign.name, sign] as const));
  const wanted = [...signs.keys()].filter((name) => name !== none_name);
  const recorded = recordingOf();
  if (recorded !== null && recorded !== none_name && !signs.has(recorded)) wanted.push(recorded);
  wanted.push(none_name);
  for (const [name, row] of rows) if (!wanted.includes(name)) {
    row.element.remove();
    rows.delete(name);
  }
  wanted.forEach((name, at) => {
    const row = rows.get(name) ?? makeRow(name);
    rows.set(name, row);
    if (list.children[at] !== row.element) list.insertBefore(row.element, list.children[at] ?? null);
    row.update(signs.get(name) ?? null);
  });
  setText(undo, "Undo");
  undo.disabled = state.signs.undo === null;
  undo.title = state.signs.undo === null ? "Nothing to undo" : `Undo: ${state.signs.undo} (Ctrl+Z)`;
  undo.setAttribute("aria-label", state.signs.undo === null ? "Undo" : `Undo: ${state.signs.undo}`);
  void findFirsts();
}

let is_finding = false;
async function findFirsts(): Promise<void> {
  if (is_finding) return;
  is_finding = true;
  for (const sign of state.signs.signs) {
    if (sign.samples === 0) firsts.delete(sign.name);
    if (sign.samples === 0 || firsts.has(sign.name) || sign.name === state.chosen) continue;
    const answer = await api.samples(sign.name).catch(() => null);
    if (answer?.samples[0]) firsts.set(sign.name, answer.samples[0].file);
    rows.get(sign.name)?.update(state.signs.signs.find((each) => each.name === sign.name) ?? sign);
  }
  is_finding = false;
}

const name_input = el("input", { type: "text", maxlength: 100, placeholder: "Name of a sign", "aria-label": "Name of a new sign", autocomplete: "off" });
const add_form = el("form.add-sign", {
  onsubmit: (event: SubmitEvent) => {
    event.preventDefault();
    const name = name_input.value.trim();
    if (name === "") return name_input.focus();
    void attempt(async () => {
      setSigns(await api.makeSign(name));
      name_input.value = "";
      choose(name);
      announce(`Sign ${name} added`);
    });
  },
}, name_input, el("button.button.primary", { type: "submit" }, "Add sign"));

// ---- the pictures of the chosen sign

const grid = new Grid();
let samples: Sample[] = [], of = "", asked = 0;

async function load(): Promise<void> {
  const name = state.chosen, mine = ++asked;
  if (name !== of) put(name ?? "", []);
  if (name === null || !state.signs.signs.some((sign) => sign.name === name)) return put(name ?? "", []);
  const answer = await api.samples(name).catch(() => null);
  if (answer && mine === asked && state.chosen === name) put(name, answer.samples);
}

function put(name: string, next: Sample[]): void {
  samples = next;
  of = name;
  if (samples[0]) firsts.set(name, samples[0].file);
  else firsts.delete(name);
  grid.set(name, samples);
  drawPictures();
}

const heading = el("h2", { id: "pictures" });
const empty = el("p.empty"), sum = el("p.note");
const choice = el("p.choice", { "aria-live": "polite" });
const target = el("select", { "aria-label": "Move the selected pictures to the sign", onchange: () => void relabel() });
const remove = workButton("Delete", removeSelected, "button small");
const tools = el("div.row.selection", {}, choice, target, remove, button("Clear", () => grid.clear(), "button small"));
const files_input = el("input", { type: "file", multiple: true, accept: "image/png,image/jpeg,image/webp,.npz", hidden: true, "aria-label": "Files", onchange: onFiles });
const folder_input = el("input", { type: "file", webkitdirectory: true, hidden: true, "aria-label": "Folder", onchange: onFiles });
const rename = workButton("Rename", renameSign, "button small");
const delete_sign = workButton("Delete sign", deleteSign, "button small");
const all = button("Select all", () => grid.selectAll(), "button small");

function onFiles(event: Event): void {
  const input = event.target as HTMLInputElement;
  const found = input.files ? chosen(input.files) : [];
  if (found.length > 0) void addFiles(found, state.chosen);
  input.value = "";
}

function drawPictures(): void {
  const name = state.chosen, selected = grid.selected.size;
  const sign = state.signs.signs.find((each) => each.name === name);
  setText(sum, sign && sign.samples > 0 ? `${count(sign.samples, "picture")} in ${count(sign.recordings, "recording")}${sign.without_hand > 0 ? `, ${sign.without_hand} without a hand` : ""}` : "");
  setText(heading, name === null ? "Pictures" : shown(name));
  show(grid.element, samples.length > 0);
  show(empty, samples.length === 0);
  fill(empty, name === null ? "No sign yet. Add one, or drop a folder here whose sub-folders are signs."
    : "No pictures yet. Hold the sign's button while the camera sees your hand, or drop pictures here: files, folders, or an .npz.");
  for (const each of [rename, delete_sign]) show(each, sign !== undefined);
  show(rename, !rename.hidden && name !== none_name);
  show(all, samples.length > 0 && selected === 0);
  tools.classList.toggle("idle", selected === 0);
  show(tools, selected > 0);
  setText(choice, selected > 0 ? `${selected.toLocaleString("en")} selected` : "");
  const names = [...state.signs.signs.map((sign) => sign.name).filter((each) => each !== none_name), none_name].filter((each) => each !== name);
  if (target.dataset.names !== names.join("\n")) {
    target.dataset.names = names.join("\n");
    fill(target, el("option", { value: "" }, "Move to …"), ...names.map((each, at) => el("option", { value: String(at) }, shown(each))));
  }
  target.value = "";
}
grid.onselect = drawPictures;
grid.ondelete = () => void removeSelected();

const undoable = (text: string) => notice("done", text, [{ text: "Undo", run: () => void undoLast() }], { ms: 8000 });

async function removeSelected(): Promise<void> {
  const files = [...grid.selected];
  if (files.length === 0) return;
  await attempt(async () => {
    const changed = await api.remove(files), gone = new Set(files);
    put(of, samples.filter((sample) => !gone.has(sample.file)));
    noteChange(changed);
    undoable(`${count(files.length, "picture")} deleted.`);
  });
  grid.element.focus({ preventScroll: true });
}

async function relabel(): Promise<void> {
  const names = target.dataset.names!.split("\n"), to = names[Number(target.value)], files = [...grid.selected];
  if (target.value === "" || to === undefined || files.length === 0) return;
  await attempt(async () => {
    const changed = await api.relabel(files, to), gone = new Set(files);
    put(of, samples.filter((sample) => !gone.has(sample.file)));
    noteChange(changed);
    undoable(`${count(files.length, "picture")} moved to “${shown(to)}”.`);
  });
}

export async function undoLast(): Promise<void> {
  await attempt(async () => {
    const changed = await api.undo();
    noteChange(changed);
    notice("done", `Undone: ${changed.undone}.`, [], { ms: 4000 });
    await load();
  });
}

async function renameSign(): Promise<void> {
  const name = state.chosen;
  if (name === null) return;
  const to = await askText(`Rename “${name}”`, name, "Rename");
  if (to === null || to === name) return;
  await attempt(async () => {
    const signs = await api.renameSign(name, to);
    state.chosen = to;
    setSigns(signs);
    tell("chosen");
  });
}

async function deleteSign(): Promise<void> {
  const name = state.chosen;
  if (name === null) return;
  await attempt(async () => {
    setSigns(await api.deleteSign(name));
    undoable(`The sign “${shown(name)}” is deleted.`);
  });
}

const undo = workButton("Undo", undoLast, "button small");
addEventListener("keydown", (event) => {
  const at = event.target as HTMLElement;
  if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || at.matches("input, select, textarea") || at.closest("dialog")) return;
  event.preventDefault();
  if (state.signs.undo !== null) void undoLast();
});

whenAdded((sign, added, changed) => {
  if (sign === of) put(of, [...samples, ...added.filter((sample) => !samples.some((each) => each.file === sample.file))]);
  else if (added[0] && !firsts.has(sign)) firsts.set(sign, added[0].file);
  noteChange(changed);
});

// Another page, or somebody in the folder, may have changed what is shown here; a finished check finds suspects.
let known = "", settled = "";
function onNews(): void {
  const sign = state.signs.signs.find((each) => each.name === state.chosen);
  if (!["preparing", "training", "checking"].includes(state.train.state)) settled = `${state.train.version} ${state.train.by_recording?.right}`;
  const next = `${state.chosen} ${sign?.samples} ${sign?.recordings} ${sign?.without_hand} ${settled}`;
  if (next === known || recordingOf() !== null) return;
  known = next;
  void load();
}

const column = el("div.teach-camera");
export const teach = el("div.teach", {},
  el("h1.hidden", {}, "Teach signs"),
  el("div.teach-side", {}, column, learning),
  el("section.card.signs-card", { "aria-labelledby": "signs" },
    el("header.card-head", {}, el("h2", { id: "signs" }, "Signs"), undo), add_form, list),
  el("section.card.pictures-card", { "aria-labelledby": "pictures" },
    el("header.card-head", {}, el("div.titles", {}, heading, sum), all, rename, delete_sign),
    tools, grid.element, empty,
    el("div.row.sources", {}, button("Add files", () => files_input.click(), "button small"), button("Add a folder", () => folder_input.click(), "button small"),
      el("p.note", {}, "or drop them here. Sub-folders are signs.")), files_input, folder_input));

watch(["signs"], () => {
  drawSigns();
  drawPictures();
  onNews();
});
watch(["chosen"], () => {
  known = "";
  drawSigns();
  drawPictures();
  onNews();
});
watch(["train"], onNews);
drawSigns();
drawPictures();

const is_shown = () => teach.isConnected && !teach.hidden;
poll(is_shown, () => null, 66, ({ answer }) => {
  const { label, confidence } = answer;
  setChip(state.train.model === null ? (answer.box ? "A hand" : "No hand in view") : label === null || label === none_name ? "none of these" : `${label}  ${Math.round(100 * confidence)}%`);
});
export function openTeach(): void {
  mountStage(column);
  grid.set(of, samples);
}
