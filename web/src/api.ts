// What the server offers, and whether it is there.

export interface Sign { name: string; samples: number; recordings: number; without_hand: number }
export interface Signs { signs: Sign[]; version: number; undo: string | null; folder: string }
export interface Sample { file: string; recording: string; hand: boolean | null; suspect: string | null }
export interface Score { accuracy: number; interval: [number, number]; n: number; right: number; recordings: number }
export interface Train {
  state: "idle" | "preparing" | "training" | "checking" | "stopped" | "failed";
  why: string | null;
  done: number;
  version: number | null;
  seconds: number | null;
  model: { name: string; classes: string[]; samples: number } | null;
  by_recording: Score | null;
  by_frames: Score | null;
  why_no_check?: string | null;
}
export interface Cell { truth: string; answer: string; files: string[] }
export interface Suspect { file: string; sign: string; suggestion: string; probability: number }
export interface Evaluation {
  version: number; classes: string[]; columns?: string[]; matrix: number[][]; cells: Cell[]; suspects: Suspect[];
  by_recording: Score | null; by_frames: Score | null;
  per_recording: { recording: string; sign: string; right: number; n: number }[];
}
export interface Box { left: number; top: number; right: number; bottom: number }
export interface Answer {
  label: string | null; confidence: number; none?: number | null; probabilities: Record<string, number>;
  box?: Box | null; joints?: [number, number][] | null;
}
export interface Explanation {
  label: string | null; confidence: number; box: Box | null; view: [number, number][] | null; side: number; values: number[];
}
export interface Run {
  name: string; run?: string; when: string | null; data: string; accuracy: number | null; interval: [number, number] | null; n?: number;
  network: string; state?: string; problem?: string | null; seconds?: number | null;
}
export type Epoch = Record<string, unknown> & { epoch: number };

// What the server said went wrong. Status 0: the server did not answer at all.
export class ApiError extends Error {
  constructor(readonly status: number, readonly what: string, readonly where = "", readonly remedy = "") {
    super([what, where && `(${where})`].filter(Boolean).join(" "));
  }
  get isGone(): boolean { return this.status === 0; }
}

let is_here = true;
const watchers = new Set<(is_here: boolean) => void>();
export function watchServer(watcher: (is_here: boolean) => void): void { watchers.add(watcher); }
export function serverIsHere(): boolean { return is_here; }

export function setServer(is: boolean): void {
  if (is === is_here) return;
  is_here = is;
  for (const watcher of watchers) watcher(is);
  if (!is) void retry();
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

async function retry(): Promise<void> {
  while (!is_here) {
    await pause(1500);
    try {
      const response = await fetch("/api/health", { cache: "no-store" });
      if (response.ok) setServer(true);
    } catch { /* not yet */ }
  }
}

async function send(path: string, init: RequestInit): Promise<[Response, ArrayBuffer]> {
  try {
    const response = await fetch(path, { cache: "no-store", ...init });
    return [response, await response.arrayBuffer()];
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    setServer(false);
    throw new ApiError(0, "Mudra's server does not answer", "", "Start it again with `mudra serve`: nothing is lost");
  }
}

function parsed(response: Response, path: string, bytes: ArrayBuffer): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new ApiError(response.ok ? 500 : response.status, `the server answered ${response.status} with something else than JSON`, path, "Is something between this page and Mudra?");
  }
}

async function fetchBytes(path: string, init: RequestInit = {}): Promise<[Response, ArrayBuffer]> {
  const [response, bytes] = await send(path, init);
  setServer(true);
  if (response.ok) return [response, bytes];
  const { what = `the server answered ${response.status}`, where = "", remedy = "" } = (parsed(response, path, bytes) ?? {}) as Record<string, string>;
  throw new ApiError(response.status, what, where, remedy);
}

async function ask(path: string, init: RequestInit = {}): Promise<unknown> {
  const [response, bytes] = await fetchBytes(path, init);
  return parsed(response, path, bytes);
}

export const query = (values: Record<string, string | number | null | undefined>): string => {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined) as [string, string | number][];
  return given.length > 0 ? `?${given.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join("&")}` : "";
};
export const getBytes = (path: string): Promise<ArrayBuffer> => fetchBytes(path).then(([, bytes]) => bytes);
export const get = <T>(path: string): Promise<T> => ask(path) as Promise<T>;
export const post = <T>(path: string, body: unknown): Promise<T> =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }) as Promise<T>;
const postPicture = <T>(path: string, picture: Blob): Promise<T> =>
  ask(path, { method: "POST", headers: { "Content-Type": picture.type || "image/png" }, body: picture }) as Promise<T>;

export async function base64(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

export interface Changed { version: number; undo: string | null }

export const api = {
  signs: () => get<Signs>("/api/signs"),
  makeSign: (name: string) => post<Signs>("/api/signs", { name }),
  renameSign: (name: string, to: string) => post<Signs>("/api/signs/rename", { name, to }),
  deleteSign: (name: string) => post<Signs>("/api/signs/delete", { name }),
  samples: (sign: string) => get<{ samples: Sample[] }>(`/api/samples${query({ sign })}`),
  async add(sign: string, recording: string, pictures: Blob[]): Promise<Changed & { samples: Sample[] }> {
    const path = `/api/samples${query({ sign, recording })}`;
    if (pictures.length === 1) return postPicture(path, pictures[0]!);
    return post(path, { images: await Promise.all(pictures.map(base64)) });
  },
  relabel: (files: string[], sign: string) => post<Changed & { samples: Sample[] }>("/api/samples/relabel", { files, sign }),
  remove: (files: string[]) => post<Changed>("/api/samples/delete", { files }),
  undo: () => post<Changed & { undone: string }>("/api/undo", {}),
  train: () => post<Train>("/api/train", {}),
  stop: () => post<Train>("/api/train/stop", {}),
  // Columns are the classes where the server names no others.
  evaluation: () => get<Evaluation>("/api/evaluation").then((told) => ({ ...told, columns: told.columns ?? told.classes })),
  predict: (picture: Blob, model: string | null = null) => postPicture<Answer>(`/api/predict${query({ model })}`, picture),
  explain: (picture: Blob, model: string | null = null) => postPicture<Explanation>(`/api/explain${query({ model })}`, picture),
  runs: () => get<Run[] | { runs: Run[] }>("/api/runs").then((answer) => (Array.isArray(answer) ? answer : answer.runs)),
  curves: (run: string) => get<{ epochs: Epoch[] }>(`/api/runs/curves${query({ run })}`),
};

export const pictureUrl = (file: string, side = 96): string =>
  `/api/samples/picture${query({ file, side: String(Math.round(side * Math.min(2, devicePixelRatio || 1))) })}`;
export const reportUrl = (run: string): string => `/api/runs/report${query({ run })}`;
