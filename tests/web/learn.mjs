// Uses the tab "Learn" in a real browser as a student and a teacher would.
//
// usage: node learn.mjs CHROMIUM MUDRA FOLDER
// FOLDER/signs holds the recordings of two signs. Writes trained.f32 and trained.json, and shown.json with shown-N.f32 and shown-N.u8: what the equations showed, and of what.
// prints {check: null or what is wrong}
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { axe, base, ensure, executablePath, flags, folder, get, hostile, kill, port, serve, until } from "./served.mjs";

const report = "data=synth:2000&recipe=report&classes=0,5&seed=3";
const steps = ["picture", "sum", "sigmoid", "loss", "chain", "step", "epoch", "hand"];

const near = (a, b, tolerance) => Math.abs(a - b) <= tolerance;
const bytes = async (path) => Buffer.from(await (await fetch(base + path)).arrayBuffer());

// ---- the browser

const complaints = [];
const expected = /Failed to load resource|ERR_CONNECTION_REFUSED|net::ERR/;
function listen(page) {
  page.asked = [];
  page.session = null;
  page.on("console", (message) => { if (!expected.test(message.text())) complaints.push(`console ${message.type()}: ${message.text()}`); });
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("request", (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(base)) complaints.push(`request: ${request.url()}`);
    page.asked.push(new URL(request.url()).pathname);
  });
  page.on("response", async (response) => {
    if (new URL(response.url()).pathname === "/api/learn" && response.ok()) page.session = await response.json().catch(() => page.session);
  });
}
const browser = await chromium.launch({ executablePath, args: flags });
async function newPage(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  listen(page);
  return page;
}
const stepOf = async (page) => Number(/^Step (\d+)/.exec(await page.locator(".where-at").textContent() ?? "")?.[1] ?? -1);
// Opens an address, and waits until the training is where the address says.
async function open(page, way, state = `${report}&step=0`) {
  page.session = null;
  await page.goto("about:blank");
  await page.goto(`${base}/#learn${way}?${state}`);
  const step = Number(/step=(\d+)/.exec(state)?.[1] ?? 0);
  await page.locator(".learn-page > *").first().waitFor();
  await until(`it is at step ${step}`, async () => {
    const at = /[?&]step=(\d+)/.exec(page.url());
    return page.session && at && Number(at[1]) === step && page.url().includes("layer=");
  });
  await settled(page);
  for (const [, name, value] of state.matchAll(/(row|unit|pixel)=(\d+)/g)) ensure(lookIn(page)[name] === Number(value), `${name} is not ${value} in ${page.url()}`);
}
// Until nothing was asked of the server for a while.
async function settled(page) {
  for (let last = -1, calm = 0; calm < 4;) {
    await page.waitForTimeout(60);
    calm = page.asked.length === last ? calm + 1 : 0;
    last = page.asked.length;
  }
}
const press = (page, name) => page.getByRole("button", { name, exact: true }).click();
const to = (page, step) => until(`step ${step}`, async () => await stepOf(page) === step);
// The numbers of all equations, by their keys: the exact ones and the texts.
const numbers = async (page) => {
  await page.locator(".equation").first().scrollIntoViewIfNeeded();
  await settled(page);
  return page.locator("[data-v]").evaluateAll((all) => Object.fromEntries(all.map((each) => [each.dataset?.v ?? each.getAttribute("data-v"), { value: Number(each.getAttribute("data-value")), text: each.textContent }])));
};
const weightsOf = (page) => bytes(`/api/learn/weights?id=${page.session.id}`);
const lookIn = (page) => Object.fromEntries(["row", "unit", "pixel", "step"].map((name) => [name, Number(new URL(page.url().replace("#learn", "learn")).searchParams.get(name))]));
// A number as the page writes it.
function read(text) {
  const plain = text.replaceAll("−", "-").replace(/[()]/g, "");
  const [, mantissa, power] = /^(-?[\d.]+)(?:×10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?$/.exec(plain) ?? [];
  return mantissa === undefined ? NaN : Number(mantissa) * 10 ** Number([...(power ?? "⁰")].map((each) => (each === "⁻" ? "-" : "⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(each))).join(""));
}
const inText = (text) => [...text.matchAll(/−?\d+(?:\.\d+)?(?:×10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?/g)].map(([each]) => read(each));

const shown = [];
async function keepShown(page, activation) {
  await settled(page);
  const look = lookIn(page), { session } = page, name = `shown-${shown.length}`;
  writeFileSync(join(folder, `${name}.f32`), await weightsOf(page));
  writeFileSync(join(folder, `${name}.u8`), await bytes(`/api/learn/pictures?id=${session.id}`));
  const { rows } = await get(`/api/learn/batch?id=${session.id}`);
  shown.push({ name, ...look, activation, batch: rows, labels: session.labels, rate: Number(session.options["learning-rate"]), hidden: session.weights[0].shape[0], numbers: await numbers(page) });
}

const checks = {
  async "trained to the end, all is drawn"(page) {
    await open(page, "");
    await page.getByLabel("Speed").selectOption("epoch");
    await press(page, "Run");
    await until("it ends", async () => (await page.locator(".where-at").textContent()).includes("The training is over"), 150000);
    await settled(page);
    writeFileSync(join(folder, "trained.f32"), await weightsOf(page));
    await page.locator(".held-out").scrollIntoViewIfNeeded();
    await page.locator(".held-out .count").first().waitFor();
    await settled(page);
    const table = await page.locator(".held-out .count").allTextContents();
    writeFileSync(join(folder, "trained.json"), JSON.stringify({ weights: page.session.weights, command: await page.locator(".experiment code").textContent(), score: await page.locator(".held-out .status").textContent(), table: table.map(Number) }));
    await until("the last epoch is told", async () => /^Epoch 100: /.test(await page.locator(".curve figcaption").last().textContent()));
    ensure(await page.getByRole("button", { name: "Run", exact: true }).isDisabled(), "it could run on");
  },

  async "it goes back to the same numbers"(page) {
    await open(page, "", `${report}&step=14&row=30&unit=5&pixel=300`);
    const kept = JSON.stringify(await numbers(page)), weights = await weightsOf(page);
    for (const step of [15, 16, 17]) {
      await press(page, "One batch");
      await to(page, step);
    }
    await settled(page);
    ensure(JSON.stringify(await numbers(page)) !== kept, "three steps changed nothing");
    for (const step of [16, 15, 14]) {
      await press(page, "← One step");
      await to(page, step);
    }
    await settled(page);
    ensure(JSON.stringify(await numbers(page)) === kept, "other numbers");
    ensure(weights.equals(await weightsOf(page)), "other weights");
    await press(page, "One epoch");
    await to(page, 20);
    await press(page, "Epoch’s start");
    await to(page, 10);
    await press(page, "Beginning");
    await to(page, 0);
    await settled(page);
    const fresh = await newPage();
    await open(fresh, "");
    ensure((await weightsOf(fresh)).equals(await weightsOf(page)), "the beginning is another one");
    await fresh.context().close();
  },

  async "the equations' numbers are kept for NumPy"(page) {
    await open(page, "", `${report}&step=0&row=30&unit=5&pixel=300`);
    await keepShown(page, "sigmoid");
    await open(page, "", `${report}&step=37&row=211&unit=77&pixel=435`);
    await keepShown(page, "sigmoid");
    await open(page, "", "data=synth:2000&recipe=report&classes=2,7&seed=9&network=dense+8,+tanh&init=xavier&learning-rate=0.1&batch-size=64&step=12&row=5&unit=2&pixel=350");
    await keepShown(page, "tanh");
    await open(page, "", "data=synth:2000&recipe=report&classes=1,9&seed=4&network=dense+16,+relu&init=he&learning-rate=0.05&step=21&row=8&unit=3&pixel=430");
    await keepShown(page, "relu");
    // The chosen example, unit and pixel are followed.
    await page.getByRole("slider", { name: "Hidden units: choose one" }).press("ArrowRight");
    await page.getByRole("slider", { name: "Picture: choose a pixel" }).press("ArrowDown");
    await page.getByRole("button", { name: "The next picture" }).click();
    await until("the address follows", async () => lookIn(page).unit === 4 && lookIn(page).pixel === 458 && lookIn(page).row !== 8);
    await keepShown(page, "relu");
    const texts = shown.at(-1).numbers;
    for (const [key, { value, text }] of Object.entries(texts)) ensure(near(read(text), value, 1.01e-3 * Math.abs(value)), `${key} is ${value} and written ${text}`);
    ensure(Object.keys(texts).length >= 24, `${Object.keys(texts).length} numbers`);
  },

  async "a symbol shows where its number comes from"(page) {
    await open(page, "", `${report}&step=8&row=30&unit=5&pixel=406`);
    const symbol = page.locator('.symbol[data-k="x"]').first();
    await symbol.hover();
    const all = await numbers(page);
    await until("it is said", async () => (await page.locator(".whence").textContent()).startsWith("How bright the pixel in row 15, column 15 is"));
    ensure(await page.locator(".lit[data-k=x]").count() >= 5, "its number is not lit");
    ensure(await page.locator(".origin[data-origin~=x]").count() >= 1, "where it comes from is not lit");
    ensure(near(inText(await page.locator(".whence").textContent()).at(-1), all.x.value, 1e-5), "another number");
    // By keys alone: from one symbol to the next.
    await page.locator('.equation:has(.symbol[data-k="z1"]) .symbol[tabindex="0"]').first().focus();
    await page.keyboard.press("ArrowRight");
    await until("the next one is told", async () => (await page.locator(".whence").textContent()).startsWith("The bias of unit 6"));
  },

  async "a weight changed by hand moves the loss by its derivative"(page) {
    await open(page, "", `${report}&step=6&row=30&unit=5&pixel=406`);
    const value = async (key) => Number(await page.locator(`[data-value-of=${key}]`).getAttribute("data-value"));
    const { index, row } = { index: 5 * 784 + 406, row: 30 };
    await page.locator(".by-hand").scrollIntoViewIfNeeded();
    for (const [which, name, at] of [["w1", "1.weight", index], ["b1", "1.bias", 5], ["w2", "3.weight", 5], ["b2", "3.bias", 0]]) {
      await page.getByLabel("Which weight").selectOption(which);
      await settled(page);
      const told = await get(`/api/learn/slope?id=${page.session.id}&row=${row}&name=${name}&index=${at}`);
      const error = await value("error"), derivative = await value("derivative"), loss = await value("loss");
      ensure(error > 0 && error === told.error, `the stated error of ${which} is ${error}`);
      ensure(Math.abs(derivative - await value("difference")) <= error, `${which}: the quotient disagrees`);
      ensure((await page.locator(".verdict").textContent()).startsWith("They agree"), "it is not said that they agree");
      // By hand: above and below, through the field.
      const losses = [];
      for (const weight of [told.value + told.h, told.value - told.h]) {
        await page.getByLabel("Weight", { exact: true }).fill(String(weight));
        await page.keyboard.press("Enter");
        await until("the loss moves", async () => near(await value("loss"), weight > told.value ? told.loss_above : told.loss_below, 1e-12));
        losses.push(await value("loss"));
        ensure(/^The weight moved by/.test(await page.locator(".by-hand p", { hasText: "moved by" }).textContent()), "it is not said");
      }
      const by_hand = (losses[0] - losses[1]) / (2 * told.h);
      ensure(Math.abs(by_hand - derivative) <= error, `${which}: by hand ${by_hand}, derivative ${derivative}, stated error ${error}`);
      ensure(losses[0] !== loss, "the loss stays");
      await press(page, "Undo the change");
      await until("it is undone", async () => await value("loss") === loss);
      await settled(page);
    }
    // The slider, too; and the page says so, and its address knows.
    const slider = page.getByLabel("Weight, as a slider");
    await page.getByLabel("Which weight").selectOption("w2");
    await settled(page);
    const before = await value("loss");
    await slider.focus();
    for (let n = 0; n < 4; ++n) await page.keyboard.press("ArrowRight");
    await until("the loss moves", async () => await value("loss") !== before);
    await until("it is said", async () => (await page.locator(".where-at").textContent()).includes("a weight changed by hand"));
    await until("the address has it", async () => page.url().includes("edit=6:3.weight:5:"));
    const field = page.getByLabel("Weight", { exact: true });
    const kept = await value("loss");
    await field.fill("a lot");
    await page.keyboard.press("Enter");
    await settled(page);
    ensure(await value("loss") === kept && Number.isFinite(read(await field.inputValue())), "a word was taken for a weight");
  },

  async "a rate that is too large ends, and says why"(page) {
    await open(page, "");
    await page.getByLabel("Activation", { exact: true }).selectOption("none");
    await until("another network", async () => page.session.network === "flatten, dense 128, dense 1");
    await page.getByLabel("Learning rate η").fill("100");
    await page.keyboard.press("Enter");
    await until("another rate", async () => Number(page.session.options["learning-rate"]) === 100);
    await settled(page);
    await press(page, "Run");
    const alert = page.locator(".problem");
    await alert.waitFor();
    const text = await alert.textContent();
    ensure(/no longer a number in step \d+ of epoch 1/.test(text) && text.includes("learning rate, 100") && text.includes("infinity minus infinity"), text);
    ensure((await alert.getAttribute("role")) === "alert", "screen readers are not told");
    ensure(await page.getByRole("button", { name: "One batch" }).isDisabled(), "it goes on");
    await settled(page);
    const all = await numbers(page);
    ensure(Object.values(all).some(({ text }) => text === "NaN"), "no equation shows NaN");
    await press(page, "Beginning");
    await to(page, 0);
    ensure(await alert.isHidden(), "it is still said");
  },

  async "one example after the other makes the batch's step"(page) {
    await open(page, "/step", "data=synth:2000&recipe=report&classes=0,5&seed=3&batch-size=4&step=3&unit=5&pixel=406");
    const { rows } = await get(`/api/learn/batch?id=${page.session.id}`), name = page.getByRole("button", { name: /^(One example|Take the step)$/ });
    for (const [at, row] of rows.entries()) {
      await name.click();
      await until(`picture ${at + 1}`, async () => (await page.locator(".walk").textContent()).startsWith(`Picture ${at + 1} of ${rows.length}`) && lookIn(page).row === row);
    }
    const told = inText((await page.locator(".walk").textContent()).split("the mean of")[1]);
    ensure(near(told.at(-1), told.at(-2), 1e-3 * Math.abs(told.at(-1))) && told.at(-1) !== 0, `the means differ: ${told}`);
    ensure(await stepOf(page) === 3, "it moved before");
    await name.click();
    await to(page, 4);
  },

  async "weights travel only when they are looked at"(page) {
    await open(page, "/epoch");
    page.asked.length = 0;
    for (const step of [1, 2, 3]) {
      await press(page, "One batch");
      await to(page, step);
    }
    await press(page, "Run");
    await until("it runs", async () => await stepOf(page) > 20);
    await press(page, "Pause");
    await settled(page);
    const of = (what) => page.asked.filter((path) => path === `/api/learn/${what}`).length;
    ensure(of("advance") > 20 && of("weights") + of("gradients") === 0, `${of("weights")} times weights, ${of("gradients")} times gradients`);
    await page.getByRole("link", { name: /Weighted sum/ }).first().click();
    await settled(page);
    ensure(of("weights") >= 1, "no weights where they are shown");
    const svg = await page.locator(".learn svg *").count();
    ensure(svg < 1000, `${svg} elements of SVG`);
  },

  async "the canvas shows the weights"(page) {
    await open(page, "", `${report}&step=9&unit=11`);
    const w = new Float32Array((await weightsOf(page)).buffer.slice(0));
    const found = await page.locator(".units canvas").evaluate((canvas) => ({ width: canvas.width, height: canvas.height, data: [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data],
      low: getComputedStyle(document.documentElement).getPropertyValue("--low"), mid: getComputedStyle(document.documentElement).getPropertyValue("--mid"), high: getComputedStyle(document.documentElement).getPropertyValue("--high") }));
    const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.trim().slice(at, at + 2), 16)), [low, mid, high] = [found.low, found.mid, found.high].map(rgb);
    const scale = read((await page.locator(".units .legend-ends span").last().textContent())), across = (found.width + 1) / 29;
    ensure(Number.isInteger(across) && scale >= Math.max(...w.slice(0, 100352).map(Math.abs)), `scale ${scale}, ${across} across`);
    let wrong = 0;
    for (let unit = 0; unit < 128; ++unit) for (let pixel = 0; pixel < 784; pixel += 13) {
      const x = (unit % across) * 29 + (pixel % 28), y = Math.floor(unit / across) * 29 + Math.floor(pixel / 28), part = Math.max(-1, Math.min(1, w[unit * 784 + pixel] / scale));
      for (let channel = 0; channel < 3; ++channel) {
        const end = part < 0 ? low[channel] : high[channel], colour = mid[channel] + Math.abs(part) * (end - mid[channel]);
        if (Math.abs(found.data[4 * (y * found.width + x) + channel] - colour) > 1.5) ++wrong;
      }
    }
    ensure(wrong === 0, `${wrong} colours are wrong`);
    // Chosen by click: the third picture of the second row.
    const box = await page.locator(".units canvas").boundingBox();
    await page.mouse.click(box.x + (2.5 * 29 * box.width) / found.width, box.y + (1.5 * 29 * box.height) / found.height);
    await until("the unit is chosen", async () => lookIn(page).unit === across + 2);
    await page.getByText("Last changes").click();
    await until("changes are shown", async () => (await page.locator(".units .note").textContent()).startsWith("What changed from step 8 to step 9"));
  },

  async "each question takes the right answer and no other"(page) {
    const product = (all) => all.reduce((made, each) => made * each, 1);
    // From the text of the question alone.
    const answers = {
      picture: (n) => n[2] / 255, sum: (n) => 0.1 * n[3], sigmoid: (n) => n[2] * (1 - n[2]), chain: (n) => product(n.slice(3)), step: (n) => -n[4] * n[3], epoch: (n) => Math.ceil(n[0] / n[1]) * n[2],
      loss: (n) => -Math.log(n[2] === n[0] ? n[1] : 1 - n[1]), hand: (n) => (n[2] + n[5]) / (n[0] + n[3]),
    };
    for (const step of steps) {
      await open(page, `/${step}`, `${report}&step=25&row=30&unit=5&pixel=406`);
      const box = page.locator(".quiz"), field = box.getByLabel("Your answer"), verdict = box.locator(".quiz-verdict");
      const text = await until("it asks", async () => await box.locator(".quiz-text").textContent());
      const right = answers[step](inText(step === "chain" ? text.replace("p − t is", "is") : text));
      ensure(Number.isFinite(right), `${step}: ${text}`);
      for (const wrong of [right * 1.3 + 0.3, -right - 0.2, "what?"]) {
        await field.fill(String(wrong));
        await box.getByRole("button", { name: "Check" }).click();
        await until(`${step} refuses ${wrong}`, async () => /^(Not yet|Write a number)/.test(await verdict.textContent()), 3000);
      }
      const way = await verdict.textContent();
      await field.fill(String(+right.toPrecision(4)));
      await field.press("Enter");
      await until(`${step}: ${right} is right for: ${text}`, async () => /^Right: .{20}/.test(await verdict.textContent()), 3000);
      ensure(way !== "", "no way is told");
    }
  },

  async "a link opens the same numbers"(page) {
    await open(page, "", "data=synth:2000&recipe=report&classes=3,8&seed=5&network=dense+32,+tanh&learning-rate=0.03&batch-size=16&init=he&split=group&step=33&row=44&unit=9&pixel=380");
    await page.locator(".by-hand").scrollIntoViewIfNeeded();
    await page.getByLabel("Which weight").selectOption("w2");
    await settled(page);
    await page.getByLabel("Weight", { exact: true }).fill("0.75");
    await page.keyboard.press("Enter");
    await settled(page);
    await press(page, "One batch");
    await to(page, 34);
    await until("the address has it all", async () => page.url().includes("step=34") && page.url().includes("edit=33:"));
    await settled(page);
    const kept = await numbers(page), weights = await weightsOf(page), url = page.url();
    const other = await newPage();
    await other.goto(url);
    await to(other, 34);
    await until("the same address", async () => other.url() === url);
    await settled(other);
    ensure(JSON.stringify(await numbers(other)) === JSON.stringify(kept), "other numbers");
    ensure(weights.equals(await weightsOf(other)), "other weights");
    const shown = await Promise.all(["Activation", "Batch size", "First weights", "Held out", "First sign"].map((name) => other.getByLabel(name, { exact: true }).inputValue()));
    ensure(shown.join() === "tanh,16,he,group,3", shown.join());
    ensure(await other.getByLabel("Learning rate η").inputValue() === "0.03", "another rate");
    // A step of the path keeps the training; Back does not move it.
    await other.getByRole("link", { name: /Sigmoid/ }).first().click();
    await until("the step is open", async () => other.url().includes("#learn/sigmoid?") && other.url().includes("step=34"));
    ensure(other.session.options["init"] === "he", "another training");
    await other.goBack();
    await until("the lab is back", async () => other.url() === url);
    await settled(other);
    ensure(other.url() === url, "the address moved");
    ensure(await stepOf(other) === 34, "it moved");
    await other.context().close();
  },

  async "the keyboard alone does it all"(page) {
    await open(page, "/step");
    const tabTo = async (name, most = 40) => {
      for (let n = 0; n < most; ++n) {
        await page.keyboard.press("Tab");
        if (await page.evaluate((wanted) => { const at = document.activeElement; return `${at.getAttribute("aria-label") ?? at.textContent}`.trim() === wanted; }, name)) return;
      }
      throw new Error(`no way to "${name}"`);
    };
    await page.evaluate(() => document.activeElement.blur());
    await tabTo("One batch");
    await page.keyboard.press("Enter");
    await to(page, 1);
    await page.keyboard.press(" ");
    await to(page, 2);
    await tabTo("← One step");
    await page.keyboard.press("Enter");
    await to(page, 1);
    await tabTo("Picture: choose a pixel");
    const { pixel } = lookIn(page);
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowLeft");
    await until("the pixel is chosen", async () => lookIn(page).pixel === pixel - 29);
    ensure(/^row \d+, column \d+: byte \d+$/.test(await until("it is told", async () => page.getByRole("slider", { name: "Picture: choose a pixel" }).getAttribute("aria-valuetext"))), "no words");
    // The projector: keys turn the page, Escape leaves.
    await press(page, "Projector");
    await page.evaluate(() => document.activeElement.blur());
    ensure(await page.locator("#tabs").isHidden() && page.url().includes("#learn/step"), "the tabs are there");
    await page.keyboard.press("ArrowRight");
    await until("the next step", async () => page.url().includes("#learn/epoch?") && page.url().includes("projector=1"));
    await page.keyboard.press("PageUp");
    await page.keyboard.press("ArrowLeft");
    await until("two steps back", async () => page.url().includes("#learn/chain?"));
    const large = await page.evaluate(() => parseFloat(getComputedStyle(document.documentElement).fontSize));
    await page.keyboard.press("Escape");
    await page.locator("#tabs").waitFor();
    const small = await page.evaluate(() => parseFloat(getComputedStyle(document.documentElement).fontSize));
    ensure(large > 1.15 * small, `type of ${large} pixels instead of ${small}`);
  },

  async "it can be read without seeing it"(page) {
    await open(page, "", `${report}&step=20`);
    const sliders = await page.getByRole("slider").evaluateAll((all) => all.map((each) => [each.getAttribute("aria-label") ?? each.labels?.[0]?.textContent, each.getAttribute("aria-valuetext") ?? each.value, each.getAttribute("aria-describedby") === null ? "" : document.getElementById(each.getAttribute("aria-describedby"))?.textContent ?? "!"]));
    for (const [name, value, words] of sliders) ensure(name && value && words !== "!", `a slider without words: ${name}, ${value}`);
    ensure(sliders.filter(([, , words]) => words.length > 20).length >= 4, "figures without words");
    for (const name of ["Experiment", "Hidden units", "One example, forward and backward", "Change a weight by hand", "Hands never seen"]) await page.getByRole("region", { name, exact: true }).waitFor();
    for (const name of ["Weighted sum of the chosen unit", "Loss"]) await page.getByRole("group", { name, exact: true }).waitFor();
    await until("the curves are told", async () => (await page.locator(".curve figcaption").allTextContents()).every((caption) => /^(Step 20|Epoch 2): /.test(caption)));
    await open(page, "/loss", `${report}&step=20`);
    ensure(/the network gives it the probability/.test(await page.getByRole("img").first().getAttribute("aria-label")), "the curve has no words");
    // While it runs, no text of a figure changes more often than once a second.
    await open(page, "/epoch");
    await page.evaluate(() => {
      window.changes = 0;
      new MutationObserver((all) => { window.changes += all.length; }).observe(document.querySelector(".curve figcaption"), { childList: true, characterData: true, subtree: true });
    });
    await press(page, "Run");
    await page.waitForTimeout(1600);
    await press(page, "Pause");
    const changes = await page.evaluate(() => window.changes);
    ensure(changes >= 1 && changes <= 6, `${changes} changes`);
  },

  async "without motion a run is drawn when it ends"() {
    const page = await newPage({ reducedMotion: "reduce" });
    await open(page, "/epoch");
    await page.evaluate(() => {
      window.drawn = 0;
      const put = CanvasRenderingContext2D.prototype.stroke;
      CanvasRenderingContext2D.prototype.stroke = function (...all) { ++window.drawn; return put.apply(this, all); };
    });
    await press(page, "Run to the end");
    await until("it is under way", async () => await stepOf(page) >= 100);
    const during = await page.evaluate(() => window.drawn);
    await until("it ends", async () => (await page.locator(".where-at").textContent()).includes("The training is over"), 150000);
    await until("it is drawn", async () => await page.evaluate(() => window.drawn) > 0);
    ensure(during === 0, `it was drawn ${during} times`);
    await press(page, "← One step");
    await to(page, 999);
    await page.context().close();
  },

  async "two signs of your own"(page) {
    await open(page, "");
    await page.getByLabel("Pictures", { exact: true }).selectOption("signs");
    await until("the signs are read", async () => page.session.options.size === "28x28" && page.session.classes.includes(hostile));
    await settled(page);
    ensure(JSON.stringify(page.session.image) === "[28,28,1]", JSON.stringify(page.session.image));
    const before = await weightsOf(page);
    await press(page, "One batch");
    await to(page, 1);
    ensure(!before.equals(await weightsOf(page)), "nothing was learned");
    await page.locator(".held-out").scrollIntoViewIfNeeded();
    await until("the name is text", async () => (await page.locator(".held-out th").allTextContents()).includes(hostile));
    const found = await page.evaluate(() => ({ pwned: "pwned" in window, handlers: [...document.querySelectorAll("*")].filter((element) => [...element.attributes].some((each) => each.name.startsWith("on"))).length }));
    ensure(!found.pwned && found.handlers === 0, JSON.stringify(found));
  },

  async "ten digits by a network of convolutions"(page) {
    await open(page, "");
    await page.getByLabel("Pictures", { exact: true }).selectOption("ten");
    await until("ten classes", async () => page.session.classes.length === 10);
    await press(page, "One epoch");
    await to(page, page.session.batches);
    await settled(page);
    const { session } = page, [count, , high, wide] = session.weights[0].shape, w = new Float32Array((await weightsOf(page)).buffer.slice(0)).slice(0, count * high * wide);
    const pixels = (name) => page.getByRole("slider", { name }).locator("canvas").evaluate((canvas) => ({ width: canvas.width, height: canvas.height, data: [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data] }));
    // Orange is above zero, blue below: red minus blue has the sign of the weight.
    const warmth = ({ width, data }, x, y) => data[4 * (y * width + x)] - data[4 * (y * width + x) + 2];
    const filters = await pixels("Filters of the first layer: choose one"), across = (filters.width + 1) / (wide + 1);
    const most = Math.max(...w.map(Math.abs));
    w.forEach((weight, at) => {
      const filter = Math.floor(at / (high * wide)), y = Math.floor((at % (high * wide)) / wide) + Math.floor(filter / across) * (high + 1), x = (at % wide) + (filter % across) * (wide + 1);
      if (Math.abs(weight) > 0.1 * most) ensure(Math.sign(warmth(filters, x, y) + 2) === Math.sign(weight), `weight ${at} has another colour`);
    });
    const layer = session.layers.findIndex(({ text }) => text.startsWith("conv 16"));
    await page.getByLabel("Layer", { exact: true }).selectOption({ label: `${session.layers[layer].text} (${session.layers[layer].shape.join("x")})` });
    await settled(page);
    const made = new Float32Array((await bytes(`/api/learn/values?id=${session.id}&row=${lookIn(page).row}&layer=${layer}`)).buffer.slice(0)), [h, v, maps] = session.layers[layer].shape;
    const drawn = await pixels("Feature maps: choose one"), map_across = (drawn.width + 1) / (v + 1), largest = Math.max(...made.map(Math.abs));
    let looked = 0;
    for (let at = 0; at < made.length; at += 7) {
      const map = at % maps, place = Math.floor(at / maps), x = (map % map_across) * (v + 1) + (place % v), y = Math.floor(map / map_across) * (h + 1) + Math.floor(place / v);
      if (Math.abs(made[at]) < 0.1 * largest) continue;
      ++looked;
      ensure(Math.sign(warmth(drawn, x, y) + 2) === Math.sign(made[at]), `value ${at} has another colour`);
    }
    ensure(looked > 50, `${looked} values`);
    const bars = await page.locator(".features .bar-value").allTextContents(), { probabilities } = await get(`/api/learn/example?id=${session.id}&row=${lookIn(page).row}`);
    probabilities.forEach((p, at) => ensure(bars[at] === `${(100 * p).toFixed(1)}%`, `${bars[at]} for ${p}`));
    await page.getByRole("link", { name: /Weighted sum/ }).first().click();
    await page.getByRole("button", { name: "Begin the report’s training" }).click();
    await page.locator(".equation").waitFor();
  },

  async "options that cannot be are said, and nothing is lost"(page) {
    await open(page, "", `${report}&step=4`);
    const { id } = page.session;
    await page.getByLabel("Second sign", { exact: true }).selectOption("0");
    await page.locator(".notice.error").waitFor();
    ensure(page.session.id === id && await stepOf(page) === 4, "the training is gone");
    ensure(await page.getByLabel("Second sign", { exact: true }).inputValue() === "5", "the form shows what is not");
    await page.locator(".notice.error .close").click();
    await page.getByLabel("Learning rate η").fill("fast");
    await page.keyboard.press("Enter");
    await until("the rate is as before", async () => await page.getByLabel("Learning rate η").inputValue() === "0.01");
  },

  async "a server that forgot the training loses nothing"(page) {
    await open(page, "", `${report}&step=12&row=30&unit=5&pixel=406`);
    await press(page, "One batch");
    await to(page, 13);
    await settled(page);
    const kept = JSON.stringify(await numbers(page));
    await press(page, "← One step");
    await to(page, 12);
    await kill();
    await serve(port);
    await page.getByRole("button", { name: "The next picture" }).click();  // its numbers are asked for where the training was
    await settled(page);
    const of_next = JSON.stringify(await numbers(page));
    await press(page, "One batch");
    await to(page, 13);
    await press(page, "← One step");
    await to(page, 12);
    ensure(JSON.stringify(await numbers(page)) === of_next, "other numbers of the next picture");
    await page.getByRole("button", { name: "The picture before" }).click();
    await press(page, "One batch");
    await to(page, 13);
    ensure(JSON.stringify(await numbers(page)) === kept, "other numbers");
  },
};

// The lab and every step in both schemes, in the second one on a phone, too.
async function look(page, result) {
  const wide = [];
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const step of ["", ...steps]) {
      await page.setViewportSize({ width: 1440, height: 1000 });
      await open(page, step && `/${step}`, `${report}&step=25`);
      await page.evaluate(axe);
      // What a scheme changes is colours.
      const { violations, passes } = await page.evaluate((rules) => window.axe.run(document, { resultTypes: ["violations"], ...rules }), colorScheme === "light" ? {} : { runOnly: ["color-contrast"] });
      const found = violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.target.join(" ")).slice(0, 3).join(", ")}`);
      if (passes.length < (colorScheme === "light" ? 10 : 1)) found.push("axe found nothing to look at");
      result[`axe finds nothing in ${step || "the lab"}, ${colorScheme}`] = found.length > 0 ? found.join("; ") : null;
      if (colorScheme === "light") continue;
      await page.setViewportSize({ width: 360, height: 740 });
      await page.waitForTimeout(250);
      // Cards contain their layout: what stands out of them does not widen the page, it is lost. A curve that is not on the screen is drawn anew when it comes there.
      const out = await page.evaluate(() => [...document.querySelectorAll("body *")].filter((each) => {
        const scrolls = (element) => element && (["auto", "scroll", "hidden"].includes(getComputedStyle(element).overflowX) || element.matches(".plot") || scrolls(element.parentElement));
        return each.getBoundingClientRect().right > 361 && !scrolls(each.parentElement) && !each.closest(".hidden");
      }).map((each) => `${each.tagName.toLowerCase()}.${each.getAttribute("class")}`).slice(0, 3));
      if (out.length > 0) wide.push(`${step || "the lab"}: ${out.join(", ")}`);
    }
  }
  result["a phone needs no sideways scrolling"] = wide.length > 0 ? wide.join("; ") : null;
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
const only = process.env.LEARN_ONLY;  // a part of the name of one check
for (const [name, check] of Object.entries(checks)) {
  if (only && !name.includes(only)) continue;
  const page = await newPage();
  await attempt(name, () => check(page));
  await page.context().close();
}
const looked = "every page can be looked at";
if (!only || looked.includes(only)) await attempt(looked, async () => look(await newPage(), result));
writeFileSync(join(folder, "shown.json"), JSON.stringify(shown));
await browser.close();
await kill().catch(() => {});
console.log(JSON.stringify(result));
process.exit(0);
