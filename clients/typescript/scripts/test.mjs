// Builds, starts NATS and Redis, runs every test. `npm test -- test/fold.test.mjs` runs one file.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("../", import.meta.url));
const ops = fileURLToPath(new URL("../../../ops/", import.meta.url));
const run = (command, args, env = {}) =>
  spawnSync(command, args, { cwd: here, stdio: "inherit", env: { ...process.env, ...env } }).status ?? 1;

execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "--project", "tsconfig.build.json"], {
  cwd: here,
  stdio: "inherit",
});
const named = process.argv.slice(2);
const files = named.length > 0 ? named : readdirSync(join(here, "test")).filter((file) => file.endsWith(".test.mjs")).map((file) => `test/${file}`);
const work = mkdtempSync(join(tmpdir(), "runbus-client-cluster-"));
let status = 1;
try {
  if (run(join(ops, "cluster.sh"), ["up", work, "--nodes", "1", "--owner", String(process.pid)]) === 0) {
    // Node 20 has a WebSocket behind this flag; later versions have it anyhow.
    const flags = ["--experimental-websocket", "--no-warnings", "--test", "--test-reporter=spec", "--test-concurrency=2", "--test-timeout=600000", ...(process.env.CLIENT_TEST_NAME ? [`--test-name-pattern=${process.env.CLIENT_TEST_NAME}`] : [])];
    status = run(process.execPath, [...flags, ...files], { CLIENT_TEST_CLUSTER: join(work, "cluster.env") });
  }
} finally {
  run(join(ops, "cluster.sh"), ["down", work]);
  rmSync(work, { recursive: true, force: true });
}
process.exitCode = status;
