// Elements, made and found. Texts become text nodes: a name can never be markup.

type Content = Node | string | null | undefined | false;
type Attributes = Record<string, string | number | boolean | null | undefined | ((event: never) => void)>;

// el("button.quiet", { type: "button", onclick: f }, "Undo"): functions become listeners, false and null are left out.
export function el<K extends keyof HTMLElementTagNameMap>(
  kind: K | `${K}.${string}`, attributes: Attributes = {}, ...content: Content[]
): HTMLElementTagNameMap[K] {
  const [tag, ...classes] = kind.split(".");
  const element = document.createElement(tag!) as HTMLElementTagNameMap[K];
  if (classes.length > 0) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  fill(element, ...content);
  return element;
}

export function fill(element: Element, ...content: Content[]): void {
  element.replaceChildren(...content.filter((each): each is Node | string => each !== null && each !== undefined && each !== false));
}

// A text in which `this` is code.
export function rich(text: string): DocumentFragment {
  const made = document.createDocumentFragment();
  text.split("`").forEach((part, at) => made.append(at % 2 === 1 ? el("code", {}, part) : part));
  return made;
}

export function button(text: string, onclick: (event: MouseEvent) => void, classes = "button", more: Attributes = {}): HTMLButtonElement {
  return el(`button.${classes.replaceAll(" ", ".")}`, { type: "button", onclick, ...more }, text);
}

// A button that does its work once at a time: it waits for what it began.
export function workButton(text: string, work: () => Promise<unknown>, classes = "button"): HTMLButtonElement {
  const made = button(text, async () => {
    made.disabled = true;
    try {
      await work();
    } finally {
      made.disabled = false;
    }
  }, classes);
  return made;
}

// Changes a text only if it is another, so that screen readers are not told again.
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function show(element: HTMLElement, is: boolean): void {
  if (element.hidden === is) element.hidden = !is;
}

export const percent = (share: number): string => `${(100 * share).toFixed(share >= 0.99 && share < 1 ? 1 : 0)}%`;
export const count = (n: number, one: string, many = `${one}s`): string => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
export const seconds = (s: number): string => (s < 0.995 ? `${Math.max(1, Math.round(s * 1000))} ms` : `${s.toFixed(1)} s`);

const SVG = "http://www.w3.org/2000/svg";
// An icon of one path in a square of 24.
export function icon(path: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS(SVG, "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}
