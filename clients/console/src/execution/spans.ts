/** The work that took time, and the edges of the graph that were taken: for the time line and the graph. */
import type { Event } from "@runbus/client";
import { SPANS } from "../lib/limits";
import { isEvent, type Entry } from "./entry";
import { data, number, text } from "./read";

export type SpanKind = "node" | "model" | "tool" | "wait";

export interface Span {
  kind: SpanKind;
  /** Its row: the node that it belongs to. */
  node: string;
  name: string;
  from: number;
  /** `undefined`: it lasts. */
  to: number | undefined;
  born: number;
  ended: number | undefined;
  outcome: "open" | "good" | "bad" | "void";
  /** For a node: the pass of the graph's cycle. */
  iteration?: number | undefined;
  /** The id of the call. */
  id?: string;
}

export interface Taken {
  from: string;
  to: string;
  position: number;
}

export class Spans {
  spans: Span[] = [];
  taken: Taken[] = [];
  /** How often each node began, with the positions. */
  readonly passes = new Map<string, number[]>();
  begun: number | undefined;
  ended: number | undefined;
  readonly #nodes = new Map<string, Span>();
  readonly #models = new Map<string, Span>();
  readonly #tools = new Map<string, Span>();
  readonly #waits = new Map<string, Span>();
  /** When each node ended last, in the order of the log. */
  readonly #done = new Map<string, number>();
  readonly #followed = new Set<string>();
  /** From each node where it may go; `undefined`: nobody knows. */
  #edges: ReadonlyMap<string, readonly string[]> | undefined;

  /** The graph, when it is known: then an edge is taken only where there is one. */
  set edges(edges: readonly { from: string; to: string }[]) {
    const map = new Map<string, string[]>();
    for (const { from, to } of edges) map.set(to, [...(map.get(to) ?? []), from]);
    this.#edges = map;
  }

  take({ item, at, position }: Entry): void {
    if (!isEvent(item)) return;
    const read = data(item.data);
    const node = item.node_id ?? "";
    this.begun ??= at;
    switch (item.type) {
      case "node_loop_started":
        this.#close(this.#nodes, node, at, position, "good");
        this.#arrive(node, position);
        this.passes.set(node, [...(this.passes.get(node) ?? []), position]);
        this.#nodes.set(node, this.#add("node", node, node, at, position, { iteration: number(read["iteration"]) }));
        return;
      case "node_loop_completed":
        this.#close(this.#models, node, at, position, "good");
        this.#close(this.#nodes, node, at, position, "good");
        this.#done.set(node, position);
        this.#followed.delete(node);
        return;
      case "node_loop_iteration":
        this.#close(this.#models, node, at, position, "void");
        this.#models.set(node, this.#add("model", node, "model", at, position));
        return;
      case "llm_text_delta":
      case "client_output_delta":
      case "llm_reasoning_delta":
      case "tool_call_delta":
        if (!this.#models.has(node)) this.#models.set(node, this.#add("model", node, "model", at, position));
        return;
      case "llm_turn_completed": {
        const span = this.#models.get(node) ?? this.#add("model", node, "model", at, position);
        span.name = text(read["model"]) ?? "model";
        this.#models.set(node, span);
        this.#close(this.#models, node, at, position, "good");
        return;
      }
      case "llm_retry":
        this.#close(this.#models, node, at, position, "void");
        return;
      case "attempt_superseded":
        for (const id of [...this.#models.keys()]) this.#close(this.#models, id, at, position, "void");
        return;
      case "tool_call_started":
        this.#begin(this.#tools, text(read["tool_use_id"]), "tool", node, text(read["tool_name"]) ?? "tool", at, position);
        return;
      case "tool_call_completed": {
        const id = text(read["tool_use_id"]) ?? "";
        this.#close(this.#tools, id, at, position, read["is_error"] === true ? "bad" : "good");
        return;
      }
      case "tool_approval_requested":
        this.#begin(this.#waits, text(read["approval_id"]), "wait", node, `approval: ${text(read["tool_name"]) ?? ""}`, at, position);
        return;
      case "tool_approval_decided":
      case "tool_approval_expired":
        this.#close(this.#waits, text(read["approval_id"]) ?? "", at, position, read["approved"] === true ? "good" : "bad");
        return;
      case "client_input_requested":
        this.#begin(this.#waits, text(read["request_id"]) ?? "", "wait", node, "question", at, position);
        return;
      case "client_input_received":
        this.#close(this.#waits, text(read["request_id"]) ?? "", at, position, "good");
        return;
      case "execution_completed":
      case "execution_failed":
      case "execution_cancelled":
        return this.#end(item, at, position);
    }
  }

  #end(event: Event, at: number, position: number): void {
    this.ended = at;
    const outcome = event.type === "execution_completed" ? "good" : "bad";
    for (const open of [this.#nodes, this.#models, this.#tools, this.#waits]) {
      for (const id of [...open.keys()]) this.#close(open, id, at, position, outcome);
    }
  }

  #add(kind: SpanKind, node: string, name: string, from: number, born: number, more: Partial<Span> = {}): Span {
    const span: Span = { kind, node, name, from, to: undefined, born, ended: undefined, outcome: "open", ...more };
    this.spans.push(span);
    if (this.spans.length > SPANS) this.spans.splice(0, SPANS / 4);
    return span;
  }

  #begin(open: Map<string, Span>, id: string | undefined, kind: SpanKind, node: string, name: string, at: number, position: number): void {
    if (id === undefined) return;
    this.#close(open, id, at, position, "void");
    open.set(id, this.#add(kind, node, name, at, position, { id }));
  }

  #close(open: Map<string, Span>, id: string, at: number, position: number, outcome: Span["outcome"]): void {
    const span = open.get(id);
    if (!span) return;
    open.delete(id);
    Object.assign(span, { to: at, ended: position, outcome });
  }

  /** A node begins: which edges led there. */
  #arrive(node: string, position: number): void {
    const may = this.#edges?.get(node);
    const done = [...this.#done].filter(([from]) => (may ? may.includes(from) : from !== node || this.#done.size === 1));
    const newest = Math.max(...done.map(([, when]) => when));
    // A join has one arrival of each branch: those that nothing followed yet.
    const from = done.filter(([id, when]) => when === newest || !this.#followed.has(id));
    for (const [id] of from) {
      this.taken.push({ from: id, to: node, position });
      this.#followed.add(id);
    }
  }
}
