// The state of the server as this page knows it. Whoever shows it is told when it changes.
import { api, type Changed, serverIsHere, setServer, type Signs, type Train, watchServer } from "./api";

export interface State {
  signs: Signs;
  train: Train;
  chosen: string | null;  // the sign whose pictures are shown
}

export const none_name = "none";  // the sign that stands for none of the signs
const nothing: Train = { state: "idle", why: null, done: 0, version: null, seconds: null, model: null, by_recording: null, by_frames: null };
export const state: State = { signs: { signs: [], version: 0, undo: null, folder: "" }, train: nothing, chosen: null };
export let is_known = false;  // whether the server has told its signs

type Topic = "signs" | "train" | "chosen" | "samples";
const watchers = new Map<Topic, Set<() => void>>();

export function watch(topics: Topic[], watcher: () => void): void {
  for (const topic of topics) watchers.set(topic, (watchers.get(topic) ?? new Set()).add(watcher));
}
export function tell(topic: Topic): void {
  for (const watcher of watchers.get(topic) ?? []) watcher();
}

export function setSigns(signs: Signs): void {
  if (is_known && signs.version < state.signs.version) return;  // an answer that was overtaken
  is_known = true;
  state.signs = signs;
  if (state.chosen !== none_name && !signs.signs.some((sign) => sign.name === state.chosen)) choose(signs.signs[0]?.name ?? null);
  tell("signs");
}
export function choose(name: string | null): void {
  if (state.chosen === name) return;
  state.chosen = name;
  tell("chosen");
}
// After a change of ours; the numbers come with the next GET.
export function noteChange(changed: Changed): void {
  state.signs.undo = changed.undo;
  void refresh();
}

let refreshing: Promise<void> | null = null, is_again = false;
// Asks for the signs, once at a time: what arrives meanwhile is one more question.
export function refresh(): Promise<void> {
  is_again = true;
  refreshing ??= (async () => {
    while (is_again) {
      is_again = false;
      try {
        setSigns(await api.signs());
      } catch { /* the banner says it, and the way back asks again */ }
      await new Promise((done) => setTimeout(done, 60));
    }
    refreshing = null;
  })();
  return refreshing;
}

function setTrain(train: Train): void {
  state.train = train;
  tell("train");
}
export const trainNow = async () => setTrain(await api.train());
export const stopTraining = async () => setTrain(await api.stop());

// Events: the browser connects again by itself while the server is merely slow. After it was gone we begin anew.
let source: EventSource | null = null;
export function follow(): void {
  source?.close();
  source = new EventSource("/api/events");
  source.addEventListener("signs", (event) => {
    const { version } = JSON.parse(event.data) as { version: number };
    if (!is_known || version !== state.signs.version) void refresh();
  });
  source.addEventListener("train", (event) => setTrain(JSON.parse(event.data) as Train));
  source.addEventListener("error", () => {
    if (source?.readyState !== EventSource.CLOSED && serverIsHere()) void api.signs().then(setSigns, () => {});
    if (source?.readyState === EventSource.CLOSED && serverIsHere()) setTimeout(follow, 2000);
  });
}
watchServer((is_here) => {
  if (!is_here) return;
  state.signs.version = 0;  // another server may be there now
  void refresh();
  follow();
});
addEventListener("online", () => setServer(true));
