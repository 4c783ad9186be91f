// The live training that this page looks at: what the server told of it, and every way to move it.
// Views watch a topic and ask for what they show; nothing travels that nobody looks at.
import { ApiError } from "../api";
import { attempt } from "../notices";
import { type Edit, type Look, none } from "./address";
import { type Options, protocol, type Session, type State } from "./protocol";

export type Speed = "1" | "5" | "frame" | "epoch";
interface Live {
  options: Options; session: Session | null; state: State | null; look: Look; edits: Edit[];
  is_running: boolean; is_busy: boolean; speed: Speed;
}
export const live: Live = {
  options: {}, session: null, state: null, look: { row: none, unit: none, pixel: none, layer: none }, edits: [], is_running: false, is_busy: false, speed: "frame",
};

// session: another training; state: its numbers moved; look: another example, unit, pixel or layer is looked at;
// run: it runs, waits or works; progress: as state, but also while a run without motion draws nothing.
type Topic = "session" | "state" | "look" | "run" | "progress";
const watchers = new Map<Topic, Set<() => void>>();
export function watchLive(topics: Topic[], watcher: () => void): void {
  for (const topic of topics) watchers.set(topic, (watchers.get(topic) ?? new Set()).add(watcher));
}
export function tellLive(topic: Topic): void {
  for (const watcher of watchers.get(topic) ?? []) watcher();
}

export const isStill = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;

// ---- what is asked of the server once and kept until the numbers move

const kept = new Map<string, Promise<unknown>>();
function keep<T>(key: string, ask: (id: string) => Promise<T>): Promise<T> {
  const known = kept.get(key) as Promise<T> | undefined;
  if (known) return known;
  const asked = withId(ask);
  kept.set(key, asked);
  asked.catch(() => kept.get(key) === asked && kept.delete(key));
  return asked;
}

// The server keeps few trainings: one that it forgot is made anew, to the same bits.
async function withId<T>(ask: (id: string) => Promise<T>): Promise<T> {
  const { id } = live.session!;
  try {
    return await ask(id);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    await makeAnew(id);
    return ask(live.session!.id);
  }
}

let making: Promise<void> | null = null;
function makeAnew(forgotten: string): Promise<void> {
  if (live.session!.id !== forgotten) return Promise.resolve();
  making ??= (async () => {
    const { step } = live.state!, { edits } = live;
    const session = await protocol.begin(live.options);
    live.session = session;
    let state = session.state, applied = 0;
    for (;;) {
      while (applied < edits.length && edits[applied]!.at <= state.step) {
        const { name, index, value } = edits[applied++]!;
        state = await protocol.setWeight(session.id, name, index, value);
      }
      const stop = Math.min(step, edits[applied]?.at ?? step);
      if (state.step >= stop || state.problem !== null) break;
      state = await protocol.advance(session.id, { batches: stop - state.step }, 0, 0);
    }
  })().finally(() => { making = null; });
  return making;
}

export const pictures = () => keep("pictures", protocol.pictures);
export const gradients = (row: number | null) => keep(`gradients ${row}`, (id) => protocol.gradients(id, row));
export const values = (row: number, layer: number) => keep(`values ${row} ${layer}`, (id) => protocol.values(id, row, layer));
export const batch = () => keep("batch", protocol.batch);
export const example = (row: number) => keep(`example ${row}`, (id) => protocol.example(id, row));
export const slope = (row: number, name: string, index: number) => keep(`slope ${row} ${name} ${index}`, (id) => protocol.slope(id, row, name, index));
export const answers = () => keep("answers", protocol.answers);

interface Seen { step: number; weights: Float32Array }
let seen: Seen | null = null, seen_before: Seen | null = null;
// They belong to one step: nothing moves while they are on their way.
export const weights = (): Promise<Float32Array> => keep("weights", (id) => inTurn(() => readWeights(id)));
async function readWeights(id: string): Promise<Float32Array> {
  const { step } = live.state!, read = await protocol.weights(id);
  if (seen && seen.step !== step) seen_before = seen;
  seen = { step, weights: read };
  return read;
}
// The weights that were looked at before those of now, if they are older.
export const weightsBefore = (): Seen | null => (seen_before && seen && seen_before.step < seen.step ? seen_before : null);
// Set by whoever draws changes: whether it is on the screen.
export const looks = { at_changes: () => false };

// ---- moves

let chain: Promise<unknown> = Promise.resolve();
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const next = chain.then(work, work);
  chain = next.catch(() => {});
  return next;
}

async function busily(work: () => Promise<void>): Promise<void> {
  await attempt(() => inTurn(async () => {
    live.is_busy = true;
    tellLive("run");
    try {
      await work();
    } finally {
      live.is_busy = false;
      tellLive("run");
    }
  }));
}

// `since`: what the losses and epochs of `next` follow.
function take(next: State, since_step: number, since_epoch: number): void {
  const old = live.state;
  live.state = {
    ...next,
    losses: [...(old?.losses ?? []).filter(([step]) => step <= since_step), ...next.losses],
    history: [...(old?.history ?? []).filter(({ epoch }) => epoch <= since_epoch), ...next.history],
  };
  const same = kept.get("pictures");
  kept.clear();
  if (same) kept.set("pictures", same);
  tellLive("progress");
  if (!(live.is_running && isStill())) tellLive("state");
}

async function forward(step: number): Promise<void> {
  while (live.state!.step < step && live.state!.problem === null) {
    const { losses, history, step: here } = live.state!;
    const since_step = losses.at(-1)?.[0] ?? 0, since_epoch = history.at(-1)?.epoch ?? 0;
    take(await withId((id) => protocol.advance(id, { batches: step - here }, since_step, since_epoch)), since_step, since_epoch);
  }
}

// Forward to a step, with the changes by hand that belong to the way; `from` counts those that are made already.
async function follow(step: number, from: number): Promise<void> {
  const edits = live.edits;
  for (let at = from; ; ++at) {
    const stop = Math.min(step, edits[at]?.at ?? step);
    await forward(stop);
    if (at >= edits.length || live.state!.step < edits[at]!.at) break;
    const { name, index, value } = edits[at]!;
    take(await withId((id) => protocol.setWeight(id, name, index, value)), Infinity, Infinity);
  }
  await forward(step);
}

// Stops one step short to see what the last step changes.
async function arrive(step: number, from: number): Promise<void> {
  if (step > live.state!.step + 1) {
    await follow(step - 1, from);
    from = live.edits.filter(({ at }) => at <= live.state!.step).length;
  }
  if (looks.at_changes()) await withId(readWeights);
  await follow(step, from);
}

// `step` is moved to with its changes by hand; what is wrong with the options is said, and the training before stays.
export function begin(options: Options, step = 0, edits: Edit[] = []): Promise<void> {
  return busily(async () => {
    pause();
    let session: Session;
    try {
      session = await protocol.begin(options);
    } catch (error) {
      tellLive("session");  // the controls show again what is there
      throw error;
    }
    Object.assign(live, { options, session, state: null, edits });
    kept.clear();
    seen = seen_before = null;
    const { look } = live, [high, wide] = session.image;
    const within = (at: number, count: number, otherwise: number) => (at >= 0 && at < count ? at : otherwise);
    live.look = { row: within(look.row, session.labels.length, session.train[0]!), unit: within(look.unit, unitsOf(session), 0),
      pixel: within(look.pixel, high * wide, Math.floor(high / 2) * wide + Math.floor(wide / 2)), layer: within(look.layer, session.layers.length, 0) };
    take(session.state, 0, 0);
    tellLive("session");
    await arrive(step, 0);
    tellLive("look");
  });
}
export const unitsOf = (session: Session): number => session.weights[0]?.shape[0] ?? 1;

export const advanceTo = (step: number): Promise<void> => busily(async () => {
  const to = Math.min(step, lastStep());
  if (to > live.state!.step + 1) await forward(to - 1);
  if (looks.at_changes() && seen?.step !== live.state!.step) await withId(readWeights);
  await forward(to);
});

export const rewindTo = (step: number): Promise<void> => busily(async () => {
  pause();
  live.edits = live.edits.filter(({ at }) => at < step);
  const back = Math.max(0, step - 1);
  seen = seen_before = null;
  take(await withId((id) => protocol.rewind(id, back)), 0, 0);
  await arrive(step, live.edits.filter(({ at }) => at < back).length);
});

export const lastStep = (): number => (live.session ? live.session.batches * Number(live.session.options["epochs"] ?? 100) : 0);
export const epochStart = (step = live.state?.step ?? 0): number => (live.session ? Math.floor(step / live.session.batches) * live.session.batches : 0);
export const isOver = (): boolean => live.state === null || live.state.problem !== null || live.state.step >= lastStep();

// Many changes of one weight at one step are one; only the newest of those that wait is sent.
let waiting: Edit | null = null;
export function setWeight(name: string, index: number, value: number): Promise<void> {
  const { step } = live.state!, is_first = waiting === null;
  waiting = { at: step, name, index, value };
  if (!is_first) return Promise.resolve();
  return busily(async () => {
    const edit = waiting!;
    waiting = null;
    const last = live.edits.at(-1);
    live.edits = last && last.at === edit.at && last.name === name && last.index === index ? [...live.edits.slice(0, -1), edit] : [...live.edits, edit];
    take(await withId((id) => protocol.setWeight(id, edit.name, edit.index, edit.value)), Infinity, Infinity);
  });
}

export function lookAt(change: Partial<Look>): void {
  Object.assign(live.look, change);
  tellLive("look");
}

// ---- running

const nextFrame = () => new Promise<void>((done) => requestAnimationFrame(() => done()));
const after = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

export async function run(): Promise<void> {
  if (live.is_running || isOver()) return;
  live.is_running = true;
  tellLive("run");
  await attempt(async () => {
    while (live.is_running && !isOver()) {
      const { step } = live.state!, still = isStill();
      const turn = still || live.speed === "frame" || live.speed === "epoch" ? nextFrame() : after(1000 / Number(live.speed));
      await inTurn(() => forward(Math.min(lastStep(), still || live.speed === "epoch" ? epochStart(step) + live.session!.batches : step + 1)));
      await turn;
    }
  });
  live.is_running = false;
  tellLive("run");
  tellLive("state");
}
export function pause(): void {
  live.is_running = false;
}

// A work that is done for the newest state, once at a time, at most every `ms` while the training runs.
export function newest(work: () => Promise<void>, ms = 0): () => void {
  let is_working = false, is_again = false;
  const go = async (): Promise<void> => {
    if (is_working) {
      is_again = true;
      return;
    }
    is_working = true;
    do {
      is_again = false;
      const begun = performance.now();
      if (live.session && live.state) await attempt(work);
      if (ms > 0 && live.is_running) await after(Math.max(0, ms - (performance.now() - begun)));
    } while (is_again);
    is_working = false;
  };
  return () => void go();
}
