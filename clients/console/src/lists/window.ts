/** A live list as it is held: entries by id, in order, as messages change them. No part of it knows of the screen. */
import type { ListChanges, ListSnapshot } from "./types";

export interface Kind<T> {
  id: (entry: T) => string;
  /** When it was made: its place in the list. */
  at: (entry: T) => string;
}

export interface Gone<T> {
  id: string;
  before: T;
  /** Its last state, when the gateway sends it. */
  now: T | undefined;
}

export class Window<T> {
  entries: readonly T[] = [];
  counts: Readonly<Record<string, number>> = {};
  countsExact = true;
  complete = true;
  more = false;
  revision = -1;
  readonly #kind: Kind<T>;
  readonly #oldest: boolean;

  constructor(kind: Kind<T>, order: "newest" | "oldest" = "newest") {
    this.#kind = kind;
    this.#oldest = order === "oldest";
  }

  /** `undefined`: the message does not fit, the list must be asked for again. Else those that went. */
  apply(message: ListSnapshot<T> | ListChanges<T>): Gone<T>[] | undefined {
    if (message.type === "list_changes" && message.base !== this.revision) return undefined;
    this.revision = message.revision;
    this.more = message.more;
    this.complete = message.complete;
    this.counts = message.counts ?? this.counts;
    this.countsExact = message.counts_exact ?? true;
    const known = new Map(this.entries.map((entry) => [this.#kind.id(entry), entry]));
    if (message.type === "list_snapshot") {
      const there = new Set(message.entries.map(this.#kind.id));
      this.entries = message.entries;
      return [...known].filter(([id]) => !there.has(id)).map(([id, before]) => ({ id, before, now: undefined }));
    }
    const gone: Gone<T>[] = [];
    for (const { id, entry } of message.removals) {
      const before = known.get(id);
      if (before === undefined) continue;
      known.delete(id);
      gone.push({ id, before, now: entry });
    }
    for (const entry of message.upserts) known.set(this.#kind.id(entry), entry);
    this.entries = [...known.values()].sort((a, b) => this.compare(a, b));
    return gone;
  }

  /** By time, then by id; both the other way round for the newest first. */
  compare(a: T, b: T): number {
    const [x, y] = [this.#kind.at(a), this.#kind.at(b)];
    const order = x < y ? -1 : x > y ? 1 : this.#kind.id(a) < this.#kind.id(b) ? -1 : 1;
    return this.#oldest ? order : -order;
  }
}

/** A window and the older entries behind it, in order and each once. They are sorted only where they are not: there may be 100,000. */
export function joined<T>(window: readonly T[], older: readonly T[], id: (entry: T) => string, order: Pick<Window<T>, "compare">): readonly T[] {
  const there = new Set(window.map(id));
  const all = [...window];
  for (const one of older) if (!there.has(id(one))) all.push(one);
  for (let n = 1; n < all.length; n++) {
    if (order.compare(all[n - 1] as T, all[n] as T) > 0) return all.sort((a, b) => order.compare(a, b));
  }
  return all;
}
