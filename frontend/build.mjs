/**
 * Builds the browser's share of WedSync into wedsync/web/static/dist: hashed files and a manifest.json that names them.
 *
 * `node build.mjs` builds once, `node build.mjs --watch` builds again on each change. Output is minified and has no
 * inline anything, so the pages' Content-Security-Policy needs no `unsafe-` word. Everything is read from node_modules:
 * the build itself never touches the network.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { watch } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const dist = path.resolve(here, "../wedsync/web/static/dist");
// Old phones open RSVP links: nesting and friends are lowered to what iOS 15 and Chrome 100 read.
const target = ["chrome100", "safari15", "firefox102"];

const hash = (bytes) => createHash("sha256").update(bytes).digest("hex").slice(0, 10);

/** The dark palette is written once and used twice: for systems that ask for it and for people who chose it. */
async function writePalette() {
  const dark = await readFile(path.join(here, "src/css/dark.txt"), "utf8");
  const css = [
    "/* Written by build.mjs from dark.txt. */",
    `@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) { ${dark} } }`,
    `:root[data-theme="dark"] { ${dark} }`,
  ].join("\n");
  await writeFile(path.join(here, "src/css/dark.generated.css"), css);
}

/** One SVG file with a symbol per line of icons.txt, drawn by Lucide, and our own mark from src/mark.svg. */
async function buildSprite() {
  const names = (await readFile(path.join(here, "src/icons.txt"), "utf8")).split(/\s+/).filter(Boolean).sort();
  const symbols = await Promise.all(
    names.map(async (name) => {
      const svg = await readFile(path.join(here, "node_modules/lucide-static/icons", `${name}.svg`), "utf8");
      const body = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
      return `<symbol id="${name}" viewBox="0 0 24 24">${body.replace(/\s+/g, " ").trim()}</symbol>`;
    }),
  );
  const sprite = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`;
  const file = `icons-${hash(sprite)}.svg`;
  await writeFile(path.join(dist, file), sprite);
  return file;
}

async function buildMark() {
  const mark = await readFile(path.join(here, "src/mark.svg"));
  const file = `mark-${hash(mark)}.svg`;
  await writeFile(path.join(dist, file), mark);
  return file;
}

/** Maps `app.js`, `app.css` and the preloaded fonts to their hashed names. */
function namesOf(metafile) {
  const names = {};
  for (const [output, about] of Object.entries(metafile.outputs)) {
    const file = path.basename(output);
    if (about.entryPoint) names[`${path.basename(about.entryPoint).replace(/\.(js|css)$/, "")}${path.extname(file)}`] = file;
    const source = Object.keys(about.inputs ?? {})[0] ?? "";
    if (source.endsWith(".woff2")) names[path.basename(source)] = file;
  }
  return names;
}

async function build() {
  await mkdir(dist, { recursive: true });
  await writePalette();
  const result = await esbuild.build({
    absWorkingDir: here,
    entryPoints: ["src/js/app.js", "src/css/app.css"],
    outdir: dist,
    bundle: true,
    splitting: true,
    format: "esm",
    minify: true,
    target,
    entryNames: "[name]-[hash]",
    chunkNames: "chunk-[hash]",
    assetNames: "[name]-[hash]",
    loader: { ".woff2": "file" },
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
  });
  const manifest = { ...namesOf(result.metafile), "icons.svg": await buildSprite(), "mark.svg": await buildMark() };
  await publish(manifest, Object.keys(result.metafile.outputs).map((file) => path.basename(file)));
  const sizes = await Promise.all((await readdir(dist)).map(async (file) => (await readFile(path.join(dist, file))).length));
  console.log(`built ${sizes.length} files, ${Math.round(sizes.reduce((a, b) => a + b, 0) / 1024)} KiB, into ${path.relative(process.cwd(), dist)}`);
}

/** A server may be reading meanwhile: the new files are all there before the manifest names them, the old go last. */
async function publish(manifest, built) {
  const draft = path.join(dist, "manifest.json.new");
  await writeFile(draft, JSON.stringify(manifest, null, 1));
  await rename(draft, path.join(dist, "manifest.json"));
  const wanted = new Set([...built, ...Object.values(manifest), "manifest.json"]);
  const stale = (await readdir(dist)).filter((file) => !wanted.has(file));
  await Promise.all(stale.map((file) => rm(path.join(dist, file))));
}

await build();

if (process.argv.includes("--watch")) {
  let due;
  watch(path.join(here, "src"), { recursive: true }, (_, file) => {
    if (file?.includes("generated")) return;
    clearTimeout(due);
    due = setTimeout(() => build().catch((failure) => console.error(failure.message)), 80);
  });
}
