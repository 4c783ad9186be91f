// Uses the studio in a real browser as a person would, in front of a camera that shows rendered hands.
//
// usage: node studio.mjs CHROMIUM MUDRA FOLDER
// FOLDER holds teach-SIGN-PERSON.y4m, try-SIGN.y4m, three.npz and hand.png; data go to FOLDER/signs.
// prints {check: null or what is wrong}
import { copyFileSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { axe, base, ensure, executablePath, flags, folder, get, hostile, kill, port, serve, until } from "./served.mjs";

const film = join(folder, "camera.y4m");
const fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${film}`];
const names = { 1: "one", 5: hostile, 2: "two" };  // what each digit is called here
const frames_tried = 40;  // of each sign

const signs = async () => Object.fromEntries((await get("/api/signs")).signs.map((sign) => [sign.name, sign]));
const taught = (what, holds = () => true) => until(`taught: ${what}`, async () => {
  const [train, { version }] = [await get("/api/train"), await get("/api/signs")];
  return train.state === "idle" && train.version === version && holds(train) ? train : null;
}, 30000);

// ---- the browser

const complaints = [];
const expected = /Failed to load resource|ERR_CONNECTION_REFUSED|net::ERR|\/api\/evaluation/;  // the browser's own words on a failed request
function listen(page) {
  page.on("console", (message) => { if (!expected.test(message.text())) complaints.push(`console ${message.type()}: ${message.text()}`); });
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => { complaints.push(`dialog: ${dialog.message()}`); void dialog.dismiss(); });
  page.on("request", (request) => { if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(base)) complaints.push(`request: ${request.url()}`); });
}

async function show(page, name) {
  copyFileSync(join(folder, `${name}.y4m`), `${film}.new`);
  renameSync(`${film}.new`, film);
  const stop = page.getByRole("button", { name: "Stop the camera" });
  if (await stop.count() > 0) await stop.click();
  await page.getByRole("button", { name: /Start the camera/ }).click();
  await stop.waitFor();
}

async function openTab(page, name) {
  await page.getByRole("link", { name, exact: true }).click();
  await page.locator(`#tabs a[aria-current=page]`, { hasText: name }).waitFor();
}

const recordButton = (page, name) => page.getByRole("button", { name: `Hold to record ${name}`, exact: true });
const pick = (page, name) => page.locator(`.sign[data-sign="${CSS_escape(name)}"] .sign-pick`).click();
const CSS_escape = (text) => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"');

// Holds the button until as many pictures are taken.
async function hold(page, name, pictures, with_keys = false) {
  const button = recordButton(page, name);
  if (with_keys) {
    await button.focus();
    await page.keyboard.down(" ");
  } else {
    await button.hover();
    await page.mouse.down();
  }
  const taken = () => page.locator(".badge").evaluate((badge) => badge.hidden ? 0 : Number(badge.textContent.split(": ").at(-1)));
  await until(`${pictures} pictures are taken`, async () => await taken() >= pictures);
  await (with_keys ? page.keyboard.up(" ") : page.mouse.up());
}

// The pictures of a sign in the page, once they are as many as the server has.
const shown = (page, name) => until(`all pictures of ${name} are shown`, async () => {
  const n = (await signs())[name]?.samples ?? 0;
  return n === await page.locator('.tile').first().getAttribute("aria-setsize", { timeout: 500 }).then(Number, () => 0) ? n : null;
});

const checks = {
  async "without anything the page says what to do"(page) {
    await page.goto(base);
    ensure((await page.locator(".next").textContent()).includes("give it a name"), "nothing is said");
    ensure(await page.getByRole("button", { name: "Undo" }).isDisabled(), "there is something to undo");
  },

  async "three signs are taught by the camera"(page) {
    for (const [digit, name] of Object.entries(names)) {
      await page.getByLabel("Name of a new sign").fill(name);
      await page.keyboard.press("Enter");
      await recordButton(page, name).waitFor();
      for (const person of [0, 1, 2, 3, 4]) {
        await show(page, `teach-${digit}-${person}`);
        await hold(page, name, 6);
        await until("the pictures are sent", async () => ((await signs())[name]?.recordings ?? 0) === person + 1 && await page.locator(".badge:visible").count() === 0);
      }
    }
    for (const [name, sign] of Object.entries(await signs())) ensure(sign.samples >= 30 && sign.recordings === 5, `${name}: ${JSON.stringify(sign)}`);
    await taught("three signs", (train) => train.model?.classes.filter((each) => each !== "none").length === 3 && train.by_recording);
    await until("the page says so", async () => (await page.locator(".status").textContent()) === "Knows 3 signs");
    const text = await page.locator(".learning").textContent();
    for (const words of ["By recording", "By shuffled frames", "from picture to new model", "near copies"]) ensure(text.includes(words), `it does not say "${words}"`);
  },

  async "another person's signs are told"(page) {
    await openTab(page, "Try");
    let right = 0, all = 0;
    for (const [digit, name] of Object.entries(names)) {
      await show(page, `try-${digit}`);
      await page.waitForTimeout(300);  // no frame of the film before
      for (let n = 0; n < frames_tried; ++n, ++all) {
        const answer = await page.waitForResponse((response) => response.url().includes("/api/predict"));
        if ((await answer.json()).label === name) ++right;
      }
      await until(`the answer is ${name}`, async () => (await page.locator(".answer-word").textContent()) === name);
    }
    ensure(right >= 0.95 * all, `${right} of ${all} frames are right`);
    const latency = await page.locator(".latency").textContent();
    ensure(/^\d+ ms from camera to answer; \d+ ms or less for 95 of 100$/.test(latency), latency);
    process.stderr.write(`${right} of ${all} frames; ${latency}\n`);
    await until("a steady sign is written", async () => (await page.locator(".spelled").textContent()).includes("two"));
  },

  async "what it looks at is drawn"(page) {
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await page.locator("canvas.seen").waitFor();
    ensure(/^It says /.test(await page.locator("canvas.seen").getAttribute("aria-label")), "no words");
  },

  async "a cell of the matrix shows its pictures"(page) {
    const evaluation = await get("/api/evaluation");
    const cell = evaluation.cells.find((each) => each.files.length > 0);
    const at = `${evaluation.classes.indexOf(cell.truth)} ${(evaluation.columns ?? evaluation.classes).indexOf(cell.answer)}`;
    await page.locator(`.cell[data-at="${at}"]`).focus();
    await page.keyboard.press("Enter");
    const images = page.locator(".shown .tiles img");
    ensure(await images.count() === Math.min(24, cell.files.length), `${await images.count()} pictures of ${cell.files.length}`);
    ensure(await images.first().getAttribute("title") === cell.files[0], "another picture");
  },

  async "the model can be taken away"(page) {
    for (const name of ["Model file", "ONNX"]) {
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name, exact: true }).click()]);
      const bytes = readFileSync(await download.path());
      ensure(bytes.length > 10000, `${name} has ${bytes.length} bytes`);
    }
  },

  async "the keyboard alone records"(page) {
    await openTab(page, "Teach");
    const before = (await signs()).two;
    await hold(page, "two", 6, true);
    await until("the pictures are there", async () => (await signs()).two.recordings === before.recordings + 1);
    await taught("once more");
  },

  async "pictures are deleted, and come back"(page) {
    await pick(page, "two");
    const before = await shown(page, "two");
    await page.locator(".grid").focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("Shift+ArrowRight");
    await page.keyboard.press("Delete");
    await until("two are gone", async () => (await signs()).two.samples === before - 2);
    await taught("without two");
    await page.locator(".card-head").getByRole("button", { name: /^Undo: / }).click();
    await until("they are back", async () => (await signs()).two.samples === before);
    ensure(await shown(page, "two") === before, "the page shows another number");
  },

  async "a picture gets another sign, and its own again"(page) {
    await pick(page, "two");
    const before = await signs();
    await shown(page, "two");
    await page.locator(".tile").first().click();
    await page.getByLabel("Move the selected pictures to the sign").selectOption({ label: "one" });
    await until("it is moved", async () => (await signs()).one.samples === before.one.samples + 1);
    await taught("with a wrong label");
    await page.locator(".grid").focus();
    await page.keyboard.press("Control+z");
    await until("it is back", async () => (await signs()).two.samples === before.two.samples);
    await taught("with the right label");
  },

  async "signs are renamed and deleted"(page) {
    await pick(page, "two");
    await page.getByRole("button", { name: "Rename", exact: true }).click();
    await page.locator("dialog input").fill("zwei");
    await page.keyboard.press("Enter");
    await until("it is renamed", async () => (await signs()).zwei && !(await signs()).two);
    await page.getByRole("heading", { name: "zwei" }).waitFor();
    await page.getByRole("button", { name: "Delete sign" }).click();
    await until("it is deleted", async () => !(await signs()).zwei);
    await page.locator(".card-head").getByRole("button", { name: /^Undo: / }).click();
    await until("it is back", async () => (await signs()).zwei);
    await taught("three again", (train) => train.model.classes.includes("zwei"));
  },

  async "names stay text"(page) {
    for (const tab of ["Teach", "Try", "Teach"]) {
      await openTab(page, tab);
      await page.waitForTimeout(150);
    }
    await pick(page, hostile);
    const found = await page.evaluate((name) => ({
      pwned: "pwned" in window, heading: document.querySelector("#pictures").textContent === name,
      handlers: [...document.querySelectorAll("*")].filter((element) => [...element.attributes].some((each) => each.name.startsWith("on"))).length,
      scripts: document.scripts.length,
    }), hostile);
    ensure(JSON.stringify(found) === '{"pwned":false,"heading":true,"handlers":0,"scripts":1}', JSON.stringify(found));
  },

  async "an array's pictures become signs"(page) {
    await page.locator("input[type=file][multiple]").setInputFiles(join(folder, "three.npz"));
    await until("they are there", async () => (await signs())["letter b"]?.samples === 2 && (await signs())["letter a"]?.samples === 3);
    await page.locator("input[type=file][multiple]").setInputFiles({ name: "bad.npz", mimeType: "", buffer: Buffer.from("no zip at all, certainly") });
    await page.getByText("bad.npz cannot be read").waitFor();
    await page.locator(".notice.error .close").click();
    for (const name of ["letter a", "letter b"]) {
      await pick(page, name);
      await page.getByRole("button", { name: "Delete sign" }).click();
      await until("it is deleted", async () => !(await signs())[name]);
    }
  },

  async "another page's changes are seen"(page) {
    await fetch(`${base}/api/signs`, { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"name": "from elsewhere"}' });
    await page.getByRole("button", { name: "Hold to record from elsewhere" }).waitFor();
    await fetch(`${base}/api/signs/delete`, { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"name": "from elsewhere"}' });
    await until("it is gone", async () => await page.getByRole("button", { name: "Hold to record from elsewhere" }).count() === 0);
  },

  async "ten thousand pictures are a few in the document"(page) {
    const samples = Array.from({ length: 10000 }, (_, at) => ({ file: `one/many-${at}.png`, recording: `r${at >> 6}`, hand: true, suspect: null }));
    await page.route("**/api/samples?sign=one", (route) => route.fulfill({ json: { samples } }));
    await page.route("**/api/samples/picture?file=one%2Fmany*", (route) => route.abort());
    await pick(page, "one");
    await page.locator('.tile[aria-setsize="10000"]').first().waitFor();
    await page.locator(".grid").focus();
    await page.keyboard.press("End");
    await page.locator('.tile[aria-posinset="10000"]').waitFor();
    const nodes = await page.locator(".grid *").count();
    ensure(nodes <= 200, `${nodes} nodes`);
    await page.unroute("**/api/samples?sign=one");
    await page.unroute("**/api/samples/picture?file=one%2Fmany*");
    await pick(page, hostile);
  },

  async "the curves of two runs stand side by side"(page) {
    await openTab(page, "Runs");
    for (const name of ["long", "short"]) await page.getByLabel(`Curves of ${name}`).check();
    await page.locator(".chart .uplot").nth(1).waitFor();
    await until("both charts name both runs", async () => {
      const legend = await page.locator(".u-legend").allTextContents();
      return legend.length === 2 && legend.every((text) => ["long, held out", "long, training", "short, held out"].every((line) => text.includes(line)));
    });
    const [run] = await get("/api/runs").then((told) => (Array.isArray(told) ? told : told.runs).filter((each) => each.name === "long"));
    const row = await page.locator(".runs tr", { has: page.getByRole("link", { name: /^long/ }) }).textContent();
    ensure(row.includes(`${(100 * run.accuracy).toFixed(0)}%`) && row.includes(run.network), row);
    const link = page.getByRole("link", { name: /^long/ });
    ensure(await link.getAttribute("target") === "_blank", "the report would take the page's place");
    const report = await fetch(base + await link.getAttribute("href"));
    ensure(report.ok && (await report.text()).toLowerCase().startsWith("<!doctype html>"), `its report: ${report.status}`);
  },

  async "a full disk is said, and nothing is thrown away"(page) {
    await openTab(page, "Teach");
    const before = (await signs()).one;
    await page.route("**/api/samples?sign=one&recording=*", (route) => route.fulfill({ status: 507, json: { what: "no space is left", where: "signs/one", remedy: "Delete something large" } }));
    await hold(page, "one", 3);
    await page.getByText("Delete something large").waitFor();
    await page.unroute("**/api/samples?sign=one&recording=*");
    await page.getByRole("button", { name: "Try again" }).click();
    await until("they are kept", async () => (await signs()).one.samples > before.samples);
  },

  async "pictures on their way when the line breaks come later"(page) {
    const before = (await signs()).one;
    await page.route("**/api/samples?sign=one&recording=*", (route) => route.abort());
    await hold(page, "one", 4);
    const said = page.locator("[role=status].hidden");
    const taken = await until("it is said how many", async () => /^(\d+) pictures of one recorded$/.exec(await said.textContent())?.[1]);
    await page.unroute("**/api/samples?sign=one&recording=*");
    await until(`all ${taken} are there`, async () => (await signs()).one.samples === before.samples + Number(taken));
  },

  async "a server that is gone loses nothing"(page) {
    const before = (await signs()).one;
    await kill();
    await page.locator("#banner:visible").waitFor();
    await hold(page, "one", 6);
    await serve(port);
    await page.locator("#banner").waitFor({ state: "hidden" });
    await until("the pictures came later", async () => (await signs()).one.recordings === before.recordings + 1);
    ensure((await signs()).one.samples > before.samples + 5, "too few came");
    await taught("after the way back");
  },
};

// Every tab, in both schemes and on a phone.
async function look(page, result) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const tab of ["Teach", "Try", "Runs"]) {
      await openTab(page, tab);
      if (tab === "Runs") for (const box of (await page.locator(".runs input").all()).slice(0, 2)) await box.check();
      await page.waitForTimeout(300);
      await page.evaluate(axe);
      const { violations, passes } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
      const found = violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.target.join(" ")).slice(0, 3).join(", ")}`);
      if (passes.length < 10) found.push("axe found nothing to look at");
      result[`axe finds nothing in ${tab}, ${colorScheme}`] = found.length > 0 ? found.join("; ") : null;
    }
  }
  const wide = [];
  await page.setViewportSize({ width: 360, height: 740 });
  for (const tab of ["Teach", "Try", "Runs"]) {
    await openTab(page, tab);
    await page.waitForTimeout(200);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    if (width > 360) wide.push(`${tab} is ${width} pixels wide`);
  }
  result["a phone needs no sideways scrolling"] = wide.length > 0 ? wide.join("; ") : null;
}

async function withoutCamera(page, insecure) {
  if (insecure) await page.addInitScript(() => Object.defineProperty(Navigator.prototype, "mediaDevices", { get: () => undefined }));
  await page.goto(base);
  await page.getByRole("button", { name: "Start the camera" }).click();
  await page.getByText(insecure ? "ssh -L" : "No camera was found").waitFor();
  await pick(page, "one");
  const before = (await signs()).one.samples;
  await page.locator("input[type=file][multiple]").setInputFiles(join(folder, "hand.png"));
  await until("the file is there", async () => (await signs()).one.samples === before + 1);
}

const result = {};
async function attempt(name, work) {
  const begun = Date.now();
  try {
    await work();
    ensure(complaints.length === 0, complaints.splice(0).slice(0, 3).join("; "));
    result[name] = null;
  } catch (error) {
    result[name] = `${error.message.split("\n").slice(0, 6).join(" ")} ${complaints.splice(0).slice(0, 3).join("; ")}`.trim();
  }
  process.stderr.write(`${((Date.now() - begun) / 1000).toFixed(1)} s  ${name}${result[name] ? `: ${result[name]}` : ""}\n`);
}

copyFileSync(join(folder, "try-1.y4m"), film);
let browser = await chromium.launch({ executablePath, args: [...flags, ...fake] });
const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true });
const page = await context.newPage();
page.setDefaultTimeout(15000);
listen(page);
for (const [name, check] of Object.entries(checks)) {
  const is_taught = result["three signs are taught by the camera"] !== undefined ? result["three signs are taught by the camera"] === null : true;
  if (is_taught) await attempt(name, () => check(page));
  else result[name] = "not tried: nothing was taught";
}
await attempt("every tab can be looked at", () => look(page, result));
await browser.close();

browser = await chromium.launch({ executablePath, args: [...flags, "--use-fake-ui-for-media-stream"] });
for (const [name, insecure] of [["without a camera files still work", false], ["over plain http it says why there is no camera", true]]) {
  await attempt(name, async () => {
    const other = await browser.newPage();
    other.setDefaultTimeout(10000);
    listen(other);
    await withoutCamera(other, insecure);
  });
}
await browser.close();
await kill().catch(() => {});
console.log(JSON.stringify(result));
process.exit(0);
