// What the server says of a live training, and how it is asked. All numbers of the tab "Learn" come from here.
import { get, getBytes, post, query } from "../api";

export interface Layer { text: string; shape: number[] | null }
export interface Weight { name: string; shape: number[]; layer: number; offset: number }
export interface Epoch {
  epoch: number; rate: number;
  loss_train: number | null; accuracy_train: number | null; loss_held_out: number | null; accuracy_held_out: number | null;
}
export interface State {
  epoch: number; batch: number; step: number; loss: number | null; problem: string | null; why: string | null; edited: boolean;
  losses: [number, number | null][]; history: Epoch[];
}
export interface Session {
  id: string; command: string; classes: string[]; image: [number, number, number]; network: string; parameters: number;
  layers: Layer[]; weights: Weight[]; labels: number[]; train: number[]; held_out: number[]; groups: string[] | null;
  batches: number; options: Record<string, string>; state: State;
}
export interface Example { row: number; label: number; logits: (number | null)[]; probabilities: (number | null)[]; loss: number | null }
export interface Slope {
  value: number; derivative: number; loss: number; h: number; loss_above: number; loss_below: number; difference: number; error: number;
}
export interface Answers {
  rows: number[]; labels: number[]; probabilities: (number | null)[][]; loss: number | null; accuracy: number | null; confusion: number[][];
}
// Options under their names of the command line.
export type Options = Record<string, string>;

const floats = (path: string) => getBytes(path).then((bytes) => new Float32Array(bytes));
const path = (name: string, values: Record<string, string | number | null>) => `/api/learn/${name}${query(values)}`;

export const protocol = {
  begin: (options: Options) => post<Session>("/api/learn", options),
  advance: (id: string, by: { batches: number } | { epochs: number }, since_step: number, since_epoch: number) =>
    post<State>("/api/learn/advance", { id, ...by, since_step, since_epoch }),
  rewind: (id: string, step: number) => post<State>("/api/learn/rewind", { id, step }),
  setWeight: (id: string, name: string, index: number, value: number) => post<State>("/api/learn/weight", { id, name, index, value }),
  pictures: (id: string) => getBytes(path("pictures", { id })).then((bytes) => new Uint8Array(bytes)),
  weights: (id: string) => floats(path("weights", { id })),
  gradients: (id: string, row: number | null) => floats(path("gradients", { id, row })),
  values: (id: string, row: number, layer: number) => floats(path("values", { id, row, layer })),
  batch: (id: string) => get<{ rows: number[] }>(path("batch", { id })).then((told) => told.rows),
  example: (id: string, row: number) => get<Example>(path("example", { id, row })),
  // What is no number is null in JSON.
  slope: (id: string, row: number, name: string, index: number) => get<Record<keyof Slope, number | null>>(path("slope", { id, row, name, index }))
    .then((told) => Object.fromEntries(Object.entries(told).map(([key, value]) => [key, value ?? NaN])) as unknown as Slope),
  answers: (id: string) => get<Answers>(path("answers", { id })),
};
