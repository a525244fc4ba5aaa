// Lists the packages that are in the bundle with their licences; refuses those that are not permissive.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const PERMISSIVE = new Set(["MIT", "ISC", "0BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0"]);

/** The folder of the package that a module is of. */
function packageOf(file) {
  const at = file.lastIndexOf("/node_modules/");
  if (at < 0) return undefined;
  const rest = file.slice(at + "/node_modules/".length).split("/");
  return join(file.slice(0, at), "node_modules", ...rest.slice(0, rest[0].startsWith("@") ? 2 : 1));
}

function textOf(folder) {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  return file ? readFileSync(join(folder, file), "utf8").trim() : undefined;
}

/** A plugin that writes `licences.txt` beside the bundle. */
export function licences() {
  return {
    name: "licences",
    apply: "build",
    generateBundle(_, bundle) {
      const folders = new Set();
      for (const chunk of Object.values(bundle)) {
        for (const id of Object.keys(chunk.modules ?? {})) {
          const folder = packageOf(id.replace(/^\0/, "").split("?")[0]);
          if (folder && existsSync(join(folder, "package.json"))) folders.add(folder);
        }
      }
      const parts = [];
      for (const folder of [...folders].sort((a, b) => (packageOf(join(a, "x")) < packageOf(join(b, "x")) ? -1 : 1))) {
        const { name, version, license: named } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
        // Some packages name none and have the text alone.
        const license = named ?? (/^MIT License\b|Permission is hereby granted, free of charge/.test(textOf(folder) ?? "") ? "MIT" : undefined);
        if (!PERMISSIVE.has(license)) this.error(`${name} ${version} has the licence ${license}, which is not permissive`);
        parts.push(`${name} ${version} (${license})\n\n${textOf(folder) ?? "The package has no text of its licence."}\n`);
      }
      const source = `Packages of others in the console of Runbus.\n\n${parts.join(`\n${"-".repeat(80)}\n\n`)}`;
      this.emitFile({ type: "asset", fileName: "licences.txt", source });
    },
  };
}

