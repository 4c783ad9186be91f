// Builds the page of `mudra serve`.
//
// usage: node build.mjs [FOLDER]      into FOLDER, or mudra/serve/assets/studio
import { build } from "esbuild";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, "../mudra/serve/assets/studio"));
const text = (...names) => readFileSync(join(here, ...names), "utf8").trimEnd();
const banner = "Mudra's studio, Apache-2.0; with uPlot, MIT: see /licences.txt";

mkdirSync(out, { recursive: true });
const shared = { absWorkingDir: here, bundle: true, minify: true, charset: "utf8", legalComments: "none", logLevel: "warning" };
await build({
  ...shared,
  entryPoints: ["src/main.ts"],
  outfile: join(out, "studio.js"),
  format: "iife",
  target: ["chrome109", "firefox115", "safari16.4"],
  banner: { js: `/* ${banner} */` },
});
await build({
  ...shared,
  entryPoints: ["studio.css"],
  outfile: join(out, "studio.css"),
  target: ["chrome109", "firefox115", "safari16.4"],
  banner: { css: `/* ${banner} */` },
});
writeFileSync(join(out, "index.html"), `${text("index.html")}\n`);
writeFileSync(join(out, "licences.txt"), [
  "This page belongs to Mudra and contains uPlot. Their licences:",
  `Mudra\n\n${text("../LICENSE").trim()}`,
  `uPlot ${JSON.parse(text("node_modules/uplot/package.json")).version}\n\n${text("node_modules/uplot/LICENSE")}`,
].join(`\n\n${"-".repeat(78)}\n\n`) + "\n");
