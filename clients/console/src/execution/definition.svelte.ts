/** The definition that an execution runs: nodes and edges, from the gateway; else, from what its events show. */
import { session } from "../lib/session.svelte";
import type { ExecutionRecord } from "./record";

export interface DefinitionNode {
  id: string;
  type: string;
  model?: { name?: string };
  tools?: string[];
  subagents?: { name: string; definition: string }[];
  client_facing?: boolean;
  join?: boolean;
}

export interface DefinitionEdge {
  from: string;
  to: string[];
  when?: unknown;
}

export interface Tool {
  name: string;
  description?: string;
  input_schema?: object;
}

export interface Definition {
  name: string;
  kind: "agent" | "graph" | (string & {});
  description?: string;
  version?: string;
  entry?: string;
  max_iterations?: number;
  nodes: DefinitionNode[];
  edges: DefinitionEdge[];
  tools?: Tool[];
  input_schema?: object;
  workers?: string[];
}

export const ofExecution = (id: string, signal?: AbortSignal): Promise<Definition | undefined> =>
  session.client.get<Definition>(["executions", id, "definition"], {}, signal).catch(() => undefined);

export const named = (name: string, signal?: AbortSignal): Promise<Definition | undefined> =>
  session.client.get<Definition>(["definitions", name], {}, signal).catch(() => undefined);

export interface Edge {
  from: string;
  to: string;
  when: string;
}

/** The edges one by one, with their conditions in words. */
export const edgesOf = (definition: Definition | undefined): Edge[] =>
  (definition?.edges ?? []).flatMap(({ from, to, when }) => to.map((one) => ({ from, to: one, when: condition(when) })));

const SIGNS: Record<string, string> = { lt: "<", lte: "≤", gt: ">", gte: "≥", eq: "=", ne: "≠" };

function condition(when: unknown): string {
  if (typeof when !== "object" || when === null) return "";
  const { field, ...rest } = when as Record<string, unknown>;
  return Object.entries(rest)
    .filter(([name]) => SIGNS[name])
    .map(([name, value]) => `${String(field)} ${SIGNS[name]} ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}

/** Nodes and edges as events show them, where no definition says more. */
export function seen(record: ExecutionRecord): { nodes: DefinitionNode[]; edges: Edge[] } {
  const nodes = [...record.spans.passes.keys()].map((id) => ({ id, type: "agent" }));
  const edges = new Map(record.spans.taken.map(({ from, to }) => [JSON.stringify([from, to]), { from, to, when: "" }]));
  return { nodes, edges: [...edges.values()] };
}
