/**
 * A chat transport for the AI SDK's `useChat`, on a client of Runbus.
 *
 * A chat is a session, a message of the assistant is an execution. The events come over the client's connection, which
 * comes back by itself behind the last event, in a visible tab too; so the stream of a message does not break with it.
 */
import type { ChatTransport, UIMessage, UIMessageChunk } from "ai";
import { apply, type Client, RunbusError, type Snapshot, type Subscription } from "@runbus/client";
import { Chunks } from "./chunks.js";

export interface RunbusChatOptions {
  client: Client;
  /** The agent or graph that answers. */
  definition: string;
  /** The stream of its executions; default: the definition's name. */
  stream_id?: string;
  /** Whether stopping in the page, which leaving it does too, also cancels the execution. Default: it goes on. */
  cancelOnStop?: boolean;
}

/** The state of a chat's execution where its stream paused. */
interface Paused {
  execution: string;
  chunks: Chunks;
  snapshot: Snapshot;
}

type Send<M extends UIMessage> = Parameters<ChatTransport<M>["sendMessages"]>[0];

export class RunbusChatTransport<M extends UIMessage = UIMessage> implements ChatTransport<M> {
  /** A stream that is taken up again tells its message from the beginning. */
  readonly resumeStreamIsReplay = true;
  readonly #options: RunbusChatOptions;
  readonly #paused = new Map<string, Paused>();

  constructor(options: RunbusChatOptions) {
    this.#options = options;
  }

  async sendMessages({ trigger, chatId, messages, abortSignal }: Send<M>): Promise<ReadableStream<UIMessageChunk>> {
    const last = messages.at(-1);
    const paused = this.#paused.get(chatId);
    if (last?.role === "assistant" && trigger === "submit-message") {
      if (!paused || paused.execution !== last.id) throw wrong("no execution of this message waits for an answer");
      await this.#answer(paused, last, abortSignal);
      return this.#stream(chatId, paused.execution, paused, abortSignal);
    }
    const said = messages.findLast(({ role }) => role === "user");
    if (!said) throw wrong("there is no message of a user");
    const input = inputOf(said);
    const { client, definition, stream_id } = this.#options;
    // The same message is the same execution, however often it is sent; another answer to it is another one.
    const execution_id = trigger === "regenerate-message" ? crypto.randomUUID() : `${chatId}.${said.id}`;
    const say = { definition, input, execution_id, session_id: chatId, ...(stream_id === undefined ? {} : { stream_id }) };
    await client.start(say, { signal: abortSignal });
    return this.#stream(chatId, execution_id, undefined, abortSignal);
  }

  async reconnectToStream({ chatId }: { chatId: string }): Promise<ReadableStream<UIMessageChunk> | null> {
    const session = await this.#options.client.session(chatId).catch((error) => {
      if (error instanceof RunbusError && error.code === "not_found") return undefined;
      throw error;
    });
    const { execution_id } = session ?? {};
    if (!execution_id) return null;
    const { status } = await this.#options.client.status(execution_id);
    return ["completed", "failed", "cancelled"].includes(status)
      ? null
      : this.#stream(chatId, execution_id, undefined, undefined);
  }

  /** Decisions and answers that the page has put into the message. */
  async #answer({ snapshot }: Paused, message: UIMessage, signal: AbortSignal | undefined): Promise<void> {
    const { client } = this.#options;
    for (const part of message.parts) {
      if (part.type !== "dynamic-tool") continue;
      const approval = snapshot.approvals.find(({ tool_use_id }) => tool_use_id === part.toolCallId);
      if (approval && part.state === "approval-responded") {
        const { approved, reason } = part.approval;
        const { approval_id, arguments_digest } = approval;
        const bound = arguments_digest === undefined ? {} : { arguments_digest };
        await client.decide(approval_id, { approved, ...bound, ...(reason ? { note: reason } : {}) }, { signal });
      }
      const question = snapshot.questions.find(
        ({ tool_use_id, request_id }) => (tool_use_id ?? request_id) === part.toolCallId,
      );
      if (question && part.state === "output-available") await client.answer(question.request_id, part.output, { signal });
    }
  }

  #stream(
    chatId: string,
    execution: string,
    from: Paused | undefined,
    abortSignal: AbortSignal | undefined,
  ): ReadableStream<UIMessageChunk> {
    const { client, cancelOnStop } = this.#options;
    const filter = { execution_id: execution };
    const since = from ? { cursor: from.snapshot.cursor } : "all";
    const events = client.subscribe(filter, { since });
    const stop = () => {
      events.close();
      if (cancelOnStop) client.cancel(execution, { reason: "stopped in the page" }).catch(() => {});
    };
    if (abortSignal?.aborted) stop();
    abortSignal?.addEventListener("abort", stop, { once: true });
    const end = () => abortSignal?.removeEventListener("abort", stop);
    const parts = this.#chunks(chatId, execution, from, events);
    return new ReadableStream<UIMessageChunk>({
      // One at a time, as the page takes them.
      async pull(controller) {
        const { done, value } = await parts.next();
        if (!done) return controller.enqueue(value);
        end();
        controller.close();
      },
      cancel() {
        end();
        events.close();
      },
    });
  }

  /** Chunks until the execution ends, or waits for somebody while nothing is at work. */
  async *#chunks(
    chatId: string,
    execution: string,
    from: Paused | undefined,
    events: Subscription,
  ): AsyncGenerator<UIMessageChunk, void> {
    const chunks = from?.chunks ?? new Chunks(execution);
    let snapshot = from?.snapshot ?? EMPTY;
    this.#paused.delete(chatId);
    yield* chunks.begin();
    for await (const item of events) {
      if (item.type === "gap") throw new RunbusError("unavailable", `events of the message are missing: ${item.reason}`);
      if (item.type === "undecodable" || item.type === "snapshot" || item.type === "caught_up") continue;
      const before = snapshot;
      snapshot = apply(snapshot, item);
      // External events about an execution that Runbus runs are not part of its message.
      if (before.execution !== snapshot.execution) yield* chunks.of(item);
      if (isOver(snapshot)) return;
      if (isWaiting(snapshot)) {
        this.#paused.set(chatId, { execution, chunks, snapshot });
        return yield* chunks.end("tool-calls");
      }
    }
  }
}

type Part = { type: string; text?: string; url?: string; media_type?: string; name?: string };

/** The input that a message is: its text, or, with files, parts. Their data count against the limit of an input. */
function inputOf({ parts }: UIMessage): string | Part[] {
  const said = parts.flatMap((part): Part[] => {
    if (part.type === "text") return [{ type: "text", text: part.text }];
    if (part.type !== "file") return [];
    const { mediaType, url, filename } = part;
    const kind = /^(image|audio)\//.exec(mediaType)?.[1] ?? "file";
    const media_type = mediaType.includes("*") ? {} : { media_type: mediaType };
    return [{ type: kind, url, ...media_type, ...(filename ? { name: filename } : {}) }];
  });
  return said.every(({ type }) => type === "text") ? said.map((part) => part.text).join("\n") : said;
}

const EMPTY: Snapshot = {
  cursor: "",
  complete: true,
  nodes: {},
  turns: [],
  turns_begun: 0,
  calls: [],
  approvals: [],
  questions: [],
};

const wrong = (message: string): RunbusError => new RunbusError("invalid_argument", message, { path: "messages" });

const isOver = ({ execution }: Snapshot): boolean =>
  ["completed", "failed", "cancelled"].includes(execution?.status ?? "");

/** It waits for a person, and nothing that is at work could change that. */
function isWaiting({ execution, nodes, calls }: Snapshot): boolean {
  const waits = execution?.status === "waiting_for_approval" || execution?.status === "waiting_for_input";
  const atWork = Object.values(nodes).some(({ state }) => state === "running") || calls.some(({ state }) => state === "running");
  return waits && !atWork;
}
