// Builds the bundle, runs the unit tests, then the tests of the views on the embedded log and on NATS with Redis.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("../", import.meta.url));
const ops = fileURLToPath(new URL("../../../ops/", import.meta.url));
const run = (command, args, env = {}) =>
  spawnSync(command, args, { cwd: here, stdio: "inherit", env: { ...process.env, ...env } }).status ?? 1;
const must = (status) => status === 0 || process.exit(status);

must(run(process.execPath, ["scripts/build.mjs"]));
if (process.argv.includes("--build")) process.exit(0);
must(run(process.execPath, ["node_modules/svelte-check/bin/svelte-check", "--tsconfig", "./tsconfig.json", "--output", "human"]));
must(run(process.execPath, ["node_modules/vitest/vitest.mjs", "run"]));

const work = mkdtempSync(join(tmpdir(), "runbus-console-cluster-"));
let status = 1;
try {
  if (run(join(ops, "cluster.sh"), ["up", work, "--nodes", "1", "--owner", String(process.pid)]) === 0) {
    const named = process.env.CONSOLE_TEST_NAME ? [`--test-name-pattern=${process.env.CONSOLE_TEST_NAME}`] : [];
    const flags = ["--no-warnings", "--test", "--test-reporter=spec", "--test-concurrency=1", "--test-timeout=1200000", ...named];
    status = run(process.execPath, [...flags, "test/e2e/console.test.mjs"], { CLIENT_TEST_CLUSTER: join(work, "cluster.env") });
  }
} finally {
  run(join(ops, "cluster.sh"), ["down", work]);
  rmSync(work, { recursive: true, force: true });
}
process.exitCode = status;
