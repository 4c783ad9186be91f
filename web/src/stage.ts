// The camera's picture with the hand outlined, shared by the tabs that show it: one camera, one video element.
import { api, ApiError, type Answer } from "./api";
import { Camera, grab } from "./camera";
import { button, el, fill, rich, show } from "./dom";

export const camera = new Camera();
export interface Seen { answer: Answer; frame: Blob; taken: number }

const overlay = el("canvas.overlay", { "aria-hidden": "true" });
const words = el("div.stage-words");
const badge = el("p.badge", { hidden: true });
const chip = el("p.chip", { hidden: true, "aria-hidden": "true" });
const picker = el("select", { "aria-label": "Camera", onchange: () => void camera.start(picker.value) });
const toggle = button("Stop the camera", () => (camera.state === "on" || camera.state === "starting" ? camera.stop() : void camera.start(picker.value)), "button small");
const screen = el("div.screen", {}, camera.video, overlay, chip, badge, words, el("div.stage-tools", {}, picker, toggle));
const stage = el("div.stage", {}, screen);

const bones: [number, number][] = [[0, 1], [1, 2], [2, 3], [3, 4], [0, 5], [5, 6], [6, 7], [7, 8], [5, 9], [9, 10], [10, 11], [11, 12],
  [9, 13], [13, 14], [14, 15], [15, 16], [13, 17], [17, 18], [18, 19], [19, 20], [0, 17]];

// Puts the stage into a tab.
export function mountStage(parent: Element): void {
  if (stage.parentElement === parent) return;
  parent.append(stage);
  camera.resume();
}

export function setBadge(text: string | null): void {
  show(badge, text !== null);
  screen.classList.toggle("recording", text !== null);
  if (text !== null) badge.textContent = text;
}
export function setChip(text: string | null): void {
  show(chip, text !== null);
  if (text !== null) chip.textContent = text;
}

export function drawHand(canvas: HTMLCanvasElement, answer: Answer | null, width: number, height: number): void {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d")!;
  context.clearRect(0, 0, width, height);
  if (!answer?.box) return;
  const line = Math.max(2, width / 240), { left, top, right, bottom } = answer.box;
  const joints = (answer.joints ?? []).map(([x, y]) => [x * width, y * height] as const);
  context.lineWidth = line;
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = "rgba(255, 255, 255, 0.75)";
  context.beginPath();
  if (joints.length === 21) {
    for (const [a, b] of bones) {
      context.moveTo(...joints[a]!);
      context.lineTo(...joints[b]!);
    }
  }
  context.stroke();
  context.fillStyle = "#6cb2f5";
  for (const [x, y] of joints) {
    context.beginPath();
    context.arc(x, y, line * 1.3, 0, 2 * Math.PI);
    context.fill();
  }
  context.strokeStyle = "#6cb2f5";
  context.beginPath();
  context.roundRect(left * width, top * height, (right - left) * width, (bottom - top) * height, line * 4);
  context.stroke();
}

function refresh(): void {
  const { state, trouble } = camera;
  screen.classList.toggle("on", state === "on");
  toggle.textContent = state === "on" ? "Stop the camera" : state === "starting" ? "Cancel" : "Start the camera";
  show(words, state !== "on");
  show(toggle, state === "on" || state === "starting");
  if (state !== "on") {
    drawHand(overlay, null, 4, 3);
    setChip(null);
  }
  const start = button(state === "failed" ? "Start the camera again" : "Start the camera", () => void camera.start(picker.value), "button primary");
  if (state === "failed") fill(words, el("p", { role: "alert" }, el("strong", {}, trouble!.what), " ", rich(trouble!.remedy)), start);
  else if (state === "starting") fill(words, el("p", {}, "Waiting for the camera. Your browser may ask you to allow it."));
  else fill(words, start, el("p", {}, "Pictures stay on this machine."));
}

function listDevices(): void {
  fill(picker, ...camera.devices.map((device, at) => el("option", { value: device.deviceId }, device.label || `Camera ${at + 1}`)));
  picker.value = camera.device;
  show(picker, camera.devices.length > 1);
}

camera.addEventListener("change", () => {
  refresh();
  listDevices();
});
camera.addEventListener("devices", listDevices);
refresh();
listDevices();
void camera.isAllowed().then((is) => is && camera.state === "off" && void camera.start());

// Asks about frame after frame, one question at a time. `isWanted` is asked before each.
export function poll(isWanted: () => boolean, model: () => string | null, least_ms: number, seen: (seen: Seen) => void): void {
  const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
  void (async () => {
    for (;;) {
      if (document.hidden || camera.state !== "on" || !isWanted()) {
        await pause(150);
        continue;
      }
      const begun = performance.now(), taken = await camera.nextFrame();
      const frame = camera.state === "on" ? grab(camera.video, 640) : null;
      if (!frame) continue;
      try {
        const answer = await api.predict(frame, model());
        if (camera.state === "on" && isWanted()) {
          drawHand(overlay, answer, camera.video.videoWidth, camera.video.videoHeight);
          seen({ answer, frame, taken });
        }
      } catch (error) {
        await pause(error instanceof ApiError && error.isGone ? 1500 : 700);
      }
      const left = least_ms - (performance.now() - begun);
      if (left > 0) await pause(left);
    }
  })();
}
