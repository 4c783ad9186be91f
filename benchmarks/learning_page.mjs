// How smoothly the tab "Learn" shows a training, in Chromium: frames a second while it trains by batch, and how long 100 epochs take to be drawn.
//
// usage: node benchmarks/learning_page.mjs [MUDRA] [SECONDS]     after `npm ci --ignore-scripts` in tests/web
// Frames are counted by requestAnimationFrame while the lab is open at 1440x900 with curves and hidden units on the screen; a frame that comes later than 25 ms after
// the one before has missed its turn.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const { chromium } = createRequire(join(root, "tests/web/package.json"))("playwright-core");
const command = resolve(process.argv[2] ?? join(root, "build/release/mudra")), seconds = Number(process.argv[3] ?? 8);
const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const folder = mkdtempSync(join(tmpdir(), "mudra-learning-"));

const server = spawn(command, ["serve", "--port", "0", "--data", join(folder, "signs"), "--json"], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
const port = await new Promise((done) => {
  let out = "";
  server.stdout.on("data", (text) => {
    out += text;
    try { done(JSON.parse(out).port); } catch { /* not whole yet */ }
  });
});
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-background-networking"] });

async function lab(speed) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(`http://127.0.0.1:${port}/#learn?data=synth:2000&recipe=report&classes=0,5&seed=1&step=0`);
  await page.locator(".units canvas").waitFor();
  await page.waitForTimeout(1500);
  await page.getByLabel("Speed").selectOption(speed);
  await page.evaluate(() => {
    window.frames = [];
    const count = (time) => { window.frames.push(time); requestAnimationFrame(count); };
    requestAnimationFrame(count);
  });
  return page;
}
const step = async (page) => Number(/^Step (\d+)/.exec(await page.locator(".where-at").textContent())[1]);
const told = (frames) => {
  const gaps = frames.slice(1).map((each, at) => each - frames[at]).sort((a, b) => a - b), all = frames.at(-1) - frames[0];
  return `${(1000 * gaps.length / all).toFixed(1)} frames a second, the slowest of 100 after ${gaps[Math.floor(0.99 * gaps.length)].toFixed(1)} ms, ${(100 * gaps.filter((gap) => gap > 25).length / gaps.length).toFixed(1)}% late`;
};

{
  const page = await lab("frame");
  const idle = await page.evaluate(async (ms) => { window.frames.length = 0; await new Promise((done) => setTimeout(done, ms)); return window.frames; }, 1000 * seconds / 2);
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.evaluate(() => { window.frames.length = 0; });
  const before = await step(page), begun = performance.now();
  const frames = await page.evaluate(async (ms) => { await new Promise((done) => setTimeout(done, ms)); return window.frames; }, 1000 * seconds);
  const steps = await step(page) - before, took = (performance.now() - begun) / 1000;
  console.log(`nothing running   ${told(idle)}`);
  console.log(`a step a frame    ${told(frames)}; ${(steps / took).toFixed(1)} steps a second`);
  await page.close();
}
{
  const page = await lab("epoch");
  const begun = performance.now();
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.getByText(/The training is over/).waitFor({ timeout: 120000 });
  const took = (performance.now() - begun) / 1000;
  console.log(`100 epochs drawn  ${took.toFixed(2)} s, ${told(await page.evaluate(() => window.frames))}`);
}
await browser.close();
server.kill();
rmSync(folder, { recursive: true });
