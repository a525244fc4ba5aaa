// Packs the files of the bundle, so that a gateway packs nothing, and says what they weigh. `--check` compares with the limits.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const folder = fileURLToPath(new URL("../../../gateway/console-dist/", import.meta.url));

/** Bytes, gzip. */
const FIRST_LOAD = 150 * 1024;
const ALL = 350 * 1024;

const names = readdirSync(folder, { recursive: true })
  .map(String)
  .filter((name) => /\.(html|js|css|svg|txt)$/.test(name))
  .sort();
const sizes = {};
for (const name of names) {
  const bytes = readFileSync(join(folder, name));
  const gzip = gzipSync(bytes, { level: 9 });
  sizes[name] = gzip.length;
  // The page gets its gateways when one starts: it is sent as it is.
  if (name === "index.html") continue;
  writeFileSync(join(folder, `${name}.gz`), gzip);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  writeFileSync(join(folder, `${name}.br`), brotliCompressSync(bytes, { params }));
}

// The first load: the page, what it names, and the view that it opens with.
const index = readFileSync(join(folder, "index.html"), "utf8");
const named = [...index.matchAll(/(?:src|href)="\/console\/([^"]+)"/g)].map(([, name]) => name);
const view = names.filter((name) => /^assets\/(Executions|Filters|VirtualList|live|selection)[-.]/.test(name));
const first = new Set(["index.html", ...named, ...view]);
const sum = (list) => list.reduce((all, name) => all + (sizes[name] ?? 0), 0);
const [load, all] = [sum([...first]), sum(names.filter((name) => name !== "licences.txt"))];
const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
console.log(`console: first load ${kib(load)}, all ${kib(all)} (gzip)`);
if (load > FIRST_LOAD || all > ALL) {
  console.error(`console: more than ${kib(FIRST_LOAD)} for the first load, or than ${kib(ALL)} for all`);
  process.exitCode = 1;
}
