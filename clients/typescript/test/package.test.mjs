// The package: generated types, strict compilation, sizes, no dependencies.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { writeForCompiler } from "./support/snippets.mjs";

const here = fileURLToPath(new URL("../", import.meta.url));
const node = (...args) => execFileSync(process.execPath, args, { cwd: here, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const said = (call) => {
  try {
    return call();
  } catch (error) {
    return error.stdout + error.stderr;
  }
};

async function size(entry, external = []) {
  const options = { bundle: true, minify: true, format: "esm", target: "es2022", write: false, external, absWorkingDir: here };
  const { outputFiles } = await build({ entryPoints: [entry], ...options });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

describe("the package", () => {
  it("has the types that the contracts generate", () => assert.equal(said(() => node("scripts/generate.mjs", "--check")), ""));
  it("compiles under tsc --strict, as the README's blocks do", () => {
    writeForCompiler();
    assert.equal(said(() => node("node_modules/typescript/bin/tsc", "--project", ".")), "");
  });
  it("is ESM without dependencies", () => {
    const { dependencies, type } = JSON.parse(readFileSync(`${here}package.json`, "utf8"));
    assert.deepEqual([dependencies, type], [undefined, "module"]);
  });
  it("pins everything, and names no registry", () => {
    const lock = readFileSync(`${here}package-lock.json`, "utf8");
    assert.ok(!lock.includes('"resolved"'));
    const { devDependencies } = JSON.parse(readFileSync(`${here}package.json`, "utf8"));
    for (const version of Object.values(devDependencies)) assert.match(version, /^\d/);
  });
  for (const [name, limit, external] of [
    ["index", 12 * 1024, []],
    ["react/index", 2 * 1024, ["react", "@runbus/client"]],
    ["ai-sdk/index", 4 * 1024, ["ai", "@runbus/client"]],
  ]) {
    it(`${name} has at most ${limit} bytes, minified and gzipped`, async (t) => {
      const bytes = await size(`dist/${name}.js`, external);
      t.diagnostic(`${bytes} bytes`);
      assert.ok(bytes <= limit, `${bytes} bytes`);
    });
  }
});
