/** Filters of a list, as the address has them: a list with filters is a link. */
import type { Query } from "./live.svelte";

export const STATUSES = [
  "queued",
  "running",
  "waiting_for_approval",
  "waiting_for_input",
  "paused",
  "completed",
  "failed",
  "cancelled",
] as const;

export const SESSION_STATUSES = ["idle", "running", "waiting_for_approval", "waiting_for_input", "paused", "pending", "closed"] as const;

/** Filters that are a field each, with their names for people. */
export const FIELDS: readonly [string, string][] = [
  ["definition", "Definition"],
  ["stream_id", "Stream"],
  ["session_id", "Session"],
  ["parent", "Parent execution"],
  ["root", "Tree of"],
  ["correlation_id", "Correlation id"],
  ["label", "Label (key=value)"],
  ["after", "Created after"],
  ["before", "Created before"],
];

const NAMES = ["status", "text", "order", ...FIELDS.map(([name]) => name)];

/** The parameters of the request to the gateway. Times of the page are local; the gateway takes RFC 3339. */
export function queryOf(params: URLSearchParams): Query {
  const query: Query = {};
  for (const name of NAMES) {
    const values = params.getAll(name).filter((value) => value !== "");
    if (values.length === 0) continue;
    const first = values[0] as string;
    if (name === "label") query[name] = values.flatMap((value) => value.split(/\s*,\s*/)).filter((value) => value.includes("="));
    else if (name === "after" || name === "before") {
      const at = new Date(first);
      if (!Number.isNaN(at.getTime())) query[name] = at.toISOString();
    } else query[name] = first;
  }
  return query;
}

/** How many filters are set, beside status and text. */
export const setFields = (params: URLSearchParams): number => FIELDS.filter(([name]) => params.get(name)).length;

export interface SavedView {
  name: string;
  query: string;
}

export const BUILT_IN: readonly SavedView[] = [
  { name: "All", query: "" },
  { name: "At work", query: "status=queued,running,paused" },
  { name: "Waiting for people", query: "status=waiting_for_approval,waiting_for_input" },
  { name: "Failed", query: "status=failed" },
];

/** The part of an address that is a view: filters in one order. */
export function viewQuery(params: URLSearchParams): string {
  const out = new URLSearchParams();
  for (const name of NAMES) for (const value of params.getAll(name)) if (value) out.append(name, value);
  return out.toString().replaceAll("%2C", ",");
}
