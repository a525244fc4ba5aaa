// The blocks of the README, and those of the project's pages that are marked `ts client`.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("../../", import.meta.url));
const docs = fileURLToPath(new URL("../../../../docs/", import.meta.url));
/** Compiled with everything else; made anew each time. */
const compiled = `${here}test/types/readme/`;

export function snippets() {
  const pages = readdirSync(docs, { recursive: true }).filter((name) => name.endsWith(".md")).sort();
  const found = [
    ...readFileSync(`${here}README.md`, "utf8").matchAll(/^```(tsx?)( no-run)?\n(.*?)^```$/gms),
    ...pages.flatMap((name) => [...readFileSync(join(docs, name), "utf8").matchAll(/^```(ts) client()\n(.*?)^```$/gms)]),
  ];
  return found.map(([, language, skip, code], at) => ({
    code,
    language,
    name: `block ${at + 1}: ${/^(?!import)\S.*$/m.exec(code)[0]}`,
    runs: language === "ts" && !skip,
  }));
}

export function writeForCompiler() {
  rmSync(compiled, { recursive: true, force: true });
  mkdirSync(compiled, { recursive: true });
  snippets().forEach(({ code, language }, at) => writeFileSync(`${compiled}${at + 1}.${language}`, code));
}
