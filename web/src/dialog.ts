// One question with one line for an answer.
import { button, el } from "./dom";

export function askText(title: string, value: string, action: string): Promise<string | null> {
  const input = el("input", { type: "text", value, maxlength: 100, "aria-label": title, autocomplete: "off" });
  return new Promise((done) => {
    const dialog = el("dialog.dialog", { "aria-label": title });
    const form = el("form", { method: "dialog", onsubmit: () => { dialog.returnValue = "ok"; } },
      el("h2", {}, title), input,
      el("div.row", {}, el("button.button.primary", { type: "submit", value: "ok" }, action), button("Cancel", () => dialog.close(""), "button")));
    dialog.append(form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(dialog.returnValue === "ok" && input.value.trim() ? input.value.trim() : null);
    });
    document.body.append(dialog);
    dialog.showModal();
    input.select();
  });
}
