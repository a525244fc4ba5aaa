/** One execution, live: a snapshot, and the events behind it folded into it. */
import * as check from "./check.js";
import type { Context } from "./context.js";
import type { Filter } from "./event.js";
import { isOver } from "./fold/execution.js";
import { apply, begin } from "./fold/snapshot.js";
import type { Link } from "./link.js";
import type { Abortable } from "./options.js";
import type { Linked } from "./signals.js";
import { Subscription } from "./subscription.js";
import type { Approval, Call, ExecutionStatus, Question, Snapshot } from "./types/snapshot.js";

export interface ExecutionOptions extends Abortable {
  /** Its stream, where it is known: then the gateway proves that nothing is missing without asking the log. */
  stream_id?: string;
}

/** An execution as of one moment. It never changes; the next moment is another object. */
export class ExecutionState {
  /** The same object that `GET /v1/executions/{id}/snapshot?at=<cursor>` gives. */
  readonly snapshot: Snapshot;

  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot;
  }

  /** `undefined`: the execution is unknown. */
  get status(): ExecutionStatus | undefined {
    return this.snapshot.execution?.status;
  }

  /** Whether nothing follows. */
  get isOver(): boolean {
    return isOver(this.snapshot.execution);
  }

  /** The text of client-facing nodes so far, without void text. */
  get text(): string {
    return this.snapshot.turns.flatMap(({ output }) => output?.content ?? []).join("\n\n");
  }

  /** The text of one node's last turn, so far. */
  textOf(node: string): string {
    const turn = this.snapshot.turns.findLast(({ node_id }) => node_id === node);
    return turn?.output?.content ?? turn?.text?.content ?? "";
  }

  /** Calls of tools that have no answer yet. */
  get calls(): Call[] {
    return this.snapshot.calls.filter(({ state }) => state !== "completed" && state !== "failed");
  }

  /** Calls that wait for a decision. */
  get approvals(): Approval[] {
    return this.snapshot.approvals;
  }

  /** Questions that wait for an answer. */
  get questions(): Question[] {
    return this.snapshot.questions;
  }

  get output(): unknown {
    return this.snapshot.execution?.output;
  }

  get error(): unknown {
    return this.snapshot.execution?.error;
  }
}

/** Follows one execution until it ends, or until it is closed. Iterating gives the newest state each time. */
export class ExecutionView implements AsyncIterable<ExecutionState> {
  readonly id: string;
  /** The first state. */
  readonly ready: Promise<ExecutionState>;
  /** The state in which the execution ended. */
  readonly done: Promise<ExecutionState>;
  readonly #scope: Linked;
  readonly #listeners = new Set<() => void>();
  #state: ExecutionState | undefined;
  #failed: { error: unknown } | undefined;
  #over = false;

  constructor(context: Context, link: Link, id: string, { stream_id, signal }: ExecutionOptions = {}) {
    this.id = check.id(id, "execution_id");
    if (stream_id !== undefined) check.id(stream_id, "stream_id");
    this.#scope = context.scope(signal);
    const filter: Filter = { execution_id: id, ...(stream_id === undefined ? {} : { stream_id }) };
    let first: (state: ExecutionState) => void = () => {};
    const begun = new Promise<ExecutionState>((resolve) => {
      first = resolve;
    });
    this.done = this.#run(context, link, filter, first);
    this.ready = Promise.race([begun, this.done]);
    // A caller that awaits neither hears of a failure by iterating.
    this.done.catch(() => {});
    this.ready.catch(() => {});
  }

  /** The newest state; `undefined` before the first one. */
  get state(): ExecutionState | undefined {
    return this.#state;
  }

  /** Calls back after each change, and when the view ends. Gives the way to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#over = true;
    this.#scope.abort();
    this.#tell();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ExecutionState, void> {
    let shown: ExecutionState | undefined;
    for (;;) {
      if (this.#state && this.#state !== shown) {
        shown = this.#state;
        yield shown;
      } else if (this.#failed) {
        throw this.#failed.error;
      } else if (this.#over) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          const stop = this.onChange(() => {
            stop();
            resolve();
          });
        });
      }
    }
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  async #run(
    context: Context,
    link: Link,
    filter: Filter,
    first: (state: ExecutionState) => void,
  ): Promise<ExecutionState> {
    try {
      for (;;) {
        const state = await this.#follow(context, link, filter, first);
        if (state) return state;
      }
    } catch (error) {
      if (!this.#over) this.#failed = { error };
      throw error;
    } finally {
      this.#over = true;
      this.#scope.release();
      this.#tell();
    }
  }

  /** From a snapshot to the end. `undefined`: events are missing, so that only another snapshot tells the state. */
  async #follow(
    context: Context,
    link: Link,
    filter: Filter,
    first: (state: ExecutionState) => void,
  ): Promise<ExecutionState | undefined> {
    const { signal } = this.#scope;
    const items = new Subscription(context, link, filter, { since: "snapshot", signal });
    let snapshot = begin("", false);
    try {
      for await (const item of items) {
        if (item.type === "gap") return undefined;
        if (item.type === "snapshot") snapshot = item.snapshot;
        else if (item.type === "undecodable") snapshot = { ...snapshot, cursor: item.cursor };
        else if (item.type !== "caught_up") snapshot = apply(snapshot, item);
        else continue;
        this.#state = new ExecutionState(snapshot);
        first(this.#state);
        this.#tell();
        if (this.#state.isOver) return this.#state;
      }
    } finally {
      items.close();
    }
    signal.throwIfAborted();
    return undefined;
  }
}
