/** One line of the log as the page holds it: an event, several deltas in one, a gap, or a line that is no event. */
import type { Event, Gap, Undecodable } from "@runbus/client";

export type Stored = Event | Gap | Undecodable;

export interface Entry {
  /** Its number among the entries, from 0; stays when older ones go. */
  position: number;
  /** When it happened, in milliseconds since 1970; of what has no time, that of the entry before. */
  at: number;
  item: Stored;
  /** Characters of its JSON, about. */
  chars: number;
}

export const isEvent = (item: Stored): item is Event => "stream_id" in item && "data" in item;

export const cursorOf = (item: Stored): string | undefined => ("cursor" in item ? item.cursor : undefined);

const DELTAS = new Set(["llm_text_delta", "llm_reasoning_delta", "client_output_delta"]);

export const isDelta = (item: Stored): item is Event => isEvent(item) && DELTAS.has(item.type);

/** The text of a delta; `undefined` when it is not as its type says. */
export function content(event: Event): string | undefined {
  const { content } = event.data as { content?: unknown };
  return typeof content === "string" ? content : undefined;
}
