// A gateway that has one fixed world: it answers a page's requests within the browser, so that pictures depend on no clock and no server.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { file } from "../support/bundle.mjs";
import * as world from "./world.mjs";

const fonts = createRequire(import.meta.url).resolve("dejavu-fonts-ttf/package.json").replace("package.json", "ttf/");
export const URL_OF_PAGES = "http://127.0.0.1:8700";

const LISTS = { executions: world.executions, sessions: world.sessions, approvals: world.approvals, questions: world.questions };

function list(name, params) {
  const status = String(params.status ?? "").split(",").filter(Boolean);
  const entries = LISTS[name].filter((one) => status.length === 0 || status.includes(one.status));
  if (params.order === "oldest") entries.reverse();
  const counts = {};
  for (const one of LISTS[name]) counts[one.status] = (counts[one.status] ?? 0) + 1;
  return { entries: entries.slice(0, Number(params.limit ?? 100)), counts, counts_exact: true, complete: true, more: false };
}

const missing = (what) => ({ status: 404, body: { error: { code: "not_found", message: `there is no ${what}` } } });
const logOf = (id) => world.logs.find((one) => one.execution_id === id);

/** The answer to a request of the page, or of a test that changes some of them (`own`). */
function answer(method, path, query) {
  const parts = path.split("/").slice(2).map(decodeURIComponent);
  const [first, id, what] = parts;
  switch (first) {
    case "stats": return { body: world.stats };
    case "workers": return { body: { workers: world.workers } };
    case "gateways": return { body: { gateways: world.gateways } };
    case "dead-letters": return { body: { dead_letters: world.dead } };
    case "definitions":
      if (id === undefined) return { body: { definitions: Object.values(world.definitions).map(({ name, description }) => ({ name, description })) } };
      return world.definitions[id] ? { body: world.definitions[id] } : missing(`definition ${id}`);
    case "events": {
      const log = logOf(query.get("execution_id"));
      const types = query.get("types")?.split(",");
      const events = (log?.events ?? []).filter(({ type }) => !types || types.includes(type));
      return { body: { events, next: null, gaps: [] } };
    }
    case "executions": {
      if (id === undefined) {
        const { entries, ...rest } = list("executions", Object.fromEntries(query));
        return { body: { executions: entries, ...rest } };
      }
      const entry = world.executions.find((one) => one.execution_id === id);
      if (what === "definition") return world.definitions[entry?.definition] ? { body: world.definitions[entry.definition] } : missing("definition");
      return entry && what === undefined ? { body: { ...entry, events: logOf(id)?.events.length ?? 0 } } : missing(`execution ${id}`);
    }
    case "sessions": {
      const known = id === world.session.session_id;
      if (what === "messages") return { body: { session_id: id, messages: known ? world.messages : [] } };
      return known ? { body: world.session } : missing(`session ${id}`);
    }
    default: return missing(path);
  }
}

/** A live connection: subscriptions get what is stored, lists their first page. */
function live(socket, seen) {
  const send = (message) => socket.send(JSON.stringify(message));
  send({ type: "hello", protocol: "runbus.v1", server: "stub", auth: "none", limits: { max_message_bytes: 1 << 20, max_subscriptions: 100, max_commands: 100, max_batch: 100, idle_timeout_ms: 60_000 } });
  socket.onMessage((text) => {
    const message = JSON.parse(text);
    const sub = message.id;
    if (message.type === "ping") return send({ type: "pong" });
    if (message.type === "list") {
      const { entries, ...rest } = list(message.list, message.query ?? {});
      send({ type: "subscribed", sub });
      return send({ type: "list_snapshot", sub, list: message.list, revision: 1, entries, ...rest });
    }
    if (message.type !== "subscribe") return undefined;
    const { execution_id } = message.filter;
    send({ type: "subscribed", sub, cursor: "0" });
    if (message.presence) return send({ type: "presence", sub, execution_id, count: 3, watchers: world.watchers });
    const all = seen.stored?.(execution_id) ?? logOf(execution_id)?.events ?? [];
    // A client whose buffer is full asks for the rest.
    const stored = all.slice(1 + all.findLastIndex(({ cursor }) => cursor !== undefined && cursor === message.since?.cursor));
    for (let at = 0; at < stored.length; at += 50) {
      for (const part of split(stored.slice(at, at + 50))) send({ ...part, sub });
    }
    return send({ type: "caught_up", sub });
  });
}

/** Events go together; a gap, and a line that is no event, is a message of its own. */
function* split(items) {
  let events = [];
  for (const item of items) {
    if ("data" in item) {
      events.push(item);
      continue;
    }
    if (events.length > 0) yield { type: "events", events };
    events = [];
    yield item;
  }
  if (events.length > 0) yield { type: "events", events };
}

/**
 * Answers everything that a page of this context asks for. `own` comes first: it gets `{method, path, query, body}` and gives
 * `{status?, body}`, `"lost"` for an answer that never comes, or nothing. `stored` gives the events of an execution.
 */
export async function serve(context, { own, stored } = {}) {
  await context.routeWebSocket(/\/v1\/ws$/, (socket) => live(socket, { stored }));
  await context.route("**/*", async (route) => {
    const request = route.request();
    const url = new URL(request.url());
    if (url.pathname === "/healthz") return route.fulfill({ json: { status: "alive" } });
    if (url.pathname === "/readyz") return route.fulfill({ json: { status: "ready", checks: { log: "ok", queue: "ok", store: "ok" } } });
    if (url.pathname.startsWith("/fonts/")) return route.fulfill({ contentType: "font/ttf", body: readFileSync(fonts + url.pathname.slice("/fonts/".length)) });
    if (!url.pathname.startsWith("/v1/")) return route.fulfill(file(url.pathname));
    const asked = { method: request.method(), path: url.pathname, query: url.searchParams, body: request.postDataJSON() };
    const said = own?.(asked) ?? answer(asked.method, asked.path, asked.query);
    return said === "lost" ? route.abort("connectionreset") : route.fulfill({ status: said.status ?? 200, json: said.body });
  });
}
