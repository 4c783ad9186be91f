// What is on the screen is drawn, and told to screen readers at their pace.
import { setText } from "../dom";

const drawers = new WeakMap<Element, () => void>();
const visible = new WeakSet<Element>();
const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) visible.delete(target);
    else if (!visible.has(target)) {
      visible.add(target);
      drawers.get(target)?.();
    }
  }
}, { rootMargin: "100px" });

// `draw` is called when the element comes onto the screen, and by what is returned, if it is there then.
export function whenSeen(element: Element, draw: () => void): () => void {
  drawers.set(element, draw);
  observer.observe(element);
  return () => { if (visible.has(element)) draw(); };
}
export const isSeen = (element: Element): boolean => visible.has(element);

const waiting = new Map<Element, { text: string; attribute: string | null }>();
const told = new WeakMap<Element, number>();
function put(element: Element): void {
  const { text, attribute } = waiting.get(element)!;
  waiting.delete(element);
  told.set(element, performance.now());
  if (attribute === null) setText(element, text);
  else if (element.getAttribute(attribute) !== text) element.setAttribute(attribute, text);
}
// The text of a figure, at most once a second: as content, or as an attribute such as aria-label.
export function describe(element: Element, text: string, attribute: string | null = null): void {
  const is_waiting = waiting.has(element);
  waiting.set(element, { text, attribute });
  if (is_waiting) return;
  const pause = 1000 - (performance.now() - (told.get(element) ?? -1000));
  if (pause <= 0) put(element);
  else setTimeout(() => put(element), pause);
}
