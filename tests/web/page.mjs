// Opens a report in a real browser and checks what a reader would do and see.
//
// usage: node page.mjs CHROMIUM REPORT.html...      prints {REPORT: {check: null or what is wrong, "found": [...]}}
import { chromium } from "playwright-core";
import { pathToFileURL } from "node:url";

const [executablePath, ...files] = process.argv.slice(2);
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

const most_clicks = 60;

function ensure(truth, message) {
  if (!truth) throw new Error(message);
}

// Opens the file; collects whatever the page should not do.
async function open(browser, file, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => complaints.push(`console ${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => { complaints.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  const own = pathToFileURL(file).href;
  page.on("request", (request) => {
    if (request.url() !== own && !request.url().startsWith("data:")) complaints.push(`request: ${request.url()}`);
  });
  await page.goto(own);
  return { context, page, complaints };
}

// Every nonempty cell (or listed confusion), clicked: what the page then shows.
async function cells(page) {
  const buttons = await page.locator("button.cell:not(.none), button.confusion").all();
  const found = [];
  for (const button of buttons.slice(0, most_clicks)) {
    await button.click();
    found.push(await page.evaluate(() => ({
      button: document.querySelector("[aria-pressed=true]").getAttribute("aria-label"),
      count: Number((document.querySelector("[aria-pressed=true] .times") ?? document.querySelector("[aria-pressed=true]")).textContent.replaceAll(",", "")),
      pressed: document.querySelectorAll("[aria-pressed=true]").length,
      heading: document.querySelector(".shown h3").textContent,
      notes: [...document.querySelectorAll(".shown .note")].map((note) => note.textContent),
      tiles: [...document.querySelectorAll(".shown .tile")].map((tile) => ({
        truth: Number(tile.dataset.truth), predicted: Number(tile.dataset.predicted),
        alt: tile.querySelector("img").alt, src: tile.querySelector("img").src,
      })),
    })));
  }
  return found;
}

const checks = {
  async "clicking a cell shows its pictures and no others"(page, result) {
    result.found = await cells(page);
    ensure(result.found.length > 0 || await page.locator("button.cell, button.confusion").count() === 0, "nothing can be clicked");
    for (const cell of result.found) {
      ensure(cell.pressed === 1, `${cell.pressed} cells are chosen`);
      ensure(cell.heading.endsWith(cell.count === 1 ? ": 1 picture" : `: ${cell.count.toLocaleString("en")} pictures`), `${cell.heading}, but ${cell.count} in the cell`);
      ensure(cell.tiles.length <= cell.count, `${cell.tiles.length} pictures of ${cell.count}`);
      ensure(cell.tiles.length === cell.count || cell.notes.length === 1, "missing pictures are not said");
      const [first] = cell.tiles;
      ensure(cell.tiles.every((tile) => tile.truth === first.truth && tile.predicted === first.predicted), "pictures of two cells");
    }
    const broken = await page.evaluate(async () => {
      await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
      return [...document.images].filter((image) => image.naturalWidth === 0).length;
    });
    ensure(broken === 0, `${broken} pictures do not open`);
  },

  async "the keyboard does what the mouse does"(page) {
    const cell = page.locator("button.cell");
    const focused = () => page.evaluate(() => [...document.querySelectorAll("button.cell")].indexOf(document.activeElement));
    if (await cell.count() > 0) {
      ensure(await page.locator('button.cell[tabindex="0"]').count() === 1, "the matrix is more than one stop of the Tab key");
      for (let presses = 0; await focused() < 0; ++presses) {
        ensure(presses < 60, "Tab does not come to the matrix");
        await page.keyboard.press("Tab");
      }
      ensure(await focused() === 0, "Tab does not come to the first cell");
      const rows = await page.locator("[aria-labelledby=confusions] .matrix tbody tr").count(), size = await cell.count() / rows;
      for (const [key, place] of [["ArrowRight", 1], ["ArrowDown", size + 1], ["ArrowLeft", size], ["ArrowUp", 0], ["ArrowUp", 0], ["End", size - 1], ["Home", 0]]) {
        await page.keyboard.press(key);
        ensure(await focused() === place, `${key} goes to cell ${await focused()}, not ${place}`);
      }
      ensure(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle) !== "none", "the focus is not seen");
      await page.keyboard.press("Enter");
      ensure(await page.locator(".shown h3").count() === 1, "Enter shows nothing");
      ensure(await page.evaluate(() => document.activeElement.getAttribute("aria-pressed")) === "true", "Enter chooses no cell");
      await page.keyboard.press("Tab");
      ensure(await focused() === -1, "the matrix has more than one stop of the Tab key");
    }
    const slider = page.locator("#epoch");
    if (await slider.count() > 0 && Number(await slider.getAttribute("max")) > 0) {
      await slider.focus();
      const before = await page.locator(".reading").textContent();
      await page.keyboard.press("ArrowLeft");
      ensure(await page.locator(".reading").textContent() !== before, "the slider does not move by key");
    }
    for (const list of await page.locator("button.confusion").all()) {
      await list.focus();
      await page.keyboard.press("Enter");
      ensure(await list.getAttribute("aria-pressed") === "true", "Enter chooses no confusion");
      break;
    }
  },

  async "one number is written one way"(page) {
    const record = await page.evaluate(() => JSON.parse(document.getElementById("record").textContent));
    const last = record.history.at(-1);
    if (!last || record.folds.length > 0 || last[0] !== record.kept_epoch || !/^\d/.test(record.words.accuracy_text)) return;
    const reading = await page.locator(".reading").textContent();
    ensure(!/right[a-z]/.test(reading) && / right; held out: loss /.test(reading), `parts of "${reading}" run together`);
    ensure(reading.includes(`${record.words.accuracy_text} right`), `the last epoch says "${reading}", the result ${record.words.accuracy_text}`);
  },

  async "the slider goes through the epochs that were kept"(page, result) {
    const record = await page.evaluate(() => JSON.parse(document.getElementById("record").textContent));
    if (!record.epochs) return ensure(await page.locator(".kept, .play, .stop").count() === 0, "there are epochs, but none was kept");
    const numbers = record.epochs.shown.map((epoch) => epoch.number), slider = page.locator("#epoch");
    const state = () => page.evaluate(() => {
      const all = (selector, of) => [...document.querySelectorAll(selector)].map(of), text = (element) => element.textContent;
      const sheet = document.querySelector(".of-epoch img.sheet");
      return {
        value: Number(document.getElementById("epoch").value), spoken: document.getElementById("epoch").getAttribute("aria-valuetext"),
        reading: document.querySelector(".reading").textContent, title: document.getElementById("epoch-shown").textContent,
        right: document.querySelector(".counted p").textContent, caption: document.querySelector(".of-epoch caption")?.textContent,
        counts: all(".of-epoch .matrix tbody tr", (row) => [...row.querySelectorAll("td")].map((cell) => Number(cell.textContent.replaceAll(",", "")))),
        tiles: all(".of-epoch .tile", (tile) => ({
          src: tile.querySelector("img").src, alt: tile.querySelector("img").alt, wrong: tile.classList.contains("wrong"),
          answer: [...tile.querySelector(".answer").children].map(text), truth: [...tile.querySelector(".truth").children].map(text),
          share: tile.querySelector(".share span").getBoundingClientRect().width / tile.querySelector(".share").clientWidth,
        })),
        sheet: sheet && { src: sheet.src, alt: sheet.alt },
        cursors: all(".cursor", (line) => Number(line.getAttribute("x1"))),
      };
    });
    ensure((await state()).value === numbers.length - 1, "the page does not begin with the last epoch");
    await slider.focus();
    await page.keyboard.press("Home");
    result.epochs = [];
    for (const number of numbers) {
      result.epochs.push({ number, ...await state() });
      await page.keyboard.press("ArrowRight");
    }
    const marks = await page.locator(".charts figure:first-child .stop").evaluateAll((lines) => lines.map((line) => Number(line.getAttribute("x1"))));
    for (const [at, epoch] of result.epochs.entries()) {
      ensure(epoch.value === at, `the keyboard goes to ${epoch.value}, not ${at}`);
      ensure(epoch.spoken === (epoch.number === 0 ? "before training" : `epoch ${epoch.number}`), `a screen reader says "${epoch.spoken}" at ${epoch.number}`);
      ensure(epoch.cursors.length === 2 && epoch.cursors.every((x) => x === marks[at]), `the markers stand at ${epoch.cursors}, not ${marks[at]}`);
      const first = Math.min(numbers[0], record.history[0][0]), last = record.history.at(-1)[0];
      ensure(Math.abs(marks[at] - 50 - (epoch.number - first) / Math.max(1, last - first) * 378) < 0.01, `epoch ${epoch.number} is marked at ${marks[at]}`);
      for (const text of [epoch.title, epoch.caption ?? epoch.title, epoch.sheet?.alt ?? epoch.title])
        ensure(text.includes(epoch.number === 0 ? "before training" : `after epoch ${epoch.number}`), `"${text}" at epoch ${epoch.number}`);
    }
    // Pointing at a curve goes to the epoch that is nearest.
    const at = Math.floor(numbers.length / 2);
    const box = await page.locator(".charts svg").first().boundingBox();
    await page.mouse.move(box.x + (marks[at] + 0.4) / 440 * box.width, box.y + box.height / 2);
    ensure((await state()).value === at, "pointing at the curve shows another epoch");
    // What is shown stays in sight beside the slider.
    await page.locator(".of-epoch").evaluate((element) => element.scrollIntoView());
    const seen = await slider.boundingBox();
    ensure(seen.y >= 0 && seen.y < 120, `the slider is at ${seen.y}, out of sight`);
  },

  async "choosing a class draws its curves"(page) {
    const record = await page.evaluate(() => JSON.parse(document.getElementById("record").textContent));
    const state = () => page.evaluate(() => ({
      chosen: [...document.querySelectorAll(".picks .chosen th")].map((cell) => cell.textContent),
      drawn: [...document.querySelectorAll("section[aria-labelledby=measures] polyline.line title")].map((title) => title.textContent),
      others: document.querySelectorAll("section[aria-labelledby=measures] polyline.curve").length,
    }));
    const { classes, overall } = record.measures;
    const shown = await page.locator("#measures-table tbody tr").allTextContents();
    ensure(shown.length === overall.length && overall.every(([name, value, interval], at) => shown[at] === name + value + interval), `scores: ${shown}`);
    const buttons = await page.locator("button.pick").all();
    ensure(buttons.length === (classes.length > 1 ? classes.length : 0), `${buttons.length} classes can be chosen`);
    if (classes.length === 0) return;
    const expect = async (name) => {
      const { chosen, drawn, others } = await state();
      ensure(JSON.stringify([chosen, drawn, others]) === JSON.stringify([[name], [name, name], 2 * classes.length - 2]), `${name}: ${chosen} is chosen, ${drawn} drawn above ${others}`);
    };
    await expect(classes[0].name);
    if (buttons.length === 0) return;
    await buttons.at(-1).click();
    await expect(classes.at(-1).name);
    await buttons[0].focus();
    await page.keyboard.press("Enter");
    await expect(classes[0].name);
  },

  async "every bin of confidence is a point where it belongs"(page) {
    const found = await page.evaluate(() => {
      const record = JSON.parse(document.getElementById("record").textContent), known = record.calibration;
      const diagram = document.querySelector(".reliability svg");
      const middle = (circle) => ["cx", "cy", "r"].map((name) => Number(circle.getAttribute(name)));
      const line = diagram.querySelector(".chance"), ends = ["x1", "y1", "x2", "y2"].map((name) => Number(line.getAttribute(name)));
      const table = [...document.querySelectorAll('[aria-label="Measures of calibration"] tbody tr')].map((row) => [...row.children].map((cell) => cell.textContent));
      const points = (kind) => [...diagram.querySelectorAll(`circle.${kind}`)].map(middle).sort((a, b) => a[0] - b[0]);
      return { known, n: record.confusions.cells.reduce((sum, cell) => sum + cell[2], 0), matrix: record.confusions.matrix,
        ends, after: points("after"), before: points("before"), table };
    });
    const { known, ends: [left, bottom, right, top] } = found;
    for (const [kind, bins] of [["after", known.after], ["before", known.before ?? []]]) {
      ensure(found[kind].length === bins.length, `${found[kind].length} points for ${bins.length} bins ${kind}`);
      bins.forEach(([confidence, share], at) => {
        const [x, y] = found[kind][at];
        ensure(Math.abs(x - left - confidence * (right - left)) < 0.1 && Math.abs(y - bottom - share * (top - bottom)) < 0.1, `point ${at} ${kind} lies at ${x}, ${y}`);
      });
      const sizes = bins.map((bin, at) => [bin[2], found[kind][at][2]]).sort((a, b) => a[0] - b[0]);
      sizes.slice(1).forEach((next, at) => ensure(next[1] >= sizes[at][1], "a point of more answers is smaller"));
    }
    const answers = known.after.reduce((sum, bin) => sum + bin[2], 0);
    ensure(!found.matrix || answers === found.n, `${answers} answers in bins, ${found.n} pictures in the matrix`);
    const expected = known.rows.map(([name, before, after]) => known.before ? [name, before, after] : [name, after]);
    ensure(JSON.stringify(found.table) === JSON.stringify(expected), `the table says ${JSON.stringify(found.table)}`);
  },

  async "refused pictures stand in a column of their own"(page) {
    const record = await page.evaluate(() => JSON.parse(document.getElementById("record").textContent));
    const { refused, matrix, cells } = record.confusions, text = await page.locator("#page").textContent();
    ensure(text.includes("got no answer") === refused > 0, `${refused} refused, but the page ${refused > 0 ? "does not say" : "says"} so`);
    ensure(!text.includes("undefined,") && !text.includes("taken for undefined"), "a refusal is undefined");
    if (refused === 0 || !matrix) return;
    const counts = await page.locator("[aria-labelledby=confusions] .matrix tbody tr td:last-child button").allTextContents();
    ensure(counts.reduce((sum, each) => sum + Number(each.replaceAll(",", "")), 0) === refused, `the column holds ${counts}`);
    const [truth, , images] = cells.find((cell) => cell[1] < 0);
    await page.locator("[aria-labelledby=confusions] .matrix tbody tr").nth(truth).locator("button").last().click();
    const shown = await page.evaluate(() => ({ heading: document.querySelector(".shown h3").textContent,
      tiles: [...document.querySelectorAll(".shown .tile")].map((tile) => [tile.dataset.predicted, tile.querySelector(".answer").textContent, tile.querySelector(".truth").textContent]) }));
    ensure(shown.heading.startsWith(`${record.classes[truth]} refused: ${images}`), shown.heading);
    ensure(shown.tiles.length > 0 && shown.tiles.every(([p, answer, seemed]) => p === "-1" && answer === "refused" && /^seemed .+%$/.test(seemed)), JSON.stringify(shown.tiles[0]));
  },

  async "a phone needs no sideways scrolling"(page) {
    for (const width of [390, 320]) {
      await page.setViewportSize({ width, height: 800 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      ensure(wide <= width, `${wide} pixels wide on a screen of ${width}`);
    }
  },

  async "a phone shows the whole of eleven classes"(page) {
    await page.setViewportSize({ width: 375, height: 800 });
    const found = await page.evaluate(() => ({
      names: JSON.parse(document.getElementById("record").textContent).classes,
      wide: [...document.querySelectorAll(".wide:has(.matrix, .summary)")].map((box) => [box.textContent.slice(0, 20), box.scrollWidth - box.clientWidth]),
      broken: [...document.querySelectorAll(".pick")].filter((pick) => pick.getClientRects().length > 1 || pick.offsetHeight > 40).map((pick) => pick.textContent),
    }));
    if (found.names.length > 11 || found.names.some((name) => name.length > 4)) return;
    for (const [text, beyond] of found.wide) ensure(beyond <= 0, `"${text}" is ${beyond} pixels too wide`);
    ensure(found.broken.length === 0, `broken: ${found.broken}`);
  },

  async "the biggest mistake is chosen"(page) {
    const record = await page.evaluate(() => JSON.parse(document.getElementById("record").textContent));
    const [truth, predicted, images] = record.confusions.cells[0] ?? [0, 0, 0];
    const found = await page.evaluate(() => ({
      heading: document.getElementById("confusions").textContent,
      chosen: [...document.querySelectorAll("[aria-pressed=true]")].map((button) => button.textContent),
      shown: document.querySelector(".shown h3")?.textContent,
      tiles: [...document.querySelectorAll(".shown .tile")].map((tile) => [Number(tile.dataset.truth), Number(tile.dataset.predicted)]),
    }));
    ensure(found.heading === (record.confusions.matrix ? "Confusion matrix" : "Mistakes"), `the heading is "${found.heading}"`);
    if (truth === predicted || predicted < 0) return ensure(found.chosen.length === 0 && found.tiles.length === 0, "something is chosen though there is no mistake");
    ensure(found.chosen.length === 1 && found.shown.includes(" taken for "), `chosen: ${found.chosen}; shown: ${found.shown}`);
    ensure(found.shown.endsWith(`: ${images.toLocaleString("en")} picture${images === 1 ? "" : "s"}`), `shown is "${found.shown}", not ${images}`);
    ensure(found.tiles.every(([t, p]) => t === truth && p === predicted), "pictures of another cell");
  },

  async "a phone breaks no option and no heading of the table"(page) {
    await page.setViewportSize({ width: 390, height: 800 });
    const found = await page.evaluate(() => {
      return {
        options: [...document.querySelectorAll("p code, li code")].map((code) => [code.textContent, code.getClientRects().length]),
        loose: [...document.querySelectorAll("header p, header li")].some((element) =>
          [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && /(^|\s)--\w/.test(node.data))),
        cells: [...document.querySelectorAll("section[aria-labelledby=scores] :is(thead th, .summary th)")].map((cell) => {
          const range = document.createRange();
          range.selectNodeContents(cell);
          return [cell.textContent, new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size];
        }),
      };
    });
    for (const [text, lines] of [...found.options, ...found.cells]) ensure(lines === 1, `"${text}" takes ${lines} lines`);
    ensure(!found.loose, "an option stands outside a code element");
  },

  async "the scale fits the intervals"(page) {
    const marks = await page.evaluate(() => {
      const bar = document.querySelector(".scale .bar").getBoundingClientRect();
      return [...document.querySelectorAll(".scale .bar :is(.interval, .fresh)")].map((mark) => {
        const box = mark.getBoundingClientRect();
        return { kind: mark.className, from: (box.left - bar.left) / bar.width, to: (box.right - bar.left) / bar.width };
      });
    });
    const record = await page.evaluate(() => JSON.parse(document.getElementById("record").textContent));
    ensure(marks.length === (record.words.new_hands ? 2 : 1), `${marks.length} intervals are drawn`);
    for (const mark of marks) ensure(mark.from >= -0.01 && mark.to <= 1.01 && mark.to > mark.from, `${mark.kind} from ${mark.from} to ${mark.to}`);
    const width = Math.max(...marks.map((mark) => mark.to)) - Math.min(...marks.map((mark) => mark.from));
    ensure(width > 0.1, `the intervals take ${(100 * width).toFixed(0)}% of the scale`);
  },

  async "names stay text"(page) {
    const found = await page.evaluate(() => {
      const record = JSON.parse(document.getElementById("record").textContent);
      const text = document.getElementById("page").textContent;
      return {
        scripts: document.scripts.length, styles: document.querySelectorAll("style").length,
        odd: document.querySelectorAll("#page :is(script, iframe, object, embed, link, style, form, base, meta, a)").length,
        handlers: [...document.querySelectorAll("*")].filter((element) => [...element.attributes].some((a) => a.name.startsWith("on"))).length,
        missing: (record.scores?.classes ?? record.per_class ?? record.best).slice(0, 30).map((row) => row[0]).filter((name) => !text.includes(name) && !(record.classes?.length > 30)),
        pwned: "pwned" in window,
      };
    });
    ensure(JSON.stringify(found) === '{"scripts":2,"styles":1,"odd":0,"handlers":0,"missing":[],"pwned":false}', JSON.stringify(found));
  },

  async "landmarks, headings and images are named"(page) {
    const found = await page.evaluate(() => ({
      h1: document.querySelectorAll("h1").length, main: document.querySelectorAll("main").length,
      unnamed: [...document.querySelectorAll("section")].filter((s) => !document.getElementById(s.getAttribute("aria-labelledby"))).length,
      images: [...document.querySelectorAll("img, svg[role=img]")].filter((i) => !(i.alt || i.getAttribute("aria-label"))).length,
      buttons: [...document.querySelectorAll("button")].filter((b) => !(b.textContent || b.getAttribute("aria-label"))).length,
      twice: [...document.querySelectorAll("[id]")].map((e) => e.id).filter((id, i, all) => all.indexOf(id) !== i),
      language: document.documentElement.lang, title: document.title.length > 0,
    }));
    ensure(JSON.stringify(found) === '{"h1":1,"main":1,"unnamed":0,"images":0,"buttons":0,"twice":[],"language":"en","title":true}', JSON.stringify(found));
  },

  async "paper is white and whole"(page) {
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    await page.setViewportSize({ width: 794, height: 1123 });
    const found = await page.evaluate(() => {
      dispatchEvent(new Event("beforeprint"));
      return {
        paper: getComputedStyle(document.body).backgroundColor, ink: getComputedStyle(document.body).color,
        wide: document.documentElement.scrollWidth > innerWidth,
        buttons: [...document.querySelectorAll(".more, .slider")].filter((element) => element.offsetParent !== null).length,
      };
    });
    ensure(JSON.stringify(found) === '{"paper":"rgb(255, 255, 255)","ink":"rgb(20, 24, 31)","wide":false,"buttons":0}', JSON.stringify(found));
  },
};

// WCAG 2.1: 4.5 for text, 3 for large text and for lines that mean something.
async function contrast(page) {
  await page.evaluate(() => {
    for (const folded of document.querySelectorAll("details")) folded.open = true;
    document.querySelector("button.cell:not(.none), button.confusion")?.click();
  });
  return page.evaluate(() => {
    const rgb = (text) => text.match(/[\d.]+/g).map(Number);
    const luminance = ([r, g, b]) => {
      const linear = [r, g, b].map((value) => value / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
      return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const behind = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const colour = rgb(getComputedStyle(at).backgroundColor);
        if (colour.length === 3 || colour[3] === 1) return colour;
      }
      return [255, 255, 255];
    };
    const ratio = (a, b) => {
      const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
      return (high + 0.05) / (low + 0.05);
    };
    const poor = new Set();
    let texts = 0, lines = 0;
    const walker = document.createTreeWalker(document.getElementById("page"), NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement, style = getComputedStyle(element);
      if (!walker.currentNode.textContent.trim() || element.getClientRects().length === 0) continue;
      ++texts;
      const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      const colour = rgb(element instanceof SVGElement ? style.fill : style.color), found = ratio(colour, behind(element));
      if (found < (large ? 3 : 4.5)) poor.add(`${found.toFixed(2)} ${element.tagName}.${element.getAttribute("class")} "${element.textContent.slice(0, 20)}"`);
    }
    for (const element of document.querySelectorAll(".line, .axis:is(line), .cursor, circle.sure")) {
      ++lines;
      const found = ratio(rgb(getComputedStyle(element).stroke), behind(element.closest("figure")));
      if (found < 3) poor.add(`${found.toFixed(2)} line ${element.getAttribute("class")}`);
    }
    for (const element of document.querySelectorAll(".bar .point, .warnings li")) {
      const style = getComputedStyle(element);
      const colour = rgb(element.matches(".point") ? style.backgroundColor : style.borderLeftColor);
      if (ratio(colour, behind(element.parentElement)) < 3) poor.add(`mark ${element.className || element.tagName}`);
    }
    return { texts, lines, poor: [...poor] };
  });
}

// On a clock of the test's own.
async function playThrough(page) {
  const play = page.locator(".play"), slider = page.locator("#epoch");
  const last = Number(await slider.getAttribute("max"));
  await page.clock.install({ time: 0 });
  await page.clock.pauseAt(1000);
  const expect = async (value, text) => {
    const found = [Number(await slider.inputValue()), await play.textContent()];
    ensure(found[0] === value && found[1] === text, `it stands at ${found}, not ${value},${text}`);
  };
  await expect(last, "Play");
  await play.focus();
  await page.keyboard.press("Enter");
  await expect(0, "Pause");
  await page.clock.runFor(800);
  await expect(1, last > 1 ? "Pause" : "Play");
  if (last > 1) {
    await play.click();
    await page.clock.runFor(5000);
    await expect(1, "Play");
    await play.click();
  }
  await page.clock.runFor(800 * last);
  await expect(last, "Play");
  await play.click();
  await slider.focus();
  await page.keyboard.press("ArrowRight");  // whoever takes the slider has it
  await page.clock.runFor(5000);
  await expect(1, "Play");
}

async function rest(page) {
  ensure(await page.locator(".play").count() === 1 && !await page.locator(".play").isVisible(), "something can be played");
}

const browser = await chromium.launch({ executablePath, args: flags });
const results = {};
for (const file of files) {
  const result = results[file] = {};
  const attempt = async (name, options, work) => {
    const { context, page, complaints } = await open(browser, file, options);
    try {
      await work(page, result);
      ensure(complaints.length === 0, complaints.slice(0, 3).join("; "));
      result[name] = null;
    } catch (error) {
      result[name] = error.message;
    }
    await context.close();
  };
  for (const [name, check] of Object.entries(checks)) await attempt(name, {}, check);
  for (const colorScheme of ["light", "dark"]) {
    await attempt(`contrast is AA in ${colorScheme} colours`, { colorScheme }, async (page) => {
      const { texts, poor } = await contrast(page);
      ensure(texts > 30, `only ${texts} texts were found`);
      ensure(poor.length === 0, poor.slice(0, 5).join("; "));
    });
  }
  for (const [name, options, check] of [["the epochs play by themselves", {}, playThrough], ["nothing moves for who wants no motion", { reducedMotion: "reduce" }, rest]]) {
    if (result.epochs) await attempt(name, options, check); else result[name] = null;
  }
  await attempt("the weights are dark on a dark page", { colorScheme: "dark" }, async (page) => {
    const sheet = page.locator("img.sheet").last();
    if (await sheet.count() === 0) return;
    await sheet.scrollIntoViewIfNeeded();
    // The corner between four tiles is paper.
    const shot = (await sheet.screenshot({ type: "png" })).toString("base64");
    const light = await page.evaluate(async (png) => {
      const image = new Image();
      image.src = `data:image/png;base64,${png}`;
      await image.decode();
      const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
      const context = canvas.getContext("2d");
      context.drawImage(image, 0, 0);
      const values = context.getImageData(0, 0, image.width, image.height).data;
      let sum = 0;
      for (let at = 0; at < values.length; at += 4) sum += values[at] + values[at + 1] + values[at + 2];
      return sum / (values.length / 4 * 3);
    }, shot);
    ensure(light < 110, `its mean brightness is ${light.toFixed(0)} of 255`);
  });
  await attempt("without scripts the words remain", { javaScriptEnabled: false }, async (page) => {
    ensure((await page.locator("noscript").textContent()).match(/confidence|95% interval|may be anything from|only a test that chose nothing says how well/), "nothing is said");
  });
}
await browser.close();
console.log(JSON.stringify(results));
