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

/** The field of each delta that has its text. */
const DELTAS: Readonly<Record<string, string>> = {
  llm_text_delta: "content",
  llm_reasoning_delta: "content",
  client_output_delta: "content",
  tool_call_delta: "arguments",
};

const field = (type: string): string | undefined => (Object.hasOwn(DELTAS, type) ? DELTAS[type] : undefined);

export const isDelta = (item: Stored): item is Event => isEvent(item) && field(item.type) !== undefined;

/** The text of a delta; `undefined` when it is not as its type says. */
export function content(event: Event): string | undefined {
  const text = (event.data as Record<string, unknown>)[field(event.type) ?? "content"];
  return typeof text === "string" ? text : undefined;
}

/** The call that a delta belongs to: pieces of two calls never share an entry. */
export const callOf = (event: Event): unknown => (event.data as { tool_use_id?: unknown }).tool_use_id;

/** The same delta with another text. */
export const withContent = (event: Event, text: string): Event =>
  ({ ...event, data: { ...event.data, [field(event.type) ?? "content"]: text } }) as Event;
