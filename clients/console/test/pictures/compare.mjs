// Compares a picture with the committed one. Both are shrunk first: the edges of letters then differ less than what people would see.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pixelmatch from "pixelmatch";
import { PNG } from "pngjs";

const baselines = fileURLToPath(new URL("./baselines/", import.meta.url));
const shots = process.env.CONSOLE_TEST_SHOTS ?? fileURLToPath(new URL("../../shots/", import.meta.url));
export const renews = process.env.CONSOLE_TEST_RENEW === "1";

/** Difference of one pixel's colour that counts, from 0 to 1. */
const COLOUR = 0.1;

/** The share of pixels that may differ. A button of another colour is more than this. */
export const SHARE = 0.0008;

/** Levels of each colour that a baseline keeps: the files are small, and it differs by less than `COLOUR`. */
const LEVEL = 8;

/** A picture of a `factor`-th of the width and height: each pixel is the mean of those that it stands for. */
function shrink(png, factor) {
  const [width, height] = [Math.floor(png.width / factor), Math.floor(png.height / factor)];
  const small = new PNG({ width, height });
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const sum = [0, 0, 0];
      for (let dy = 0; dy < factor; dy++) {
        for (let dx = 0; dx < factor; dx++) {
          const from = ((y * factor + dy) * png.width + x * factor + dx) * 4;
          for (let c = 0; c < 3; c++) sum[c] += png.data[from + c];
        }
      }
      const to = (y * width + x) * 4;
      for (let c = 0; c < 3; c++) small.data[to + c] = Math.min(255, Math.round(sum[c] / factor ** 2 / LEVEL) * LEVEL);
      small.data[to + 3] = 255;
    }
  }
  return small;
}

function keep(folder, name, bytes) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

/** The share of pixels that differ; with the paths to look at when that is too much. */
export function picture(name, bytes, factor = 2) {
  if (process.env.CONSOLE_TEST_SHOTS) keep(shots, `${name}.png`, bytes);
  const small = shrink(PNG.sync.read(bytes), factor);
  if (renews) {
    keep(baselines, `${name}.png`, PNG.sync.write(small, { colorType: 2, deflateLevel: 9 }));
    return { share: 0, look: "" };
  }
  const path = join(baselines, `${name}.png`);
  if (!existsSync(path)) return { share: 1, look: `${path} is missing: make test-console ARGS=--renew` };
  const known = PNG.sync.read(readFileSync(path));
  const seen = () => keep(shots, `${name}.png`, bytes);
  if (known.width !== small.width || known.height !== small.height) {
    return { share: 1, look: `${small.width}x${small.height} instead of ${known.width}x${known.height}: ${seen()}` };
  }
  const diff = new PNG({ width: known.width, height: known.height });
  const share = pixelmatch(known.data, small.data, diff.data, known.width, known.height, { threshold: COLOUR }) / (known.width * known.height);
  const look = share > SHARE ? `${seen()} and ${keep(shots, `${name}.diff.png`, PNG.sync.write(diff))}` : "";
  return { share, look };
}

/** The content as a screen reader has it, as text: compared exactly. Gives the first lines that differ. */
export function tree(name, text) {
  const path = join(baselines, `${name}.yml`);
  if (renews) {
    keep(baselines, `${name}.yml`, `${text}\n`);
    return [];
  }
  if (!existsSync(path)) return [`${path} is missing: make test-console ARGS=--renew`];
  const [known, seen] = [readFileSync(path, "utf8").trimEnd().split("\n"), text.trimEnd().split("\n")];
  const at = known.findIndex((line, n) => line !== seen[n]);
  if (at < 0 && known.length === seen.length) return [];
  const from = at < 0 ? known.length : at;
  keep(shots, `${name}.yml`, `${text}\n`);
  return [`${name}.yml, line ${from + 1}`, `- ${known[from] ?? "(the end)"}`, `+ ${seen[from] ?? "(the end)"}`];
}
