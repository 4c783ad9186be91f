// The page of `mudra serve`: its tabs, the banner, and what is dropped onto it.
import { watchServer } from "./api";
import { el, fill, rich, show } from "./dom";
import { addFiles, dropped } from "./files";
import { learn, openLearn } from "./learn/learn";
import { mountNotices } from "./notices";
import { waiting } from "./outbox";
import { openRuns, runs_tab } from "./runs";
import { follow, refresh, state } from "./store";
import { openTeach, teach } from "./teach";
import { openTry, try_tab, tryPicture } from "./try";

interface Tab { id: string; title: string; body: HTMLElement; open: () => void }
const tabs: Tab[] = [
  { id: "teach", title: "Teach", body: teach, open: openTeach },
  { id: "try", title: "Try", body: try_tab, open: openTry },
  { id: "runs", title: "Runs", body: runs_tab, open: openRuns },
  { id: "learn", title: "Learn", body: learn, open: openLearn },
];

const nav = document.querySelector("#tabs")!, main = document.querySelector("main")!, banner = document.querySelector<HTMLElement>("#banner")!;
const links = tabs.map((tab) => el("a", { href: `#${tab.id}` }, tab.title));
nav.append(...links);
mountNotices(document.body);
fill(main, ...tabs.map((tab) => tab.body));

let current = "";
function route(): void {
  // "#learn/sigmoid?step=3" is of the tab "learn", which reads the rest.
  const id = location.hash.slice(1).split(/[/?]/)[0], tab = tabs.find((each) => each.id === id) ?? tabs[0]!;
  if (tab.id === current) return;
  current = tab.id;
  tabs.forEach((each, at) => {
    show(each.body, each === tab);
    if (each === tab) links[at]!.setAttribute("aria-current", "page");
    else links[at]!.removeAttribute("aria-current");
  });
  document.title = `${tab.title} · Mudra`;
  scrollTo(0, 0);
  tab.open();
}
addEventListener("hashchange", route);

watchServer((is_here) => {
  show(banner, !is_here);
  const frames = waiting();
  fill(banner, el("strong", {}, "Mudra's server does not answer. "),
    rich(`This page tries again by itself; start it with \`mudra serve\` if it has stopped. ${frames > 0 ? `${frames} pictures wait here and are sent then.` : "Nothing is lost."}`));
});

let depth = 0;
const veil = (is: boolean) => document.body.classList.toggle("dropping", is);
addEventListener("dragenter", (event) => {
  event.preventDefault();
  if (event.dataTransfer?.types.includes("Files")) veil(++depth > 0);
});
addEventListener("dragleave", () => veil((depth = Math.max(0, depth - 1)) > 0));
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  veil((depth = 0) > 0);
  if (!event.dataTransfer) return;
  const sign = (event.target as Element).closest<HTMLElement>("[data-sign]")?.dataset.sign ?? state.chosen;
  void dropped(event.dataTransfer).then((found) => {
    if (current === "try" && found.length === 1 && found[0]!.folder === null && !/\.npz$/i.test(found[0]!.file.name)) void tryPicture(found[0]!.file);
    else void addFiles(found, sign);
  });
});

route();
follow();
void refresh();
