/** Events for tests: executions that never happened, from a seed. */
import type { Event } from "@runbus/client";

export function random(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4_294_967_296;
  };
}

export class Maker {
  seq = 0;
  at = Date.parse("2026-01-01T00:00:00Z");
  attempt = 1;

  event(type: string, data: Record<string, unknown> = {}, node?: string): Event {
    this.seq++;
    this.at += 7;
    return {
      id: `00000000-0000-7000-8000-${String(this.seq).padStart(12, "0")}`,
      type,
      stream_id: "s",
      execution_id: "e",
      attempt: this.attempt,
      data,
      timestamp: new Date(this.at).toISOString(),
      seq: this.seq,
      cursor: `c${this.seq}`,
      ...(node === undefined ? {} : { node_id: node }),
    } as unknown as Event;
  }
}

/** A run with forks, retries, takeovers and calls, as long as asked for. */
export function run(seed: number, length: number): Event[] {
  const next = random(seed);
  const make = new Maker();
  const nodes = ["a", "b", "c"];
  const events = [make.event("execution_queued", { definition: "d" }), make.event("execution_started", { input: "x", definition: "d" })];
  let calls = 0;
  while (events.length < length) {
    const node = nodes[Math.floor(next() * nodes.length)] as string;
    const what = next();
    if (what < 0.5) events.push(make.event("llm_text_delta", { content: `w${events.length} ` }, node));
    else if (what < 0.57) events.push(make.event("llm_reasoning_delta", { content: "hm " }, node));
    else if (what < 0.6) events.push(make.event("tool_call_delta", { index: 0, tool_use_id: `t${calls}`, tool_name: "add", arguments: "{" }, node));
    else if (what < 0.66) events.push(make.event("node_loop_started", { iteration: 1 }, node));
    else if (what < 0.72) events.push(make.event("node_loop_iteration", { iteration: 1 }, node));
    else if (what < 0.8) events.push(make.event("llm_turn_completed", { tool_calls: [{ tool_use_id: `t${calls}`, tool_name: "add", arguments: "{}" }] }, node));
    else if (what < 0.85) events.push(make.event("tool_call_started", { tool_use_id: `t${calls}`, tool_name: "add", tool_input: { n: calls } }, node));
    else if (what < 0.9) events.push(make.event("tool_call_completed", { tool_use_id: `t${calls++}`, tool_name: "add", result: calls, is_error: false }, node));
    else if (what < 0.93) events.push(make.event("llm_retry", { error: { message: "busy" }, next_try: 2, delay_ms: 1 }, node));
    else if (what < 0.95) {
      make.attempt++;
      events.push(make.event("attempt_superseded", { superseded_attempt: make.attempt - 1, attempt: make.attempt, void_from: Math.floor(make.seq * 0.9), reason: "lost" }));
    } else events.push(make.event("node_loop_completed", { iterations: 1 }, node));
  }
  events.push(make.event("execution_completed", { output: "done" }));
  return events;
}
