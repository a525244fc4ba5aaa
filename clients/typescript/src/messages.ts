/** The gateway's messages on a subscription, over either transport. */
import type { Event } from "./event.js";
import type { Snapshot } from "./types/snapshot.js";

/** Events are missing: both places as cursors. The next events follow. */
export interface Gap {
  type: "gap";
  requested: string;
  first_available: string;
  /** `expired`: retention removed them. `recreated`: the log is another one, or lost its end. */
  reason: "expired" | "recreated" | (string & {});
}

/** A stored line, or a whole damaged message, that is no event. */
export interface Undecodable {
  type: "undecodable";
  line?: string;
  line_base64?: string;
  line_bytes?: number;
  reason: string;
  seq: number;
  cursor: string;
}

/** The events stored when the subscription began have been delivered. */
export interface CaughtUp {
  type: "caught_up";
}

/** The state of an execution, before the events behind it. */
export interface SnapshotItem {
  type: "snapshot";
  cursor: string;
  snapshot: Snapshot;
}

export interface Watcher {
  subject: string;
  label?: string;
  connections: number;
  since: string;
}

export type Message =
  | { type: "events"; events: Event[] }
  | { type: "subscribed"; cursor?: string }
  | { type: "presence"; execution_id: string; count: number; watchers: Watcher[] }
  | { type: "presence_changed"; execution_id: string; count: number; joined: Watcher[]; left: Watcher[] }
  | { type: "monitor_snapshot"; revision: number; monitor: unknown }
  | { type: "monitor_patch"; base: number; revision: number; patch: readonly PatchOperation[] }
  | SnapshotItem
  | CaughtUp
  | Gap
  | Undecodable;

export interface PatchOperation {
  op: string;
  path: string;
  from?: string;
  value?: unknown;
}

/** One connection's part of a subscription: ends by `undefined` (go on from the last place), or by an error. */
export interface Source {
  next(): Promise<Message | undefined>;
  /** Asks for no more. */
  stop(): void;
}
