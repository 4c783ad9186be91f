// The camera, its frames, and words for all that can go wrong with it.

export type CameraState = "off" | "starting" | "on" | "failed";
export interface Trouble { what: string; remedy: string }

const trouble = (what: string, remedy: string): Trouble => ({ what, remedy });
const with_files = "Pictures from files work without a camera.";

export function troubleOf(error: unknown): Trouble {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError")
    return trouble("This page may not use the camera.", `Allow it by the camera sign beside the address, then start the camera again. ${with_files}`);
  if (name === "NotFoundError" || name === "OverconstrainedError")
    return trouble("No camera was found.", `Plug one in, or choose another one, and start again. ${with_files}`);
  if (name === "NotReadableError" || name === "AbortError")
    return trouble("The camera is busy: another program or page uses it.", `Close that one, then start the camera again. ${with_files}`);
  return trouble(`The camera does not start: ${error instanceof Error ? error.message : String(error)}.`, with_files);
}

// Browsers give cameras only to pages that nobody on the way can change.
export function withoutDevices(): Trouble {
  const port = location.port || "80";
  return trouble("Your browser gives the camera only to pages from this machine or over https, and this one came over plain http from elsewhere.",
    `Three ways on: run \`ssh -L ${port}:127.0.0.1:${port} ${location.hostname}\` and open http://localhost:${port}/; ` +
    `put a reverse proxy with https before Mudra; or make a certificate for it with mkcert. ${with_files}`);
}

export class Camera extends EventTarget {
  readonly video = document.createElement("video");
  state: CameraState = "off";
  trouble: Trouble | null = null;
  devices: MediaDeviceInfo[] = [];
  device = "";  // the id of the one that runs
  private stream: MediaStream | null = null;
  private attempts = 0;

  constructor() {
    super();
    // iOS: inline, muted, and in the document before play().
    this.video.muted = true;
    this.video.setAttribute("muted", "");
    this.video.setAttribute("playsinline", "");
    this.video.setAttribute("aria-label", "The camera, mirrored");
    this.video.disablePictureInPicture = true;
    navigator.mediaDevices?.addEventListener?.("devicechange", () => void this.list());
  }

  private set(state: CameraState, trouble: Trouble | null = null): void {
    this.state = state;
    this.trouble = trouble;
    this.dispatchEvent(new Event("change"));
  }

  // Whether a start would not ask: a page should not ask for the camera before anybody wants it.
  async isAllowed(): Promise<boolean> {
    try {
      return (await navigator.permissions.query({ name: "camera" as PermissionName })).state === "granted";
    } catch {
      return false;
    }
  }

  async start(device = ""): Promise<boolean> {
    const attempt = ++this.attempts;
    if (!navigator.mediaDevices?.getUserMedia) {
      this.set("failed", withoutDevices());
      return false;
    }
    this.release();
    this.set("starting");
    try {
      const size = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
      const stream = await navigator.mediaDevices.getUserMedia({
        video: device ? { ...size, deviceId: { exact: device } } : { ...size, facingMode: "user" }, audio: false,
      });
      if (attempt !== this.attempts) {
        for (const track of stream.getTracks()) track.stop();
        return false;
      }
      this.use(stream);
      await this.video.play();
      await this.list();  // Safari names the devices only now
      this.set("on");
      return true;
    } catch (error) {
      if (attempt !== this.attempts) return false;
      this.release();
      this.set("failed", troubleOf(error));
      return false;
    }
  }

  private use(stream: MediaStream): void {
    this.stream = stream;
    this.video.srcObject = stream;
    const [track] = stream.getVideoTracks();
    this.device = track?.getSettings().deviceId ?? "";
    track?.addEventListener("ended", () => {
      if (this.stream !== stream) return;
      this.release();
      this.set("failed", trouble("The camera is gone.", `What was recorded so far is kept. Plug it in and start again. ${with_files}`));
    });
  }

  stop(): void {
    ++this.attempts;
    this.release();
    this.set("off");
  }

  private release(): void {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
  }

  private async list(): Promise<void> {
    if (!this.stream) return;
    this.devices = (await navigator.mediaDevices.enumerateDevices()).filter((each) => each.kind === "videoinput");
    this.dispatchEvent(new Event("devices"));
  }

  // After the video has moved in the document, browsers pause it.
  resume(): void {
    if (this.stream && this.video.paused) void this.video.play().catch(() => {});
  }

  // The next frame that the camera gives: the time (of performance.now()) at which it was taken.
  nextFrame(): Promise<number> {
    const { video } = this;
    return new Promise((done) => {
      const late = setTimeout(() => done(performance.now()), 1000);
      const once = (taken: number) => {
        clearTimeout(late);
        done(taken);
      };
      if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback((now, frame) => once(frame.captureTime ?? now));
      else requestAnimationFrame(once);
    });
  }
}

const canvas = document.createElement("canvas");
const context = canvas.getContext("2d", { willReadFrequently: true })!;

// What a picture shows now, unmirrored, its longer side at most `most` pixels.
export function grab(from: HTMLVideoElement | ImageBitmap, most: number, quality = 0.9): Blob | null {
  const [w, h] = from instanceof HTMLVideoElement ? [from.videoWidth, from.videoHeight] : [from.width, from.height];
  if (!w || !h) return null;
  const scale = Math.min(1, most / Math.max(w, h));
  canvas.width = Math.max(1, Math.round(w * scale));
  canvas.height = Math.max(1, Math.round(h * scale));
  context.drawImage(from, 0, 0, canvas.width, canvas.height);
  // toBlob waits until the page is idle, which costs more than the detour by base64.
  const text = atob(canvas.toDataURL("image/jpeg", quality).split(",")[1]!);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; ++at) bytes[at] = text.charCodeAt(at);
  return new Blob([bytes], { type: "image/jpeg" });
}
