// The blocks of the README.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("../../", import.meta.url));
/** Compiled with everything else; made anew each time. */
const compiled = `${here}test/types/readme/`;

export function snippets() {
  const text = readFileSync(`${here}README.md`, "utf8");
  return [...text.matchAll(/^```(tsx?)( no-run)?\n(.*?)^```$/gms)].map(([, language, skip, code], at) => ({
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
