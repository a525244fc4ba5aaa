/**
 * The data that a page holds of one execution: its entries, the conversation, what took time, and its state at every position.
 *
 * All of it is bounded. Deltas of one message that come within a moment share an entry; when there is too much the oldest
 * entries go, and the state before them stays.
 */
import { apply, begin, type Event, type Snapshot } from "@runbus/client";
import { CHECKPOINT_EVERY, ENTRIES, ENTRY_CHARS, MERGE_CHARS, MERGE_MS } from "../lib/limits";
import { ms } from "../lib/format";
import { callOf, content, cursorOf, isDelta, isEvent, withContent, type Entry, type Stored } from "./entry";
import { Spans } from "./spans";
import { Story } from "./story";

export class ExecutionRecord {
  entries: Entry[] = [];
  readonly story = new Story();
  readonly spans = new Spans();
  /** The newest state. */
  now: Snapshot = begin("", false);
  /** Entries that went because there were too many. */
  gone = 0;
  /** States behind some entries, by position. */
  readonly #states = new Map<number, Snapshot>();
  #base: Snapshot = begin("", false);
  #chars = 0;
  /** The last state that was asked for: a step further is a short way. */
  #near: { position: number; state: Snapshot } | undefined;
  #mergedFrom = 0;

  /** The last position; -1: nothing is there. */
  get end(): number {
    return this.gone + this.entries.length - 1;
  }

  entry(position: number): Entry | undefined {
    return this.entries[position - this.gone];
  }

  add(item: Stored): void {
    const before = this.entries.at(-1);
    if (before && this.#merge(before, item)) return;
    if (before && before.position % CHECKPOINT_EVERY === 0) this.#states.set(before.position, this.now);
    const at = ("timestamp" in item ? ms(item.timestamp) : undefined) ?? before?.at ?? Date.now();
    const entry: Entry = { position: this.end + 1, at, item, chars: sizeOf(item) };
    this.entries.push(entry);
    this.#chars += entry.chars;
    this.#mergedFrom = at;
    this.now = behind(this.now, item);
    this.story.take(entry);
    this.spans.take(entry);
    if (this.entries.length > ENTRIES || this.#chars > ENTRY_CHARS) this.#forget();
  }

  /** A delta that belongs to the one before becomes a part of its entry. */
  #merge(before: Entry, item: Stored): boolean {
    const last = before.item;
    if (!isDelta(item) || !isDelta(last) || last.type !== item.type || last.node_id !== item.node_id) return false;
    if (last.attempt !== item.attempt || last.stream_id !== item.stream_id || last.external !== item.external || callOf(last) !== callOf(item)) return false;
    const [one, more] = [content(last), content(item)];
    const at = ms(item.timestamp) ?? before.at;
    if (one === undefined || more === undefined || at - this.#mergedFrom > MERGE_MS) return false;
    if (one.length + more.length > MERGE_CHARS) return false;
    const merged = (last.merged ?? 1) + (item.merged ?? 1);
    before.item = { ...withContent(item, one + more), merged } as Event;
    before.at = at;
    before.chars += more.length;
    this.#chars += more.length;
    if (this.#near?.position === before.position) this.#near = undefined;
    this.now = behind(this.now, item);
    this.story.extend(before, item);
    return true;
  }

  #forget(): void {
    const cut = Math.max(1, Math.floor(this.entries.length / 4));
    this.#base = this.at(this.gone + cut - 1);
    for (const { chars } of this.entries.splice(0, cut)) this.#chars -= chars;
    this.gone += cut;
    for (const position of this.#states.keys()) if (position < this.gone) this.#states.delete(position);
    this.#near = undefined;
  }

  /** The state behind the entry at a position. */
  at(position: number): Snapshot {
    if (position >= this.end) return this.now;
    if (position < this.gone) return this.#base;
    let from = position - (position % CHECKPOINT_EVERY);
    let state = from >= this.gone ? this.#states.get(from) : undefined;
    if (!state) {
      from = this.gone - 1;
      state = this.#base;
    }
    if (this.#near && this.#near.position > from && this.#near.position <= position) {
      from = this.#near.position;
      state = this.#near.state;
    }
    for (let next = from + 1; next <= position; next++) state = behind(state, (this.entry(next) as Entry).item);
    this.#near = { position, state };
    return state;
  }

  /** Where a cursor is; `undefined`: it is none of an entry that is held. */
  find(cursor: string): number | undefined {
    const index = this.entries.findLastIndex(({ item }) => cursorOf(item) === cursor);
    return index < 0 ? undefined : this.gone + index;
  }

  /** The first entry behind which at least so many events of the execution have happened. */
  findByEvents(events: number): number {
    let low = this.gone;
    let high = this.end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.at(middle).execution?.events ?? 0) < events) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The last entry that had happened at a time. */
  findByTime(at: number): number {
    let low = 0;
    let high = this.entries.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.entries[middle] as Entry).at <= at) low = middle;
      else high = middle - 1;
    }
    return this.gone + low;
  }
}

/** A snapshot behind one more entry; a gap is none of it, a line that is no event moves its place. */
function behind(state: Snapshot, item: Stored): Snapshot {
  if (isEvent(item)) return apply(state, item);
  return item.type === "gap" ? { ...state, complete: false } : { ...state, cursor: item.cursor };
}

function sizeOf(item: Stored): number {
  if (isDelta(item)) return 300 + (content(item)?.length ?? 0);
  return JSON.stringify(item).length;
}
