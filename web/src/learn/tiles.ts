// Pictures side by side on one canvas, one of which is chosen: by click, or by keys as a slider is moved.
// A picture itself is such a canvas of tiles of one pixel.
import { el } from "../dom";
import { describe } from "./screen";

const root = document.documentElement;
// Colours as canvas pixels, 0xAABBGGRR.
const packed = (r: number, g: number, b: number) => (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
function colour(name: string): [number, number, number] {
  const hex = parseInt(getComputedStyle(root).getPropertyValue(name).trim().slice(1), 16);
  return [hex >> 16, (hex >> 8) & 255, hex & 255];
}

const steps = 255;
interface Colours { diverging: Uint32Array; grey: Uint32Array; no_number: number }
let colours: Colours | null = null;
function made(): Colours {
  const [low, mid, high] = [colour("--low"), colour("--mid"), colour("--high")];
  const diverging = new Uint32Array(2 * steps + 1), grey = new Uint32Array(256);
  for (let at = -steps; at <= steps; ++at) {
    const end = at < 0 ? low : high, part = Math.abs(at) / steps;
    const [r, g, b] = mid.map((from, channel) => Math.round(from + part * (end[channel]! - from))) as [number, number, number];
    diverging[at + steps] = packed(r, g, b);
  }
  for (let at = 0; at < 256; ++at) grey[at] = packed(at, at, at);
  return { diverging, grey, no_number: packed(...colour("--no-number")) };
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { colours = null; });

// From -scale (low) over 0 to scale (high).
export function diverging(scale: number): (value: number) => number {
  const { diverging: table, no_number } = colours ??= made();
  return (value) => (value === value ? table[steps + Math.max(-steps, Math.min(steps, Math.round((steps * value) / scale)))]! : no_number);
}
export function grey(byte: number): number { return (colours ??= made()).grey[byte]!; }
export const rgb = packed;

export interface Tiles {
  element: HTMLElement;
  draw(count: number, height: number, width: number, pixel: (tile: number, at: number) => number): void;
  choose(at: number): void;
  tell(text: string): void;  // what is to be seen, for who cannot see it
}

export function tiles({ name, columns, gap = 1, onChoose, text }: {
  name: string; columns: (width: number, count: number) => number; gap?: number;
  onChoose: (at: number) => void; text: (at: number) => string;
}): Tiles {
  const canvas = el("canvas", { "aria-hidden": "true" }), mark = el("span.mark", { "aria-hidden": "true" });
  const words = el("span.hidden");
  const element = el("div.tile-canvas", { tabindex: 0, role: "slider", "aria-label": name, "aria-valuemin": 0, "aria-valuenow": 0, "aria-valuemax": 0, "aria-valuetext": "not drawn yet" }, canvas, mark, words);
  const context = canvas.getContext("2d")!;
  let count = 1, across = 1, height = 1, width = 1, chosen = 0, image: ImageData | null = null, words_id = "";

  function place(): void {
    const down = Math.ceil(count / across), wide = across * (width + gap) - gap, high = down * (height + gap) - gap;
    mark.style.left = `${(100 * (chosen % across) * (width + gap)) / wide}%`;
    mark.style.top = `${(100 * Math.floor(chosen / across) * (height + gap)) / high}%`;
    mark.style.width = `${(100 * width) / wide}%`;
    mark.style.height = `${(100 * height) / high}%`;
    element.setAttribute("aria-valuenow", String(chosen + 1));
    element.setAttribute("aria-valuemin", "1");
    element.setAttribute("aria-valuemax", String(count));
    describe(element, text(chosen), "aria-valuetext");
  }
  const pick = (at: number) => {
    if (at >= 0 && at < count && at !== chosen) onChoose(at);
  };
  element.addEventListener("pointerdown", (event) => {
    const box = canvas.getBoundingClientRect(), down = Math.ceil(count / across);
    const column = Math.min(across - 1, Math.max(0, Math.floor((across * (event.clientX - box.left)) / box.width)));
    const row = Math.min(down - 1, Math.max(0, Math.floor((down * (event.clientY - box.top)) / box.height)));
    pick(row * across + column);
  });
  element.addEventListener("keydown", (event) => {
    const moves: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across, Home: -chosen, End: count - 1 - chosen, PageUp: -5 * across, PageDown: 5 * across };
    const move = moves[event.key];
    if (move === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    pick(chosen + move);
  });

  return {
    element,
    draw(new_count, new_height, new_width, pixel) {
      [count, height, width] = [Math.max(1, new_count), new_height, new_width];
      across = Math.max(1, Math.min(count, columns(element.clientWidth || 320, count)));
      const down = Math.ceil(count / across), wide = across * (width + gap) - gap, high = down * (height + gap) - gap;
      if (canvas.width !== wide || canvas.height !== high || !image) {
        canvas.width = wide;
        canvas.height = high;
        image = context.createImageData(wide, high);
      }
      const out = new Uint32Array(image.data.buffer);
      for (let tile = 0; tile < new_count; ++tile) {
        let to = Math.floor(tile / across) * (height + gap) * wide + (tile % across) * (width + gap), at = 0;
        for (let y = 0; y < height; ++y, to += wide) for (let x = 0; x < width; ++x) out[to + x] = pixel(tile, at++);
      }
      context.putImageData(image, 0, 0);
      place();
    },
    choose(at) {
      chosen = at;
      place();
    },
    tell(told) {
      if (!words_id) {
        words_id = words.id = `tiles-${name.replace(/\W+/g, "-").toLowerCase()}`;
        element.setAttribute("aria-describedby", words_id);
      }
      describe(words, told);
    },
  };
}

// As many columns as tiles of so many pixels fit.
export const fitting = (least: number) => (width: number, count: number): number => {
  const most = Math.max(1, Math.floor(width / least)), rows = Math.ceil(count / Math.min(most, count));
  return Math.ceil(count / rows);
};

// What colours mean: the ends of a scale with their numbers.
export function legend(): { element: HTMLElement; set: (scale: number, text: (value: number) => string) => void } {
  const [low, middle, high] = [el("span"), el("span", {}, "0"), el("span")];
  return {
    element: el("div.legend", {}, el("span.legend-bar", { "aria-hidden": "true" }), el("span.legend-ends", {}, low, middle, high)),
    set(scale, text) {
      low.textContent = text(-scale);
      high.textContent = text(scale);
    },
  };
}
