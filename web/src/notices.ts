// What has to be said: notices with a way on, and the voice for screen readers.
import { ApiError } from "./api";
import { button, el, rich, setText } from "./dom";

export interface Action { text: string; run: () => void }
const most_notices = 4;
const place = el("div.notices", { role: "region", "aria-label": "Messages" });
const voice = el("p.hidden", { "aria-live": "polite", role: "status" });

export function mountNotices(parent: Element): void { parent.append(place, voice); }

// A notice of the same `key` takes the place of the one before. With `ms` it goes by itself.
export function notice(key: string, text: string, actions: Action[] = [], options: { kind?: "error" | "info"; ms?: number } = {}): void {
  dismiss(key);
  const made = el(`div.notice.${options.kind ?? "info"}` as "div", { "data-key": key, role: options.kind === "error" ? "alert" : "status" },
    el("p", {}, rich(text)),
    ...actions.map((action) => button(action.text, () => { dismiss(key); action.run(); }, "button small")),
    button("×", () => dismiss(key), "close", { "aria-label": "Dismiss" }));
  place.append(made);
  while (place.children.length > most_notices) place.firstElementChild!.remove();
  if (options.ms) setTimeout(() => made.remove(), options.ms);
}

export function dismiss(key: string): void {
  for (const each of [...place.children]) if ((each as HTMLElement).dataset.key === key) each.remove();
}

const sentence = (text: string) => (text === "" ? "" : text[0]!.toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : "."));

export function wordsOf(error: unknown): string {
  if (error instanceof ApiError) return [sentence(error.message), sentence(error.remedy)].filter(Boolean).join(" ");
  return sentence(error instanceof Error ? error.message : String(error));
}

// For work that a person began: what goes wrong is said. A server that is gone has its banner.
export async function attempt<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ApiError && error.isGone) return null;
    notice("error", wordsOf(error), [], { kind: "error" });
    return null;
  }
}

let last_said = 0, waiting: number | null = null;
// At most once a second: the newest text wins.
export function announce(text: string): void {
  if (waiting !== null) clearTimeout(waiting);
  waiting = window.setTimeout(() => {
    waiting = null;
    last_said = performance.now();
    setText(voice, text);
  }, Math.max(0, 1000 - (performance.now() - last_said)));
}
