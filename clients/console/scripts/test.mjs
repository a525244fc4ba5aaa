// Builds the bundle twice, runs the unit tests, compares the pictures, then tests the views on the embedded log and on NATS with Redis.
//
// `--build` only builds, `--pictures` ends behind the pictures, `--renew` writes them anew.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("../", import.meta.url));
const ops = fileURLToPath(new URL("../../../ops/", import.meta.url));
const run = (command, args, env = {}) =>
  spawnSync(command, args, { cwd: here, stdio: "inherit", env: { ...process.env, ...env } }).status ?? 1;
const must = (status) => status === 0 || process.exit(status);

const given = (flag) => process.argv.includes(flag);
const named = process.env.CONSOLE_TEST_NAME ? [`--test-name-pattern=${process.env.CONSOLE_TEST_NAME}`] : [];
const flags = ["--no-warnings", "--test", "--test-reporter=spec", "--test-concurrency=1", "--test-timeout=1200000", ...named];

/** The digest of each file of the bundle. */
function digests() {
  const folder = fileURLToPath(new URL("../../../gateway/console-dist/", import.meta.url));
  const files = readdirSync(folder, { recursive: true }).map(String).filter((name) => statSync(join(folder, name)).isFile());
  return files.sort().map((name) => `${createHash("sha256").update(readFileSync(join(folder, name))).digest("hex")}  ${name}`).join("\n");
}

must(run(process.execPath, ["scripts/build.mjs"]));
if (given("--build")) process.exit(0);
const pictures = () => must(run(process.execPath, [...flags, "test/pictures/world.test.mjs", "test/pictures/pictures.test.mjs", "test/pictures/odd.test.mjs"], given("--renew") ? { CONSOLE_TEST_RENEW: "1" } : {}));
if (given("--renew") || given("--pictures")) {
  pictures();
  process.exit(0);
}
const once = digests();
must(run(process.execPath, ["scripts/build.mjs"]));
if (digests() !== once) {
  console.error(`console: two builds differ:\n${once}\n\n${digests()}`);
  process.exit(1);
}
must(run(process.execPath, ["node_modules/svelte-check/bin/svelte-check", "--tsconfig", "./tsconfig.json", "--output", "human"]));
must(run(process.execPath, ["node_modules/vitest/vitest.mjs", "run"]));
pictures();

const work = mkdtempSync(join(tmpdir(), "runbus-console-cluster-"));
let status = 1;
try {
  if (run(join(ops, "cluster.sh"), ["up", work, "--nodes", "1", "--owner", String(process.pid)]) === 0) {
    status = run(process.execPath, [...flags, "test/e2e/console.test.mjs", "test/e2e/people.test.mjs"], { CLIENT_TEST_CLUSTER: join(work, "cluster.env") });
  }
} finally {
  run(join(ops, "cluster.sh"), ["down", work]);
  rmSync(work, { recursive: true, force: true });
}
process.exitCode = status;
