/** One execution on a page: it follows the log, and shows the newest position or an earlier one. */
import { RunbusError, type Snapshot } from "@runbus/client";
import { FRAME_MS } from "../lib/limits";
import { session } from "../lib/session.svelte";
import { edgesOf, type Definition } from "./definition.svelte";
import type { Stored } from "./entry";
import { ExecutionRecord } from "./record";
import type { Span, Taken } from "./spans";

export type Phase = "loading" | "live" | "over" | "unknown" | "failed";

export class ExecutionView {
  readonly id: string;
  readonly record = new ExecutionRecord();
  /** Counts what is drawn: the record itself is no part of Svelte's state. */
  version = $state(0);
  phase = $state<Phase>("loading");
  error = $state.raw<unknown>(undefined);
  /** The position that is shown; `undefined`: the newest one. */
  position = $state<number | undefined>(undefined);
  /** A state of before what is held, from the gateway. */
  earlier = $state.raw<Snapshot | undefined>(undefined);
  readonly #stop = new AbortController();
  #frame: ReturnType<typeof setTimeout> | undefined;
  #drawn = 0;

  /** Whether it shows what was stored once, and follows nothing. */
  readonly stored: boolean;

  constructor(id: string, from: { stream?: string | undefined; items?: readonly Stored[]; definition?: Definition | undefined } = {}) {
    this.id = id;
    this.stored = from.items !== undefined;
    if (from.definition) this.record.spans.edges = edgesOf(from.definition);
    if (from.items === undefined) {
      void this.#follow(from.stream);
      return;
    }
    for (const item of from.items) this.record.add(item);
    this.phase = "over";
    this.version++;
  }

  close(): void {
    this.#stop.abort();
    clearTimeout(this.#frame);
  }

  /** The newest position of what was drawn last. */
  get end(): number {
    void this.version;
    return this.record.end;
  }

  get start(): number {
    void this.version;
    return this.record.gone;
  }

  /** The position that is shown. */
  get shown(): number {
    return Math.min(this.position ?? Infinity, this.end);
  }

  get live(): boolean {
    return this.position === undefined;
  }

  get state(): Snapshot {
    void this.version;
    return this.earlier ?? this.record.at(this.shown);
  }

  /** The newest state, whatever is shown: what may be done depends on it. */
  get newest(): Snapshot {
    void this.version;
    return this.record.now;
  }

  get time(): number | undefined {
    void this.version;
    return this.record.entry(this.shown)?.at;
  }

  get taken(): readonly Taken[] {
    void this.version;
    return this.record.spans.taken;
  }

  get passes(): ReadonlyMap<string, readonly number[]> {
    void this.version;
    return this.record.spans.passes;
  }

  get spans(): readonly Span[] {
    void this.version;
    return this.record.spans.spans;
  }

  get begun(): number | undefined {
    void this.version;
    return this.record.spans.begun;
  }

  goTo(position: number | undefined): void {
    this.earlier = undefined;
    if (position === undefined) this.position = undefined;
    else this.position = Math.max(this.record.gone, Math.min(position, this.record.end));
  }

  /** Draws soon, and not more often than people see. */
  #touch(now = false): void {
    if (now) {
      clearTimeout(this.#frame);
      this.#frame = undefined;
      this.#drawn = performance.now();
      this.version++;
      return;
    }
    if (this.#frame !== undefined) return;
    const wait = Math.max(0, FRAME_MS - (performance.now() - this.#drawn));
    this.#frame = setTimeout(() => this.#touch(true), wait);
  }

  async #follow(stream: string | undefined): Promise<void> {
    const { signal } = this.#stop;
    try {
      const filter = { execution_id: this.id, ...(stream ? { stream_id: stream } : {}) };
      const items = session.client.subscribe(filter, { since: "all", caughtUp: true, signal });
      for await (const item of items) {
        if (item.type === "snapshot") continue;
        if (item.type === "caught_up") {
          await this.#caughtUp();
          this.#touch(true);
          continue;
        }
        this.record.add(item);
        const status = this.record.now.execution?.status;
        if (this.phase !== "loading") this.phase = over(status) ? "over" : "live";
        this.#touch();
      }
    } catch (error) {
      if (signal.aborted) return;
      this.error = error;
      this.phase = error instanceof RunbusError && error.code === "not_found" ? "unknown" : "failed";
      this.#touch(true);
    }
  }

  /** The stored events are here. When that is nothing: has anybody heard of this execution? */
  async #caughtUp(): Promise<void> {
    if (this.record.now.execution) {
      this.phase = over(this.record.now.execution.status) ? "over" : "live";
      return;
    }
    this.phase = "unknown";
    try {
      // All events are gone, but the store remembers it.
      this.earlier = await session.client.snapshot(this.id, { signal: this.#stop.signal });
      if (this.earlier.execution) this.phase = "over";
    } catch {
      this.earlier = undefined;
    }
  }
}

export const over = (status: string | undefined): boolean => status === "completed" || status === "failed" || status === "cancelled";
