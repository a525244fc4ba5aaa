// Builds the bundle into gateway/console-dist.
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("../", import.meta.url));
const folder = fileURLToPath(new URL("../../../gateway/console-dist/", import.meta.url));
// The folder itself stays: its .gitignore is in the repository, and builds of the gateway watch it.
for (const name of readdirSync(folder)) if (name !== ".gitignore") rmSync(join(folder, name), { recursive: true });
const run = (args) => {
  const { status } = spawnSync(process.execPath, args, { cwd: here, stdio: ["ignore", process.stdout, process.stderr] });
  if (status !== 0) process.exit(status ?? 1);
};
run(["node_modules/vite/bin/vite.js", "build", "--config", "vite.replay.config.ts", "--logLevel", "warn"]);
run(["node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"]);
run(["scripts/pack.mjs"]);
