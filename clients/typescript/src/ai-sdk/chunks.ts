/**
 * Events of one execution as chunks of the AI SDK's UI message stream.
 *
 * Text of client-facing nodes is the message; calls of tools are its tool parts, from the first piece of their arguments on. Void text
 * and void calls are taken back: each turn of a node is a step of its own, `reset-step` drops the open step, and what else was in it
 * is written again.
 */
import type { UIMessageChunk } from "ai";
import type { Event } from "@runbus/client";

type Kind = "text" | "reasoning";
type Call = { toolName: string; input: unknown; shown?: boolean; refused?: boolean };

export class Chunks {
  readonly #calls = new Map<string, Call>();
  /** Parts of turns that are being written: by node, the id of each by its kind; that of a call by the call's id. */
  readonly #open = new Map<string, Map<string, string>>();
  /** The chunks of the open step, by the part that they are of. Pieces of a part are one. */
  #written: { id: string; chunk: UIMessageChunk }[] = [];
  #turn = 0;
  #step = false;

  constructor(private readonly messageId: string) {}

  begin(): UIMessageChunk[] {
    return [{ type: "start", messageId: this.messageId }];
  }

  /** The end of this part of the message: it waits for somebody, or it is over. */
  end(finishReason: "stop" | "tool-calls"): UIMessageChunk[] {
    return [...this.#closeAll(), { type: "finish", finishReason }];
  }

  of(event: Event): UIMessageChunk[] {
    const node = event.node_id ?? "";
    switch (event.type) {
      case "client_output_delta":
        return this.#text(node, "text", event.data.content);
      case "llm_reasoning_delta":
        return this.#text(node, "reasoning", event.data.content);
      case "tool_call_delta": {
        const { tool_use_id: toolCallId, tool_name: toolName, arguments: inputTextDelta } = event.data;
        if (this.#calls.get(toolCallId)?.shown) return [];
        const start: UIMessageChunk = { type: "tool-input-start", toolCallId, toolName, dynamic: true };
        return this.#piece(node, toolCallId, toolCallId, start, { type: "tool-input-delta", toolCallId, inputTextDelta });
      }
      case "llm_turn_completed":
        for (const { tool_use_id, tool_name, arguments: text } of event.data.tool_calls ?? []) {
          this.#calls.set(tool_use_id, { toolName: tool_name, input: parsed(text) });
        }
        return this.#close(node);
      case "llm_retry":
        return this.#void(new Set([node]));
      case "attempt_superseded":
        return event.data.void_from === undefined ? [] : this.#void(new Set(this.#open.keys()));
      case "tool_call_started":
        return this.#call(event.data.tool_use_id, { toolName: event.data.tool_name, input: event.data.tool_input }, true);
      case "tool_approval_requested": {
        const { tool_use_id, tool_name, tool_input, approval_id } = event.data;
        return [
          ...this.#call(tool_use_id, { toolName: tool_name, input: tool_input }, false),
          ...this.#in(tool_use_id, [{ type: "tool-approval-request", approvalId: approval_id, toolCallId: tool_use_id }]),
        ];
      }
      case "tool_approval_decided":
        return this.#decided(event.data.approval_id, event.data.tool_use_id, event.data.approved, event.data.note);
      case "tool_approval_expired":
        return this.#decided(event.data.approval_id, event.data.tool_use_id, false, "expired");
      case "client_input_requested": {
        const { prompt, choices, tool_use_id, request_id } = event.data;
        const input = { prompt, ...(choices?.length ? { choices } : {}) };
        return this.#call(tool_use_id ?? request_id ?? "", { toolName: "ask_human", input }, false);
      }
      case "client_input_received": {
        // A human node's question has no call that ends.
        const id = event.data.request_id ?? "";
        if (!this.#calls.get(id)?.shown) return [];
        return this.#in(id, [{ type: "tool-output-available", toolCallId: id, output: event.data.input }]);
      }
      case "tool_call_completed":
        return this.#ended(event.data.tool_use_id, event.data.tool_name, event.data.result, event.data.is_error === true);
      case "execution_completed":
        return this.end("stop");
      case "execution_failed":
        return [...this.#closeAll(), { type: "error", errorText: textOf(event.data.error) }];
      case "execution_cancelled":
        return [...this.#closeAll(), { type: "abort", ...(event.data.reason ? { reason: event.data.reason } : {}) }];
      default:
        return [];
    }
  }

  /** Chunks of a part. Those of an open step may have to be written again. */
  #in(id: string, chunks: UIMessageChunk[]): UIMessageChunk[] {
    if (this.#step) for (const chunk of chunks) this.#keep(id, chunk);
    return chunks;
  }

  #keep(id: string, chunk: UIMessageChunk): void {
    const before = this.#written.findLast((one) => one.id === id && one.chunk.type === chunk.type)?.chunk;
    if (before?.type === "tool-input-delta" && chunk.type === "tool-input-delta") {
      before.inputTextDelta += chunk.inputTextDelta;
    } else if (
      (before?.type === "text-delta" || before?.type === "reasoning-delta") &&
      (chunk.type === "text-delta" || chunk.type === "reasoning-delta")
    ) {
      before.delta += chunk.delta;
    } else {
      this.#written.push({ id, chunk: { ...chunk } });
    }
  }

  #text(node: string, kind: Kind, delta: string): UIMessageChunk[] {
    if (delta === "") return [];
    const id = this.#open.get(node)?.get(kind) ?? `${this.messageId}-${++this.#turn}`;
    return this.#piece(node, kind, id, { type: `${kind}-start`, id }, { type: `${kind}-delta`, id, delta });
  }

  /** A piece of a part, which its first piece begins. */
  #piece(node: string, key: string, id: string, start: UIMessageChunk, delta: UIMessageChunk): UIMessageChunk[] {
    const open = this.#open.get(node) ?? new Map<string, string>();
    this.#open.set(node, open);
    const begins = !open.has(key);
    open.set(key, id);
    const step: UIMessageChunk[] = this.#step ? [] : [{ type: "start-step" }];
    this.#step = true;
    return [...step, ...this.#in(id, begins ? [start, delta] : [delta])];
  }

  /** A turn is over: nothing takes it back, and the step ends when no other node writes in it. */
  #close(node: string): UIMessageChunk[] {
    const parts = [...(this.#open.get(node) ?? [])];
    this.#open.delete(node);
    const chunks = parts.flatMap(([kind, id]) =>
      kind === "text" || kind === "reasoning" ? this.#in(id, [{ type: `${kind}-end`, id }]) : [],
    );
    return this.#open.size > 0 ? chunks : [...chunks, ...this.#finishStep()];
  }

  #closeAll(): UIMessageChunk[] {
    const chunks = [...this.#open.keys()].flatMap((node) => this.#close(node));
    return [...chunks, ...this.#finishStep()];
  }

  #finishStep(): UIMessageChunk[] {
    if (!this.#step) return [];
    this.#step = false;
    this.#written = [];
    return [{ type: "finish-step" }];
  }

  /** Drops the open parts of some nodes. All else of the same step is written again behind it. */
  #void(nodes: Set<string>): UIMessageChunk[] {
    const gone = new Set([...nodes].flatMap((node) => [...(this.#open.get(node)?.values() ?? [])]));
    for (const node of nodes) this.#open.delete(node);
    if (gone.size === 0) return [];
    this.#written = this.#written.filter(({ id }) => !gone.has(id));
    return [{ type: "reset-step" }, ...this.#written.map(({ chunk }) => ({ ...chunk }))];
  }

  /** A call, once. The server's own calls say so: the page must not wait to answer them. */
  #call(toolCallId: string, call: Call, providerExecuted: boolean): UIMessageChunk[] {
    const known = this.#calls.get(toolCallId);
    this.#calls.set(toolCallId, { ...call, shown: true });
    if (known?.shown) return [];
    const { toolName, input } = call;
    const own = providerExecuted ? { providerExecuted } : {};
    return this.#in(toolCallId, [{ type: "tool-input-available", toolCallId, toolName, input, dynamic: true, ...own }]);
  }

  #decided(approvalId: string, toolCallId: string, approved: boolean, note: string | undefined): UIMessageChunk[] {
    const call = this.#calls.get(toolCallId);
    if (call) call.refused = !approved;
    return this.#in(toolCallId, [
      { type: "tool-approval-response", approvalId, approved, ...(note ? { reason: note } : {}) },
    ]);
  }

  #ended(toolCallId: string, toolName: string, result: unknown, isError: boolean): UIMessageChunk[] {
    const call = this.#calls.get(toolCallId) ?? { toolName, input: null };
    const begun = call.shown ? [] : this.#call(toolCallId, call, true);
    return [...begun, ...this.#in(toolCallId, [this.#outcome(toolCallId, call, result, isError)])];
  }

  #outcome(toolCallId: string, { refused }: Call, result: unknown, isError: boolean): UIMessageChunk {
    if (refused) return { type: "tool-output-denied", toolCallId };
    if (isError) return { type: "tool-output-error", toolCallId, errorText: textOf(result), dynamic: true };
    return { type: "tool-output-available", toolCallId, output: result ?? null, dynamic: true };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function textOf(error: unknown): string {
  const message = (error as { message?: unknown } | null)?.message;
  return typeof error === "string" ? error : typeof message === "string" ? message : JSON.stringify(error);
}
