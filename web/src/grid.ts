// Thousands of pictures, of which only those that are seen are in the document.
import { pictureUrl, type Sample } from "./api";
import { el } from "./dom";

const most_tiles = 96;
const gap = 6;

export class Grid {
  readonly element = el("div.grid", { role: "listbox", tabindex: 0, "aria-multiselectable": "true", "aria-label": "Pictures" });
  readonly selected = new Set<string>();
  onselect: () => void = () => {};
  ondelete: () => void = () => {};
  private readonly space = el("div.grid-space", { role: "presentation" });
  private samples: Sample[] = [];
  private sign = "";
  private tiles = new Map<string, HTMLElement>();
  private at = 0;       // the one that the keyboard is at
  private anchor = 0;   // where a range begins
  private columns = 1;
  private side = 88;

  constructor() {
    this.element.append(this.space);
    this.element.addEventListener("scroll", () => requestAnimationFrame(() => this.draw()), { passive: true });
    this.element.addEventListener("click", (event) => this.onClick(event));
    this.element.addEventListener("keydown", (event) => this.onKey(event));
    this.element.addEventListener("focus", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  set(sign: string, samples: Sample[]): void {
    if (sign !== this.sign) {
      this.selected.clear();
      this.at = this.anchor = 0;
      this.element.scrollTop = 0;
    }
    const is_at_end = this.element.scrollTop + this.element.clientHeight > this.element.scrollHeight - 40 && samples.length > this.samples.length;
    this.sign = sign;
    this.samples = samples;
    const there = new Set(samples.map((sample) => sample.file));
    for (const file of this.selected) if (!there.has(file)) this.selected.delete(file);
    this.at = Math.max(0, Math.min(this.at, samples.length - 1));
    this.element.setAttribute("aria-label", `Pictures of ${sign}`);
    this.draw();
    if (is_at_end && sign === this.sign) this.element.scrollTop = this.element.scrollHeight;
    this.onselect();
  }

  selectAll(): void {
    for (const sample of this.samples) this.selected.add(sample.file);
    this.changed();
  }
  clear(): void {
    this.selected.clear();
    this.changed();
  }
  private changed(): void {
    this.draw();
    this.onselect();
  }

  // The side of a tile is such that no more than `most_tiles` are seen at once.
  private measure(): void {
    const width = this.element.clientWidth - 2 * gap, height = parseFloat(getComputedStyle(this.element).maxHeight);
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    let side = Math.max(5.25 * rem, Math.min(7 * rem, width / 9));
    for (;; side *= 1.1) {
      this.columns = Math.max(1, Math.floor((width + gap) / (side + gap)));
      const rows = Math.ceil(height / (side + gap)) + 3;
      if (rows * this.columns <= most_tiles || side > 20 * rem) break;
    }
    this.side = Math.floor((width + gap) / this.columns) - gap;
  }

  private draw(): void {
    if (this.element.clientWidth === 0) return;
    this.measure();
    const row = this.side + gap, rows = Math.ceil(this.samples.length / this.columns);
    this.space.style.height = `${rows * row + gap}px`;
    const first = Math.max(0, Math.floor(this.element.scrollTop / row) - 1) * this.columns;
    const end = Math.min(this.samples.length, (Math.ceil((this.element.scrollTop + this.element.clientHeight) / row) + 1) * this.columns);
    const kept = new Map<string, HTMLElement>();
    for (let at = first; at < end; ++at) {
      const sample = this.samples[at]!;
      const tile = this.tiles.get(sample.file) ?? this.tile(sample);
      this.tiles.delete(sample.file);
      kept.set(sample.file, tile);
      this.dress(tile, sample, at, row);
    }
    for (const tile of this.tiles.values()) tile.remove();
    this.tiles = kept;
    const active = this.samples[this.at] && kept.get(this.samples[this.at]!.file);
    if (active) this.element.setAttribute("aria-activedescendant", active.id);
    else this.element.removeAttribute("aria-activedescendant");
  }

  private tile(sample: Sample): HTMLElement {
    const image = el("img", { alt: "", decoding: "async", draggable: "false", src: pictureUrl(sample.file, 96) });
    const tile = el("div.tile", { role: "option", "data-file": sample.file }, image);
    this.space.append(tile);
    return tile;
  }

  private dress(tile: HTMLElement, sample: Sample, at: number, row: number): void {
    const is_first = this.samples[at - 1]?.recording !== sample.recording;
    tile.id = `picture-${at}`;
    tile.className = "tile";
    tile.classList.toggle("first", is_first && at > 0);
    tile.classList.toggle("handless", sample.hand === false);
    tile.classList.toggle("suspect", sample.suspect !== null);
    tile.classList.toggle("at", at === this.at);
    tile.style.width = tile.style.height = `${this.side}px`;
    tile.style.transform = `translate(${(at % this.columns) * (this.side + gap) + gap}px, ${Math.floor(at / this.columns) * row + gap}px)`;
    const words = [`Picture ${at + 1} of ${this.samples.length}`, `recording ${sample.recording}`,
      sample.hand === false ? "no hand was found" : "", sample.suspect !== null ? `may be ${sample.suspect}` : ""].filter(Boolean).join(", ");
    tile.setAttribute("aria-label", words);
    tile.title = words;
    tile.setAttribute("aria-selected", String(this.selected.has(sample.file)));
    tile.setAttribute("aria-setsize", String(this.samples.length));
    tile.setAttribute("aria-posinset", String(at + 1));
  }

  private range(to: number): void {
    this.selected.clear();
    for (let at = Math.min(this.anchor, to); at <= Math.max(this.anchor, to); ++at) this.selected.add(this.samples[at]!.file);
  }
  private flip(at: number): void {
    const { file } = this.samples[at]!;
    if (!this.selected.delete(file)) this.selected.add(file);
  }

  private onClick(event: MouseEvent): void {
    const file = (event.target as Element).closest<HTMLElement>(".tile")?.dataset.file;
    const at = this.samples.findIndex((sample) => sample.file === file);
    if (at < 0) return this.clear();
    const is_touch = (event as PointerEvent).pointerType === "touch";
    const is_only = this.selected.size === 1 && this.selected.has(file!);
    if (event.shiftKey) this.range(at);
    else if (event.ctrlKey || event.metaKey || is_touch || is_only) this.flip(at);
    else {
      this.selected.clear();
      this.selected.add(file!);
    }
    if (!event.shiftKey) this.anchor = at;
    this.at = at;
    this.element.focus({ preventScroll: true });
    this.changed();
  }

  private onKey(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(this.element.clientHeight / (this.side + gap))) * this.columns;
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns,
      PageUp: -page, PageDown: page, Home: -this.at, End: this.samples.length - 1 - this.at };
    const step = steps[event.key];
    if (this.samples.length === 0) return;
    if (step !== undefined) {
      const to = this.at + step;
      if (to >= 0 && to < this.samples.length) this.at = to;
      else if (event.key.startsWith("Page")) this.at = to < 0 ? 0 : this.samples.length - 1;
      if (event.shiftKey) this.range(this.at);
      else this.anchor = this.at;
      this.reveal();
    } else if (event.key === " " || event.key === "Enter") {
      this.flip(this.at);
      this.anchor = this.at;
    } else if (event.key === "a" && (event.ctrlKey || event.metaKey)) this.selectAll();
    else if (event.key === "Escape") this.clear();
    else if (event.key === "Delete" || event.key === "Backspace") this.ondelete();
    else return;
    event.preventDefault();
    this.changed();
  }

  private reveal(): void {
    const row = this.side + gap, top = Math.floor(this.at / this.columns) * row, { element } = this;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + row + gap > element.scrollTop + element.clientHeight) element.scrollTop = top + row + gap - element.clientHeight;
  }
}
