/** Events as readers get them. */
import type { KnownEvent } from "./types/events.js";

/** An event of a type that the catalogue of this version does not have: it is delivered as it is. */
export interface UnknownEvent {
  id: string;
  /** Any text but the known types. No type has a `?`: so a check of `type` narrows the union. */
  type: `${string}?`;
  stream_id: string;
  node_id?: string;
  execution_id?: string;
  correlation_id?: string;
  session_id?: string;
  attempt?: number;
  data: Record<string, unknown>;
  timestamp: string;
  seq: number;
  cursor: string;
  external?: true;
  merged?: number;
}

/** One event: a union by `type`. */
export type Event = KnownEvent | UnknownEvent;

/** The event of one type. */
export type EventOf<T extends KnownEvent["type"]> = Extract<KnownEvent, { type: T }>;

/** Which events: absent fields match any. */
export interface Filter {
  stream_id?: string;
  node_id?: string;
  execution_id?: string;
  types?: readonly (KnownEvent["type"] | (string & {}))[];
  /** RFC 3339: only events that happened at this time or later. */
  after?: string;
  /** RFC 3339: only events that happened earlier. */
  before?: string;
}
