// Real gateways and workers, on both backends. Processes of a test file are stopped when the file ends.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const here = fileURLToPath(new URL("./", import.meta.url));
export const binary =
  process.env.CLIENT_TEST_RUNBUS ?? resolve(root, process.env.CARGO_TARGET_DIR ?? "target", "debug/runbus");

/** Time in which a gateway must be ready, in milliseconds. */
const READY_MS = 60_000;

const running = new Set();
const folders = [];
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** The program refuses settings that it does not know, so none of the surroundings reach it. */
const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("RUNBUS_")));

export function folder() {
  const made = mkdtempSync(join(tmpdir(), "runbus-client-"));
  folders.push(made);
  return made;
}

/** A free port below those of outgoing connections: none of them takes it, also while its server is down. */
export async function freePort() {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 17_000);
    const server = createServer();
    const isFree = await new Promise((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

const MODEL = {
  "worker.definitions": join(here, "definitions.d"),
  "model.provider": "scripted",
  "model.script": join(here, "script.yaml"),
  "model.scripted_pace_ms": 3,
  // A killed worker's sessions are soon taken over.
  "worker.lease_ttl_ms": 1000,
  "worker.takeover_grace_ms": 200,
  "telemetry.filter": "warn",
};

class Process {
  constructor(command, settings, port) {
    this.command = command;
    this.settings = settings;
    this.port = port;
    this.url = port && `http://127.0.0.1:${port}`;
  }

  async start() {
    const sets = Object.entries(this.settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
    if (this.port) sets.push("--set", `gateway.listen=127.0.0.1:${this.port}`);
    let said = "";
    this.child = spawn(binary, [...this.command, ...sets], { cwd: folder(), env: clean, stdio: ["ignore", "pipe", "pipe"] });
    running.add(this.child);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on("data", (text) => (said = (said + text).slice(-8_000)));
    }
    this.ended = new Promise((resolve) =>
      this.child.on("exit", (code) => {
        running.delete(this.child);
        resolve(code);
      }),
    );
    let gone = false;
    this.ended.then(() => (gone = true));
    const deadline = Date.now() + READY_MS;
    while (this.port) {
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined);
      if (answer?.ok) break;
      const checks = await answer?.text();
      if (gone) throw new Error(`${binary} ${this.command.join(" ")} has ended:\n${said}`);
      if (Date.now() > deadline) throw new Error(`${binary} ${this.command.join(" ")} is not ready: ${checks}\n${said}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return this;
  }

  async kill(signal = "SIGKILL") {
    this.child.kill(signal);
    await this.ended;
  }
}

/** Gateway and worker in one process, on a log of its own. */
async function embedded(settings = {}) {
  const all = { ...MODEL, "embedded.data_dir": join(folder(), "data"), "embedded.synchronous": "normal", "embedded.hold_ms": 1000, ...settings };
  return new Process(["dev", "--idle"], all, await freePort()).start();
}

/** Where the servers are that scripts/test.mjs starts. */
function cluster() {
  const file = process.env.CLIENT_TEST_CLUSTER;
  if (!file || !existsSync(file)) throw new Error("CLIENT_TEST_CLUSTER names no cluster.env: run npm test");
  return Object.fromEntries(readFileSync(file, "utf8").trim().split("\n").map((line) => line.split(/=(.*)/s, 2)));
}

function onNats(role) {
  const env = cluster();
  return {
    "log.backend": "nats",
    "store.backend": "redis",
    "nats.servers": env.NATS_URLS,
    "nats.user": role,
    "nats.password": role === "gateway" ? env.NATS_GATEWAY_PASSWORD : env.NATS_WORKER_PASSWORD,
    "nats.inbox_prefix": `rb.inbox.${role}`,
    "redis.url": env.REDIS_URL,
    "redis.user": "runbus",
    "redis.password": env.REDIS_PASSWORD,
    "telemetry.filter": "warn",
  };
}

export const natsPublisher = () => ({
  url: cluster().NATS_URLS,
  user: "publisher",
  password: cluster().NATS_PUBLISHER_PASSWORD,
});

/** Two gateways and a worker, which share the broker with the other test files. */
async function nats(settings = {}, ofWorker = {}) {
  const worker = new Process(["worker"], { ...MODEL, ...onNats("worker"), ...ofWorker });
  const gateways = [];
  for (let n = 0; n < 2; n++) {
    gateways.push(new Process(["gateway"], { ...onNats("gateway"), ...settings }, await freePort()));
  }
  await gateways[0].start();
  await Promise.all([worker.start(), gateways[1].start()]);
  return { gateways, worker };
}

/** The same shape for both: some gateways, all of one log. */
export const backends = {
  embedded: async (settings) => {
    const one = await embedded(settings);
    return { gateways: [one], stop: () => one.kill("SIGKILL") };
  },
  nats: async (settings, ofWorker) => {
    const { gateways, worker } = await nats(settings, ofWorker);
    return { gateways, stop: () => Promise.all([...gateways, worker].map((one) => one.kill("SIGKILL"))) };
  },
};
