// What every test of the studio's page in a browser begins with: the server, and how to wait for it.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

export const [executablePath, command, folder] = process.argv.slice(2);
export const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
export const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
export const hostile = '<img src=x onerror="window.pwned=1">';

export function ensure(truth, message) {
  if (!truth) throw new Error(message);
}

// What holds at last, or the reason why it did not.
export async function until(what, holds, ms = 20000) {
  const end = Date.now() + ms;
  for (let last; ; await new Promise((done) => setTimeout(done, 50))) {
    last = await holds();
    if (last) return last;
    ensure(Date.now() < end, `waited in vain: ${what}`);
  }
}

let server = null;
export function serve(port) {
  return new Promise((done, failed) => {
    let out = "";
    server = spawn(command, ["serve", "--port", String(port), "--data", join(folder, "signs"), "--json"], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
    server.stdout.on("data", (text) => {
      out += text;
      try { done(JSON.parse(out).port); } catch { /* not whole yet */ }
    });
    server.on("exit", (code) => failed(new Error(`the server ended with ${code}`)));
  });
}
export function kill() {
  const gone = new Promise((done) => server.on("exit", done));
  server.kill("SIGKILL");
  return gone;
}
export const port = await serve(0), base = `http://127.0.0.1:${port}`;
export const get = async (path) => (await fetch(base + path)).json();
