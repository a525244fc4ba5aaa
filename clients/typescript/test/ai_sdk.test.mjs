// The AI SDK's own chat over the transport, a real gateway and connections that break.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { randomUUID } from "node:crypto";
import { AbstractChat } from "ai";
import { RunbusChatTransport } from "@runbus/client/ai-sdk";
import { client, log, transports } from "./support/collect.mjs";
import { proxy } from "./support/proxy.mjs";
import { backends } from "./support/runbus.mjs";

/** `useChat` without React. */
class Chat extends AbstractChat {
  constructor(init) {
    const state = {
      status: "ready",
      error: undefined,
      messages: init.messages ?? [],
      pushMessage: (message) => (state.messages = [...state.messages, message]),
      popMessage: () => (state.messages = state.messages.slice(0, -1)),
      replaceMessage: (at, message) => (state.messages = state.messages.with(at, structuredClone(message))),
      snapshot: (thing) => structuredClone(thing),
    };
    super({ ...init, state });
  }
}

const textOf = (message) => message.parts.flatMap((part) => (part.type === "text" ? [part.text] : []));
const toolsOf = (message) => message.parts.filter(({ type }) => type === "dynamic-tool");

describe("the chat transport", { timeout: 240_000 }, () => {
  let runbus;
  let direct;
  before(async () => {
    runbus = await backends.embedded();
    direct = client(runbus.gateways[0].url);
  });
  after(() => (direct?.close(), runbus?.stop()));

  for (const transport of transports) {
    it(`shows text, calls, approvals and questions, while each connection is cut, over ${transport}`, async (t) => {
      const through = await proxy(runbus.gateways[0].port, { plan: (n) => ({ at: 1 + (n % 4), how: n % 2 ? "cut" : "half" }) });
      const gateway = client(through.url, { transport });
      t.after(() => (gateway.close(), through.close()));
      const chat = new Chat({ id: randomUUID(), transport: new RunbusChatTransport({ client: gateway, definition: "payer" }) });
      await chat.sendMessage({ text: "Pay 2 + 3" });
      assert.equal(chat.error, undefined);
      const [approval] = toolsOf(chat.lastMessage);
      assert.deepEqual([approval.toolName, approval.state, approval.input], ["calculator", "approval-requested", { expression: "2 + 3" }]);
      assert.deepEqual(textOf(chat.lastMessage), ["Let me add this up."]);
      assert.match(chat.lastMessage.parts.find(({ type }) => type === "reasoning").text, /The sum first/);

      await chat.addToolApprovalResponse({ id: approval.approval.id, approved: true, reason: "go" });
      await chat.sendMessage();
      assert.equal(chat.error, undefined);
      const [sum, question] = toolsOf(chat.lastMessage);
      assert.deepEqual([sum.state, sum.output], ["output-available", "5"]);
      assert.deepEqual([question.toolName, question.state, question.input.choices], ["ask_human", "input-available", ["blue", "red"]]);

      await chat.addToolOutput({ tool: "ask_human", toolCallId: question.toolCallId, output: "blue" });
      await chat.sendMessage();
      assert.equal(chat.error, undefined);
      assert.equal(chat.messages.length, 2);
      assert.match(textOf(chat.lastMessage).at(-1), /^Paid five .* ledger\.$/);
      assert.equal(toolsOf(chat.lastMessage)[1].state, "output-available");
      const stored = await log(direct, { execution_id: chat.lastMessage.id });
      assert.equal(stored.at(-1).type, "execution_completed");
      assert.equal(stored.find(({ type }) => type === "tool_approval_decided").data.note, "go");

      // The same message once more starts nothing.
      await chat.sendMessage({ text: "again", messageId: chat.messages[0].id });
      assert.equal((await direct.status(chat.lastMessage.id)).execution_id, stored[0].execution_id);
    });
  }

  it("takes a chat up again from its beginning, as after a page reload", async (t) => {
    const gateway = client(runbus.gateways[0].url);
    t.after(() => gateway.close());
    const id = randomUUID();
    const transport = () => new RunbusChatTransport({ client: gateway, definition: "payer" });
    const first = new Chat({ id, transport: transport() });
    await first.sendMessage({ text: "Pay 2 + 3" });
    const again = new Chat({ id, transport: transport(), messages: structuredClone(first.messages) });
    await again.resumeStream();
    assert.deepEqual(again.messages.map(({ id }) => id), first.messages.map(({ id }) => id));
    assert.deepEqual(textOf(again.lastMessage), textOf(first.lastMessage));
    const [approval] = toolsOf(again.lastMessage);
    await again.addToolApprovalResponse({ id: approval.approval.id, approved: false, reason: "no" });
    await again.sendMessage();
    assert.equal(toolsOf(again.lastMessage)[0].state, "output-denied");
    const unknown = new Chat({ id: randomUUID(), transport: transport() });
    await unknown.resumeStream();
    assert.deepEqual([unknown.messages, unknown.status], [[], "ready"]);
  });

  it("takes void text back, and nothing else", async () => {
    const { Chunks } = await import("../dist/ai-sdk/chunks.js");
    const { readUIMessageStream } = await import("ai");
    const chunks = new Chunks("m");
    const event = (type, node_id, data) => chunks.of({ type, node_id, data });
    const all = [
      chunks.begin(),
      event("client_output_delta", "a", { content: "kept" }),
      event("llm_turn_completed", "a", {}),
      event("client_output_delta", "a", { content: "void" }),
      event("client_output_delta", "b", { content: "beside" }),
      event("llm_retry", "a", {}),
      event("client_output_delta", "a", { content: "said again" }),
      event("client_output_delta", "b", { content: " it" }),
      event("llm_turn_completed", "a", {}),
      event("llm_turn_completed", "b", {}),
      event("execution_completed", undefined, {}),
    ].flat();
    let shown;
    for await (const message of readUIMessageStream({ stream: ReadableStream.from(all) })) shown = message;
    assert.deepEqual(textOf(shown), ["kept", "beside it", "said again"]);
  });

  /** The last state of a message that chunks of events tell. */
  async function told(events) {
    const { Chunks } = await import("../dist/ai-sdk/chunks.js");
    const { readUIMessageStream } = await import("ai");
    const chunks = new Chunks("m");
    const all = [...chunks.begin(), ...events.flatMap(([type, node_id, data]) => chunks.of({ type, node_id, data }))];
    let shown;
    for await (const message of readUIMessageStream({ stream: ReadableStream.from(all) })) shown = message;
    return { all, shown };
  }

  it("shows the arguments of a call as the model writes them", async () => {
    const piece = (text) => ["tool_call_delta", "a", { index: 0, tool_use_id: "c", tool_name: "calculator", arguments: text }];
    const call = { tool_use_id: "c", tool_name: "calculator", arguments: '{"expression":"1+1"}' };
    const written = [["client_output_delta", "a", { content: "So:" }], piece('{"expression"'), piece(':"1+1"}')];
    const half = toolsOf((await told(written.slice(0, 2))).shown);
    assert.deepEqual(half.map(({ state, toolName }) => [state, toolName]), [["input-streaming", "calculator"]]);
    const { all, shown } = await told([
      ...written,
      ["llm_turn_completed", "a", { tool_calls: [call] }],
      ["tool_call_started", "a", { tool_use_id: "c", tool_name: "calculator", tool_input: { expression: "1+1" } }],
      ["tool_call_completed", "a", { tool_use_id: "c", tool_name: "calculator", result: "2" }],
      ["execution_completed", undefined, {}],
    ]);
    const deltas = all.filter(({ type }) => type === "tool-input-delta").map(({ inputTextDelta }) => inputTextDelta);
    assert.deepEqual(deltas, ['{"expression"', ':"1+1"}']);
    const [tool, ...more] = toolsOf(shown);
    assert.deepEqual([tool.state, tool.input, tool.output, tool.providerExecuted, more], ["output-available", { expression: "1+1" }, "2", true, []]);
  });

  it("takes void calls back, and writes the other nodes' parts of the step again", async () => {
    const piece = (node, id, text) => ["tool_call_delta", node, { index: 0, tool_use_id: id, tool_name: "t", arguments: text }];
    const { shown } = await told([
      ["client_output_delta", "b", { content: "beside" }],
      piece("a", "void", '{"x"'),
      piece("b", "kept", '{"y"'),
      ["llm_turn_completed", "b", { tool_calls: [{ tool_use_id: "kept", tool_name: "t", arguments: '{"y":1}' }] }],
      ["tool_call_started", "b", { tool_use_id: "kept", tool_name: "t", tool_input: { y: 1 } }],
      ["llm_retry", "a", {}],
      piece("a", "again", '{"x":2}'),
      ["llm_turn_completed", "a", { tool_calls: [{ tool_use_id: "again", tool_name: "t", arguments: '{"x":2}' }] }],
      ["tool_call_completed", "b", { tool_use_id: "kept", tool_name: "t", result: "1" }],
      ["tool_call_started", "a", { tool_use_id: "again", tool_name: "t", tool_input: { x: 2 } }],
      ["tool_call_completed", "a", { tool_use_id: "again", tool_name: "t", result: "2" }],
      ["execution_completed", undefined, {}],
    ]);
    assert.deepEqual(textOf(shown), ["beside"]);
    assert.deepEqual(toolsOf(shown).map(({ toolCallId, output }) => [toolCallId, output]), [["kept", "1"], ["again", "2"]]);
  });

  it("sends files as parts of the input", async (t) => {
    const gateway = client(runbus.gateways[0].url);
    t.after(() => gateway.close());
    const chat = new Chat({ id: randomUUID(), transport: new RunbusChatTransport({ client: gateway, definition: "council" }) });
    const file = { type: "file", mediaType: "image/png", filename: "dot.png", url: "data:image/png;base64,AAAA" };
    await chat.sendMessage({ text: "What is it?", files: [file] });
    assert.equal(chat.error, undefined);
    const [started] = (await log(direct, { execution_id: chat.lastMessage.id })).filter(({ type }) => type === "execution_started");
    const image = { type: "image", url: file.url, media_type: "image/png", name: "dot.png" };
    const byType = (a, b) => a.type.localeCompare(b.type);
    assert.deepEqual(started.data.input.sort(byType), [image, { type: "text", text: "What is it?" }]);
  });

  it("stops reading when the page stops, and the execution goes on", async (t) => {
    const gateway = client(runbus.gateways[0].url);
    t.after(() => gateway.close());
    const transport = new RunbusChatTransport({ client: gateway, definition: "council" });
    const abort = new AbortController();
    const messages = [{ id: "u1", role: "user", parts: [{ type: "text", text: "Why?" }] }];
    const chatId = randomUUID();
    const stream = await transport.sendMessages({ trigger: "submit-message", chatId, messages, abortSignal: abort.signal });
    const reader = stream.getReader();
    assert.equal((await reader.read()).value.type, "start");
    abort.abort();
    for (let part; !(part = await reader.read()).done; );
    const view = gateway.execution(`${chatId}.u1`);
    assert.equal((await view.done).status, "completed");
  });
});
