// The fold is the gateway's: whatever events come, a view shows what `GET .../snapshot` says of the same place.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { apply, begin } from "@runbus/client";
import { client, log } from "./support/collect.mjs";
import { random } from "./support/random.mjs";
import { backends } from "./support/runbus.mjs";

/** Payloads of every kind that the fold knows, with names that collide, texts at the limits, and wrong ones. */
function events(r, execution_id) {
  const id = () => r.pick(["t1", "t2", "", "__proto__", "i".repeat(300)]);
  const piece = () => r.pick(["a", "é", "😀b", "", "x".repeat(r.below(30_000)), "ö".repeat(r.below(20_000))]);
  const value = () => r.pick([null, 1, "v", { b: 1, a: [true] }, "y".repeat(r.below(9_000)), { z: "ß".repeat(r.below(4_000)), a: { c: 1, b: 2 } }]);
  const kinds = [
    [6, () => ["llm_text_delta", { content: piece(), ...(r.below(10) === 0 ? { snapshot: piece() } : {}) }]],
    [4, () => ["client_output_delta", { content: piece() }]],
    [3, () => ["llm_reasoning_delta", { content: piece() }]],
    [3, () => ["llm_turn_completed", {
      ...(r.below(2) ? { content: piece(), model: "m".repeat(r.below(300)) } : {}),
      tool_calls: Array.from({ length: r.below(3) }, () => ({ tool_use_id: id(), tool_name: "t", arguments: "{}" })),
    }]],
    [1, () => ["llm_retry", { error: null, next_try: 2, delay_ms: 0 }]],
    [1, () => ["attempt_superseded", {
      superseded_attempt: 1, attempt: 2, reason: "gone", ...(r.below(2) ? { void_from: r.below(2 ** 31) } : {}),
    }]],
    [2, () => ["node_loop_started", r.below(2) ? { iteration: 2 } : {}]],
    [2, () => ["node_loop_iteration", { iteration: r.below(9) }]],
    [1, () => ["node_loop_completed", { iterations: 1 }]],
    [1, () => ["node_internal_output", { content: "x", ...(r.below(2) ? { output: value() } : {}) }]],
    [1, () => ["node_stalled", { reason: "" }]],
    [2, () => ["tool_call_started", { tool_use_id: id(), tool_name: "t", tool_input: value() }]],
    [2, () => ["tool_call_completed", { tool_use_id: id(), tool_name: "t", result: value(), is_error: r.below(2) === 0 }]],
    [2, () => ["tool_approval_requested", {
      approval_id: id(), tool_use_id: id(), tool_name: "t", tool_input: value(),
      ...(r.below(2) ? { expires_at: "2026-12-01T10:00:00+02:00", arguments_digest: "d" } : {}),
    }]],
    [2, () => ["tool_approval_decided", {
      approval_id: id(), tool_use_id: id(), approved: r.below(2) === 0, ...(r.below(2) ? { arguments: value() } : {}),
    }]],
    [1, () => ["tool_approval_expired", { approval_id: id(), tool_use_id: id() }]],
    [2, () => ["client_input_requested", {
      prompt: piece(), choices: ["y"], ...(r.below(2) ? { request_id: id() } : {}), ...(r.below(2) ? { tool_use_id: id() } : {}),
    }]],
    [1, () => ["client_input_received", { input: 1, ...(r.below(2) ? { request_id: id() } : {}) }]],
    [1, () => ["execution_started", { input: 1, definition: "d".repeat(r.below(300)) }]],
    [1, () => ["execution_paused", {}]],
    [1, () => ["execution_resumed", {}]],
    [1, () => ["goal_progress", { progress: 0.5 }]],
    [1, () => ["usage_updated", { usage: { total_tokens: r.below(9), cached_tokens: 1 }, rounds: 1 }]],
    [1, () => ["made_up", { content: 1 }]],
    [0.3, () => r.pick([
      ["execution_completed", { output: value() }],
      ["execution_failed", { error: "e".repeat(r.below(90_000)) }],
      ["execution_cancelled", {}],
    ])],
  ];
  return Array.from({ length: r.below(60) + 1 }, () => {
    const [type, data] = r.weighted(kinds)();
    const node_id = r.pick([undefined, "m", "n", "__proto__", "constructor"]);
    const attempt = r.pick([undefined, 1, 2, 3]);
    const stream_id = r.below(15) === 0 ? "elsewhere" : "fold";
    return JSON.parse(JSON.stringify({ type, data, stream_id, node_id, attempt, execution_id }));
  });
}

async function inParts(gateway, list) {
  for (let part = [], bytes = 0, at = 0; at < list.length || part.length > 0; ) {
    const size = at < list.length ? Buffer.byteLength(JSON.stringify(list[at])) + 200 : Infinity;
    if (part.length > 0 && bytes + size > 500_000) {
      await gateway.publish(part);
      [part, bytes] = [[], 0];
    } else {
      part.push(list[at++]);
      bytes += size;
    }
  }
}

for (const [name, start] of Object.entries(backends)) {
  describe(`the fold on ${name}`, () => {
    let runbus;
    let gateway;
    before(async () => {
      runbus = await start();
      gateway = client(runbus.gateways[0].url);
    });
    after(() => (gateway?.close(), runbus?.stop()));

    for (let seed = 1; seed <= (name === "embedded" ? 24 : 12); seed++) {
      it(`shows what the gateway's snapshot shows (seed ${seed})`, async () => {
        const r = random(seed);
        const execution_id = `fold-${name}-${seed}-${process.pid}`;
        await inParts(gateway, events(r, execution_id));
        const list = await log(gateway, { execution_id });
        // A gateway makes a snapshot at a place of its own, too; so some places of the middle, and the end.
        const places = [...new Set([r.below(list.length), r.below(list.length), list.length - 1])].sort((a, b) => a - b);
        let state = begin("", false);
        let at = 0;
        for (const place of places) {
          for (; at <= place; at++) state = apply(state, list[at]);
          const told = await gateway.snapshot(execution_id, { at: list[place].cursor });
          // Its cursor stands behind the last event of the stream that tells the execution.
          assert.deepEqual({ ...state, complete: 0, cursor: 0 }, { ...told, complete: 0, cursor: 0 });
          // A snapshot that was written and read goes on like the state that it was made of.
          if (r.below(2)) state = told;
        }
      });
    }
  });
}
