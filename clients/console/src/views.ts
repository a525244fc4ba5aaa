/** The views by address. Each is loaded when it is first shown. */
import type { Component } from "svelte";

export interface View {
  /** Another key is another view: it begins anew. */
  key: string;
  load: () => Promise<{ default: Component<Record<string, never>> }>;
  props: Record<string, unknown>;
}

type Load = () => Promise<{ default: unknown }>;

const VIEWS: Record<string, Load> = {
  executions: () => import("./views/Executions.svelte"),
  execution: () => import("./views/Execution.svelte"),
  inbox: () => import("./views/Inbox.svelte"),
  sessions: () => import("./views/Sessions.svelte"),
  session: () => import("./views/Session.svelte"),
  system: () => import("./views/System.svelte"),
  compare: () => import("./views/Compare.svelte"),
  start: () => import("./views/Start.svelte"),
  missing: () => import("./views/Missing.svelte"),
};

export function viewOf(path: readonly string[]): View {
  const [first = "executions", id, ...rest] = path;
  const make = (name: string, props: Record<string, unknown> = {}): View => ({
    key: JSON.stringify([name, props]),
    load: VIEWS[name] as View["load"],
    props,
  });
  if (rest.length > 0) return make("missing");
  if (first === "executions") return id === undefined ? make("executions") : make("execution", { id });
  if (first === "sessions") return id === undefined ? make("sessions") : make("session", { id });
  if (id === undefined && ["inbox", "system", "compare", "start"].includes(first)) return make(first);
  return make("missing");
}
