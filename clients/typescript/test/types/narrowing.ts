/** Compiled only: events narrow by their type, unknown types pass, answers are typed. */
import { connect, type Event, type EventOf, type Item, RunbusError } from "@runbus/client";

export function shown(event: Event): string {
  switch (event.type) {
    case "llm_text_delta":
      return event.data.content;
    case "tool_call_completed":
      return `${event.data.tool_name}: ${event.data.is_error ? "failed" : "done"}`;
    case "attempt_superseded":
      return `from ${event.data.void_from ?? "nowhere"}`;
    default:
      return event.type;
  }
}

export function place(item: Item): string | undefined {
  if (item.type === "gap") return `${item.reason}: ${item.first_available}`;
  if (item.type === "undecodable") return item.reason;
  if (item.type === "snapshot") return item.snapshot.execution?.status;
  if (item.type === "caught_up") return undefined;
  return item.cursor;
}

// A type that no catalogue has is an event with any data.
export function made(event: Event): unknown {
  return (event.type as string) === "made_up" ? (event.data as Record<string, unknown>)["x"] : undefined;
}

export const decided: EventOf<"tool_approval_decided">["data"]["approved"] = true;

export async function answers(signal: AbortSignal): Promise<string> {
  const client = connect({ url: ["http://a:1", new URL("wss://b/base")], getToken: async () => "t" });
  const { execution_id, created } = await client.start({ definition: "d", input: [1], budget: { tokens: 5 } }, { signal });
  const { events } = await client.publish({ type: "state_changed", stream_id: "s", data: { key: "k", new_value: 1 } });
  const cancelled = await client.cancel(execution_id, { reason: "enough", signal });
  for await (const state of client.execution(execution_id, { signal })) {
    if (state.approvals[0]) await client.decide(state.approvals[0].approval_id, { approved: created, note: "ok" });
  }
  for await (const monitor of client.monitor({ stream_id: "s" })) return String(monitor.usage?.tokens.total_tokens);
  try {
    await client.closeSession("s", { cascade: true });
  } catch (error) {
    if (error instanceof RunbusError) return error.code;
  }
  return `${events[0]?.seq} ${cancelled.cancel ?? ""}`;
}

// @ts-expect-error: a decision is said, not left out.
void (() => connect({ url: "" }).decide("a", {}));
// @ts-expect-error: a field of another type.
void (() => connect({ url: "" }).start({ definition: 1 }));
