/**
 * Events of one execution as chunks of the AI SDK's UI message stream.
 *
 * Text of client-facing nodes is the message; calls of tools are its tool parts. Void text is taken back: each turn of a node
 * is a step of its own, `reset-step` drops the open step, and what other nodes had in it is written again.
 */
import type { UIMessageChunk } from "ai";
import type { Event } from "@runbus/client";

type Kind = "text" | "reasoning";
type Call = { toolName: string; input: unknown; shown?: boolean; refused?: boolean };

export class Chunks {
  readonly #calls = new Map<string, Call>();
  /** Parts of turns that are being written, by node. */
  readonly #open = new Map<string, { id: string; kind: Kind; text: string }[]>();
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
        return this.#write(node, "text", event.data.content);
      case "llm_reasoning_delta":
        return this.#write(node, "reasoning", event.data.content);
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
          { type: "tool-approval-request", approvalId: approval_id, toolCallId: tool_use_id },
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
        return this.#calls.get(id)?.shown ? [{ type: "tool-output-available", toolCallId: id, output: event.data.input }] : [];
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

  #stepped(chunks: UIMessageChunk[]): UIMessageChunk[] {
    if (this.#step) return chunks;
    this.#step = true;
    return [{ type: "start-step" }, ...chunks];
  }

  #write(node: string, kind: Kind, delta: string): UIMessageChunk[] {
    if (delta === "") return [];
    const parts = this.#open.get(node) ?? [];
    this.#open.set(node, parts);
    let part = parts.find((one) => one.kind === kind);
    const chunks: UIMessageChunk[] = [];
    if (!part) {
      part = { id: `${this.messageId}-${++this.#turn}`, kind, text: "" };
      parts.push(part);
      chunks.push({ type: `${kind}-start`, id: part.id });
    }
    part.text += delta;
    return this.#stepped([...chunks, { type: `${kind}-delta`, id: part.id, delta }]);
  }

  /** A turn is over: nothing takes it back, and the step ends when no other node writes in it. */
  #close(node: string): UIMessageChunk[] {
    const parts = this.#open.get(node) ?? [];
    this.#open.delete(node);
    const chunks: UIMessageChunk[] = parts.map(({ kind, id }) => ({ type: `${kind}-end`, id }));
    if (this.#open.size > 0 || !this.#step) return chunks;
    this.#step = false;
    return [...chunks, { type: "finish-step" }];
  }

  #closeAll(): UIMessageChunk[] {
    const chunks = [...this.#open.keys()].flatMap((node) => this.#close(node));
    if (!this.#step) return chunks;
    this.#step = false;
    return [...chunks, { type: "finish-step" }];
  }

  /** Drops the open text of some nodes. The text of others in the same step is written again behind it. */
  #void(nodes: Set<string>): UIMessageChunk[] {
    const gone = [...this.#open.keys()].filter((node) => nodes.has(node));
    if (gone.length === 0) return [];
    for (const node of gone) this.#open.delete(node);
    const again = [...this.#open.values()].flat().flatMap(({ kind, id, text }): UIMessageChunk[] => [
      { type: `${kind}-start`, id },
      { type: `${kind}-delta`, id, delta: text },
    ]);
    return [{ type: "reset-step" }, ...again];
  }

  /** A call, once. The server's own calls say so: the page must not wait to answer them. */
  #call(toolCallId: string, call: Call, providerExecuted: boolean): UIMessageChunk[] {
    const known = this.#calls.get(toolCallId);
    this.#calls.set(toolCallId, { ...call, shown: true });
    if (known?.shown) return [];
    const { toolName, input } = call;
    const own = providerExecuted ? { providerExecuted } : {};
    return [{ type: "tool-input-available", toolCallId, toolName, input, dynamic: true, ...own }];
  }

  #decided(approvalId: string, toolCallId: string, approved: boolean, note: string | undefined): UIMessageChunk[] {
    const call = this.#calls.get(toolCallId);
    if (call) call.refused = !approved;
    return [{ type: "tool-approval-response", approvalId, approved, ...(note ? { reason: note } : {}) }];
  }

  #ended(toolCallId: string, toolName: string, result: unknown, isError: boolean): UIMessageChunk[] {
    const call = this.#calls.get(toolCallId) ?? { toolName, input: null };
    const begun = call.shown ? [] : this.#call(toolCallId, call, true);
    if (call.refused) return [...begun, { type: "tool-output-denied", toolCallId }];
    if (isError) return [...begun, { type: "tool-output-error", toolCallId, errorText: textOf(result), dynamic: true }];
    return [...begun, { type: "tool-output-available", toolCallId, output: result ?? null, dynamic: true }];
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
