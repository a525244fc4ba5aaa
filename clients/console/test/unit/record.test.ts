import { apply, begin, type Snapshot } from "@runbus/client";
import { describe, expect, it } from "vitest";
import { last, once, type CallBlock, type TurnBlock } from "../../src/execution/blocks";
import { isEvent } from "../../src/execution/entry";
import { ExecutionRecord } from "../../src/execution/record";
import { steps } from "../../src/compare/align";
import { ENTRIES } from "../../src/lib/limits";
import { Maker, run } from "./events";

const calls = (record: ExecutionRecord) => record.story.blocks.filter((one): one is CallBlock => one.kind === "call");
const turns = (record: ExecutionRecord) => record.story.blocks.filter((one): one is TurnBlock => one.kind === "turn");

describe("a record of an execution", () => {
  it("has the state of every position, in any order of asking", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const events = run(seed, 400);
      const record = new ExecutionRecord();
      for (const event of events) record.add(event);
      const byCursor = new Map<string, Snapshot>();
      let state = begin("", false);
      for (const event of events) byCursor.set(event.cursor, (state = apply(state, event)));
      const positions = record.entries.map(({ position }) => position);
      for (const position of [...positions].reverse().concat(positions.filter((_, n) => n % 7 === 0), positions)) {
        const item = record.entry(position)?.item;
        if (!item || !isEvent(item)) throw new Error("it is an event");
        expect(record.at(position)).toEqual(byCursor.get(item.cursor));
      }
    }
  });

  it("shows what a snapshot shows, and what it leaves out as void", () => {
    for (let seed = 20; seed <= 32; seed++) {
      const record = new ExecutionRecord();
      for (const event of run(seed, 500)) record.add(event);
      for (let position = 0; position <= record.end; position += 5) {
        const shown = turns(record).filter((turn) => turn.born <= position && !once(turn.void, position));
        const stand = record.at(position).turns.map((turn) => [turn.node_id, turn.text?.content ?? "", turn.reasoning?.content ?? ""]);
        expect(shown.map((turn) => [turn.node, turn.text.upTo(position), turn.reasoning.upTo(position)])).toEqual(stand);
      }
    }
  });

  it("puts deltas of a moment into one entry and counts them", () => {
    const make = new Maker();
    const record = new ExecutionRecord();
    record.add(make.event("execution_started", { input: 1 }));
    for (let n = 0; n < 5; n++) record.add(make.event("llm_text_delta", { content: `${n}` }, "a"));
    expect(record.entries.length).toBe(2);
    expect(record.now.execution?.events).toBe(6);
    make.at += 1_000;
    record.add(make.event("llm_text_delta", { content: "later" }, "a"));
    expect(record.entries.length).toBe(3);
    expect(turns(record)[0]?.text.upTo(1)).toBe("01234");
    expect(turns(record)[0]?.text.text).toBe("01234later");
  });

  it("is bounded, and keeps the state before what went", () => {
    const make = new Maker();
    const record = new ExecutionRecord();
    const all = [make.event("execution_queued"), make.event("execution_started", { input: 1 })];
    for (let n = 0; n < ENTRIES + 100; n++) all.push(make.event("state_changed", { key: "k", new_value: n }));
    for (const event of all) record.add(event);
    expect(record.entries.length).toBeLessThanOrEqual(ENTRIES);
    expect(record.gone).toBeGreaterThan(0);
    expect(record.at(record.gone).execution?.events).toBe(record.gone + 1);
    expect(record.now.execution?.events).toBe(all.length);
    expect(record.findByEvents(record.gone + 10)).toBe(record.gone + 9);
  });

  it("tells who decided a call, with which arguments", () => {
    const make = new Maker();
    const record = new ExecutionRecord();
    const call = { tool_use_id: "t", tool_name: "pay" };
    for (const event of [
      make.event("execution_started", { input: 1 }),
      make.event("llm_turn_completed", { tool_calls: [{ ...call, arguments: '{"n":1}' }] }, "a"),
      make.event("tool_approval_requested", { ...call, approval_id: "p", tool_input: { n: 1 } }, "a"),
      make.event("tool_approval_decided", { approval_id: "p", tool_use_id: "t", approved: true, arguments: { n: 2 }, decided_by: "ann", note: "less" }, "a"),
      make.event("tool_call_completed", { ...call, result: "ok", is_error: false }, "a"),
    ]) record.add(event);
    const block = record.story.blocks.find((one): one is CallBlock => one.kind === "call") as CallBlock;
    expect(block.states.map(({ value }) => value.state)).toEqual(["requested", "awaiting approval", "approved", "completed"]);
    expect(once(block.decided, 3)).toEqual({ approved: true, by: "ann", note: "less", edited: true });
    expect([last(block.arguments, 2), last(block.arguments, 3)]).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it("shows a call as the model writes it, at each position, and puts its pieces of a moment into one entry", () => {
    const make = new Maker();
    const record = new ExecutionRecord();
    const piece = (id: string, index: number, more: string) => make.event("tool_call_delta", { index, tool_use_id: id, tool_name: "send", arguments: more }, "a");
    record.add(make.event("execution_started", { input: 1 }));
    for (const event of [piece("t", 0, '{"to":'), piece("t", 0, ' "ann"'), piece("u", 1, "{"), piece("t", 0, "}")]) record.add(event);
    expect(record.entries.map(({ item }) => (isEvent(item) ? item.merged : 0))).toEqual([undefined, 2, undefined, undefined]);
    expect(record.now.turns.at(-1)?.drafts?.map((one) => one.arguments.content)).toEqual(['{"to": "ann"}', "{"]);
    const [t, u] = calls(record);
    expect([1, 2, 3].map((position) => t?.written.upTo(position))).toEqual(['{"to": "ann"', '{"to": "ann"', '{"to": "ann"}']);
    expect([t, u].map((one) => one && last(one.states, 3)?.state)).toEqual(["writing", "writing"]);
    // The turn is whole: one call was asked for, the other one never was.
    record.add(make.event("llm_turn_completed", { tool_calls: [{ tool_use_id: "t", tool_name: "send", arguments: '{"to": "ann"}' }] }, "a"));
    expect(calls(record).length).toBe(2);
    expect(last(t?.arguments ?? [], 4)).toEqual({ to: "ann" });
    expect(last(t?.states ?? [], 4)?.state).toBe("requested");
    expect([t?.void, u?.void]).toEqual([undefined, { position: 4, value: "unfinished" }]);
    expect(last(t?.states ?? [], 3)?.state).toBe("writing");
  });

  it("strikes out a call whose turn is void, and begins another one under the same id", () => {
    for (const [type, data, why] of [
      ["llm_retry", { error: { message: "busy" }, next_try: 2 }, "retry"],
      ["attempt_superseded", { superseded_attempt: 1, attempt: 2, void_from: 1, reason: "lost" }, "takeover"],
    ] as const) {
      const make = new Maker();
      const record = new ExecutionRecord();
      const piece = () => make.event("tool_call_delta", { index: 0, tool_use_id: "t", tool_name: "send", arguments: "{" }, "a");
      for (const event of [make.event("execution_started", { input: 1 }), piece(), make.event(type, data, "a"), piece()]) record.add(event);
      expect(calls(record).map((one) => one.void?.value), type).toEqual([why, undefined]);
      expect(steps(record).map(({ kind }) => kind), type).toEqual(["turn", "call"]);
    }
  });

  it("leaves no call at work that an end cut off", () => {
    const make = new Maker();
    const record = new ExecutionRecord();
    record.add(make.event("tool_call_delta", { index: 0, tool_use_id: "t", tool_name: "send", arguments: "{" }, "a"));
    record.add(make.event("execution_cancelled", { reason: "enough" }));
    expect(calls(record).map((one) => one.void)).toEqual([{ position: 1, value: "unfinished" }]);
  });

  it("takes events that are not as their types say, and types that nobody knows", () => {
    const record = new ExecutionRecord();
    const make = new Maker();
    for (const data of [{}, { content: 5 }, { tool_calls: "no" }, { tool_use_id: 1 }, { error: null }, { usage: [] }, { void_from: "x" }]) {
      for (const type of ["llm_text_delta", "tool_call_delta", "llm_turn_completed", "tool_call_started", "llm_retry", "attempt_superseded", "client_input_requested", "execution_failed", "__proto__", "order_paid"]) {
        record.add(make.event(type, data as Record<string, unknown>, "a"));
      }
    }
    record.add({ type: "undecodable", reason: "no JSON", seq: 1, cursor: "x", line: "{" });
    record.add({ type: "gap", requested: "a", first_available: "b", reason: "expired" });
    expect(record.story.blocks.filter((one) => one.kind === "mark" && one.mark === "undecodable").length).toBe(1);
    expect(record.now.complete).toBe(false);
  });
});
