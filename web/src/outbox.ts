// Frames on their way to the server. They are kept until the server has said that they are on its disk.
import { api, ApiError, type Changed, type Sample, serverIsHere, watchServer } from "./api";
import { count } from "./dom";
import { dismiss, notice, wordsOf } from "./notices";

interface Parcel { sign: string; recording: string; pictures: Blob[] }

const most_bytes = 64 << 20;       // in memory, all together
const most_of_a_request = 64;      // pictures
const bytes_of_a_request = 6 << 20;
const queue: Parcel[] = [];
let bytes = 0, is_sending = false, is_paused = false;
const idle: (() => void)[] = [];
let on_added: (sign: string, samples: Sample[], changed: Changed) => void = () => {};

export function whenAdded(work: typeof on_added): void { on_added = work; }
export const waiting = (): number => queue.reduce((sum, parcel) => sum + parcel.pictures.length, 0);
export const waitingFor = (sign: string): number => queue.reduce((sum, parcel) => sum + (parcel.sign === sign ? parcel.pictures.length : 0), 0);

export function newRecording(): string {
  return [...crypto.getRandomValues(new Uint8Array(6))].map((byte) => "abcdefghijklmnopqrstuvwxyz0123456789"[byte % 36]).join("");
}

// False: there is no room for it.
export function put(sign: string, recording: string, picture: Blob): boolean {
  if (bytes + picture.size > most_bytes) return false;
  bytes += picture.size;
  const last = queue.at(-1);
  if (last && last.sign === sign && last.recording === recording && queue.length > (is_sending ? 1 : 0)) last.pictures.push(picture);
  else queue.push({ sign, recording, pictures: [picture] });
  void send();
  return true;
}

// When everything is sent, or cannot be sent for now.
export function emptied(): Promise<void> {
  return queue.length === 0 || is_paused || !serverIsHere() ? Promise.resolve() : new Promise((done) => idle.push(done));
}

function fits(pictures: Blob[]): number {
  let n = 0, size = 0;
  while (n < pictures.length && n < most_of_a_request && (n === 0 || size + pictures[n]!.size <= bytes_of_a_request)) size += pictures[n++]!.size;
  return n;
}

async function send(): Promise<void> {
  if (is_sending || is_paused || !serverIsHere()) return;
  is_sending = true;
  while (queue.length > 0 && !is_paused) {
    const parcel = queue[0]!, pictures = parcel.pictures.slice(0, fits(parcel.pictures));
    try {
      const { samples, ...changed } = await api.add(parcel.sign, parcel.recording, pictures);
      drop(parcel, pictures);
      on_added(parcel.sign, samples, changed);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.isGone) break;
      if (error.status >= 500 || error.status === 401) hold(error);
      else await onRefused(parcel, pictures, error);
    }
  }
  is_sending = false;
  if (queue.length === 0 || is_paused || !serverIsHere()) for (const done of idle.splice(0)) done();
}

function drop(parcel: Parcel, pictures: Blob[]): void {
  parcel.pictures.splice(0, pictures.length);
  for (const picture of pictures) bytes -= picture.size;
  if (parcel.pictures.length === 0) queue.splice(queue.indexOf(parcel), 1);
}

// A full disk, say: nothing is thrown away before a person says so.
function hold(error: ApiError): void {
  is_paused = true;
  const go = () => {
    is_paused = false;
    void send();
  };
  notice("outbox", `${wordsOf(error)} ${count(waiting(), "picture")} of yours ${waiting() === 1 ? "waits" : "wait"} here, in this page.`, [
    { text: "Try again", run: go },
    { text: "Throw them away", run: () => { queue.length = bytes = 0; go(); } },
  ], { kind: "error" });
}

// One bad picture refuses its whole request: the others are sent one by one.
async function onRefused(parcel: Parcel, pictures: Blob[], error: ApiError): Promise<void> {
  if (pictures.length > 1) {
    parcel.pictures.splice(0, pictures.length);
    if (parcel.pictures.length === 0) queue.shift();
    queue.unshift(...pictures.map((picture) => ({ ...parcel, pictures: [picture] })));
    return;
  }
  drop(parcel, pictures);
  notice("refused", `A picture for “${parcel.sign}” was not taken. ${wordsOf(error)}`, [], { kind: "error" });
}

watchServer((is_here) => {
  if (is_here) void send();
  else dismiss("outbox");
});
addEventListener("beforeunload", (event) => {
  if (queue.length > 0) event.preventDefault();
});
