// A burst of pictures while a button is held.
import { grab } from "./camera";
import { count } from "./dom";
import { announce, notice } from "./notices";
import { newRecording, put } from "./outbox";
import { camera, setBadge } from "./stage";

const between_ms = 110;  // nine pictures a second
const most_side = 320;

let now: { sign: string; is_held: boolean } | null = null;
export const recordingOf = (): string | null => now?.sign ?? null;

async function record(sign: string, changed: () => void): Promise<void> {
  if (now) return;
  const mine: { sign: string; is_held: boolean } = { sign, is_held: true };
  now = mine;
  if (camera.state !== "on" && !await camera.start(camera.device)) mine.is_held = false;
  const recording = newRecording();
  let taken = 0;
  changed();
  announce(`Recording ${sign}`);
  while ((mine.is_held || taken === 0) && camera.state === "on" && !document.hidden) {
    const begun = performance.now();
    await camera.nextFrame();  // never the same frame twice
    const frame = camera.state === "on" ? grab(camera.video, most_side, 0.95) : null;
    if (frame && !put(sign, recording, frame)) {
      notice("full", "The server takes no pictures at the moment, and this page holds as many as it can. Recording has stopped; they are sent as soon as possible.", [], { kind: "error" });
      break;
    }
    if (frame) setBadge(`${sign}: ${++taken}`);
    await new Promise((done) => setTimeout(done, Math.max(0, between_ms - (performance.now() - begun))));
  }
  now = null;
  setBadge(null);
  changed();
  if (taken > 0) announce(`${count(taken, "picture")} of ${sign} recorded`);
}

// Makes a button record `sign()` while mouse, finger, Space or Enter hold it.
export function holdToRecord(button: HTMLButtonElement, sign: () => string, changed: () => void): void {
  const start = () => {
    button.classList.add("held");
    void record(sign(), () => {
      if (recordingOf() === null) button.classList.remove("held");
      changed();
    });
  };
  const end = () => {
    button.classList.remove("held");
    if (now) now.is_held = false;
  };
  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    button.setPointerCapture(event.pointerId);
    start();
  });
  for (const kind of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) button.addEventListener(kind, end);
  button.addEventListener("keydown", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (!event.repeat) start();
  });
  button.addEventListener("keyup", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    end();
  });
  button.addEventListener("contextmenu", (event) => event.preventDefault());  // a long touch
}
