/** A live list on a page, with older pages behind it. */
import { RunbusError } from "@runbus/client";
import { PAGE, ROWS } from "../lib/limits";
import { session } from "../lib/session.svelte";
import type { ApprovalEntry, ExecutionEntry, QuestionEntry, SessionEntry } from "./types";
import { joined, Window, type Gone, type Kind } from "./window";

interface Entries {
  executions: ExecutionEntry;
  sessions: SessionEntry;
  approvals: ApprovalEntry;
  questions: QuestionEntry;
}

export type ListName = keyof Entries;

export const KINDS: { [N in ListName]: Kind<Entries[N]> } = {
  executions: { id: (one) => one.execution_id, at: (one) => one.created_at },
  sessions: { id: (one) => one.session_id, at: (one) => one.created_at },
  approvals: { id: (one) => one.approval_id, at: (one) => one.requested_at },
  questions: { id: (one) => one.request_id, at: (one) => one.requested_at },
};

/** Filters as the gateway takes them; `label` may be a list. */
export type Query = Record<string, string | string[] | undefined>;

export interface ListOptions<T> {
  limit?: number;
  /** Hears of entries that left the list. */
  left?: (gone: Gone<T>[]) => void;
}

export class LiveList<N extends ListName> {
  readonly name: N;
  entries = $state.raw<readonly Entries[N][]>([]);
  counts = $state.raw<Readonly<Record<string, number>>>({});
  countsExact = $state(true);
  /** Whether the index has everything. */
  complete = $state(true);
  /** Whether older entries are there. */
  more = $state(false);
  phase = $state<"loading" | "live" | "failed" | "missing">("loading");
  error = $state.raw<unknown>(undefined);
  loadingMore = $state(false);
  readonly #query: Query;
  readonly #window: Window<Entries[N]>;
  readonly #options: ListOptions<Entries[N]>;
  readonly #stop = new AbortController();
  /** Behind the window, by hand: older pages as they were when they were read. */
  #older: Entries[N][] = [];
  #cursor: string | undefined;
  #olderDone = false;

  constructor(name: N, query: Query = {}, options: ListOptions<Entries[N]> = {}) {
    this.name = name;
    this.#query = query;
    this.#options = options;
    this.#window = new Window<Entries[N]>(KINDS[name] as Kind<Entries[N]>, query["order"] === "oldest" ? "oldest" : "newest");
    void this.#follow();
  }

  close(): void {
    this.#stop.abort();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    const query = Object.fromEntries(Object.entries(this.#query).filter(([, value]) => value !== undefined && value.length > 0));
    try {
      for (;;) {
        for await (const message of session.client.list<Entries[N]>(this.name, { ...query, limit: this.#options.limit ?? PAGE }, signal)) {
          const gone = this.#window.apply(message);
          if (!gone) break;
          this.#keep(gone);
          if (gone.length > 0) this.#options.left?.(gone);
          this.#show();
          this.phase = "live";
        }
        signal.throwIfAborted();
      }
    } catch (error) {
      if (signal.aborted) return;
      this.error = error;
      this.phase = error instanceof RunbusError && (error.code === "not_found" || error.code === "unknown_command") ? "missing" : "failed";
    }
  }

  #show(): void {
    const window = this.#window;
    this.entries = this.#older.length === 0 ? window.entries : joined(window.entries, this.#older, KINDS[this.name].id as (one: Entries[N]) => string, window);
    this.counts = window.counts;
    this.countsExact = window.countsExact;
    this.complete = window.complete;
    this.more = this.#olderDone ? false : window.more || this.#cursor !== undefined;
  }

  /** Entries that newer ones pushed out of the window are still of the list, where its older part is shown. */
  #keep(gone: readonly Gone<Entries[N]>[]): void {
    const last = this.#window.entries.at(-1);
    if (this.#older.length === 0 || last === undefined || !this.#window.more) return;
    const pushed = gone.filter(({ before }) => this.#window.compare(before, last) > 0).map(({ before, now }) => now ?? before);
    if (pushed.length === 0) return;
    const id = KINDS[this.name].id as (one: Entries[N]) => string;
    const ids = new Set(pushed.map(id));
    this.#older = [...pushed, ...this.#older.filter((one) => !ids.has(id(one)))].sort((a, b) => this.#window.compare(a, b));
  }

  /** Older entries, a page at a time. */
  async loadMore(): Promise<void> {
    if (this.loadingMore || !this.more || this.entries.length >= ROWS) return;
    this.loadingMore = true;
    try {
      const query = { ...this.#query, limit: 500, counts: "false", ...(this.#cursor ? { cursor: this.#cursor } : {}) };
      const page = await session.client.page<Entries[N]>(this.name, query, this.#stop.signal);
      this.#older.push(...page.entries);
      this.#cursor = page.next;
      this.#olderDone = page.next === undefined;
      this.#show();
    } catch {
      // The next scroll tries again.
    } finally {
      this.loadingMore = false;
    }
  }
}
