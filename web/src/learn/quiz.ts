// A question whose answer the page computes from the numbers of the training, at the moment it is asked.
import { button, el, setText } from "../dom";
import { attempt } from "../notices";
import { newest } from "./live";
import { digits, read } from "./numbers";

export interface Question {
  text: string;
  answer: number;
  tolerance: number;         // how far an answer may be off
  is_share?: boolean;        // 81.2 means 81.2%
  way: string;               // how one comes to the answer
}
let made = 0;

export function quiz(ask: () => Promise<Question | null>): { element: HTMLElement; refresh: () => void } {
  const id = `quiz-${++made}`, text = el("p.quiz-text", { id: `${id}-text` }), verdict = el("p.quiz-verdict", { role: "status" });
  const field = el("input.number", { type: "text", inputmode: "decimal", autocomplete: "off", "aria-label": "Your answer", "aria-describedby": `${id}-text` });
  let question: Question | null = null;
  const check = button("Check", () => answer(), "button");
  function answer(): void {
    if (!question) return;
    const given = read(field.value), scaled = question.is_share && !field.value.includes("%") && given > 1 ? given / 100 : given;
    if (Number.isNaN(given)) {
      verdict.className = "quiz-verdict";
      setText(verdict, "Write a number, such as 0.25 or −3.1.");
      return;
    }
    const is_right = Math.abs(scaled - question.answer) <= question.tolerance;
    const shown = question.is_share ? `${(100 * question.answer).toFixed(1)}%` : digits(question.answer);
    verdict.className = `quiz-verdict ${is_right ? "right" : "wrong"}`;
    setText(verdict, `${is_right ? "Right" : "Not yet"}: ${question.way}${is_right ? ` The page has ${shown}.` : ""}`);
  }
  field.addEventListener("keydown", (event) => { if (event.key === "Enter") answer(); });
  async function renew(): Promise<void> {
    question = await ask();
    setText(text, question?.text ?? "This question needs a network of one hidden layer: choose two signs in the lab.");
    field.disabled = check.disabled = question === null;
    field.value = "";
    verdict.className = "quiz-verdict";
    setText(verdict, "");
    element.dataset.tolerance = String(question?.tolerance ?? "");
  }
  // A question that nobody has begun to answer keeps up with the training.
  const refresh = newest(async () => {
    if (field.value === "" && verdict.textContent === "") await renew();
  });
  const element = el("section.quiz", { "aria-labelledby": id },
    el("h3", { id }, "A question"), text, el("div.row", {}, field, check, button("Ask with the numbers of now", () => void attempt(renew), "button small")), verdict);
  return { element, refresh };
}
