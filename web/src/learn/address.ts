// The address of the tab: #learn/STEP?state. It holds all that a link needs to open the same numbers.
import { type Options } from "./protocol";

export const none = -1;  // what to look at is not said: the training chooses
export interface Look { row: number; unit: number; pixel: number; layer: number }
// A weight changed by hand, once so many steps were done.
export interface Edit { at: number; name: string; index: number; value: number }
export interface Place {
  page: string;             // "" is the lab
  options: Options | null;  // null: the address says nothing of a training
  step: number; look: Look; edits: Edit[]; is_projected: boolean;
}

const option_names = ["data", "classes", "recipe", "network", "learning-rate", "batch-size", "init", "seed", "split", "epochs", "optimizer", "momentum"];
const whole = (text: string | null) => Math.max(0, Math.floor(Number(text ?? 0)) || 0);

export function isLearn(hash = location.hash): boolean { return /^#learn(?:[/?]|$)/.test(hash); }

export function readAddress(hash = location.hash): Place {
  const [way, text = ""] = hash.replace(/^#/, "").split("?");
  const said = new URLSearchParams(text), options: Options = {};
  for (const name of option_names) {
    const value = said.get(name);
    if (value !== null) options[name] = value;
  }
  const place = (name: string) => (said.has(name) ? whole(said.get(name)) : none);
  const edits = said.getAll("edit").flatMap((each): Edit[] => {
    const [at, name, index, value] = each.split(":");
    return name && Number.isFinite(Number(value)) ? [{ at: whole(at!), name, index: whole(index ?? "0"), value: Number(value) }] : [];
  });
  return {
    page: way!.split("/")[1] ?? "", options: "data" in options ? options : null, step: whole(said.get("step")), edits,
    look: { row: place("row"), unit: place("unit"), pixel: place("pixel"), layer: place("layer") },
    is_projected: said.get("projector") === "1",
  };
}

export function addressOf({ page, options, step, look, edits, is_projected }: Place): string {
  const said = new URLSearchParams(options ?? {});
  for (const [name, value] of Object.entries({ step, ...look })) said.set(name, String(value));
  for (const { at, name, index, value } of edits) said.append("edit", `${at}:${name}:${index}:${value}`);
  if (is_projected) said.set("projector", "1");
  return `#learn${page ? `/${page}` : ""}?${said.toString().replaceAll("%3A", ":").replaceAll("%2C", ",")}`;
}
