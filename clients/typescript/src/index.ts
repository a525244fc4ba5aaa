/** Client of Runbus. Start at `connect`. */
export { Client, connect, type EventDraft, type Handler } from "./client.js";
export { RunbusError, type ErrorCode } from "./errors.js";
export type { Event, EventOf, Filter, UnknownEvent } from "./event.js";
export { ExecutionState, ExecutionView, type ExecutionOptions } from "./execution.js";
export { apply, begin } from "./fold/snapshot.js";
export type { Since } from "./follow.js";
export type { HistoryOptions, Page } from "./history.js";
export type { CaughtUp, Gap, SnapshotItem, Undecodable } from "./messages.js";
export type { Abortable, ConnectOptions } from "./options.js";
export type { WatchOptions } from "./presence.js";
export { Subscription, type Item, type SubscribeOptions } from "./subscription.js";
export type * from "./api.js";
export type * from "./types/events.js";
export type { Approval, Call, CallState, ExecutionStatus, Node, Question, Snapshot, Text, Turn } from "./types/snapshot.js";
