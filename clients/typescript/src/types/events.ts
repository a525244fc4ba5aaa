// Generated from docs/events.schema.json by scripts/generate.mjs; do not edit.
export type KnownEvent =
  | ExecutionQueuedEvent
  | ExecutionWaitingEvent
  | ExecutionStartedEvent
  | ExecutionCompletedEvent
  | ExecutionFailedEvent
  | ExecutionPausedEvent
  | ExecutionResumedEvent
  | ExecutionCancelRequestedEvent
  | ExecutionCancelDeliveredEvent
  | ExecutionCancelledEvent
  | AttemptSupersededEvent
  | StateChangedEvent
  | StateConflictEvent
  | GoalProgressEvent
  | GoalAchievedEvent
  | ConstraintViolationEvent
  | StreamStartedEvent
  | StreamStoppedEvent
  | NodeLoopStartedEvent
  | NodeLoopIterationEvent
  | NodeLoopCompletedEvent
  | NodeInternalOutputEvent
  | NodeInputBlockedEvent
  | NodeStalledEvent
  | LlmTextDeltaEvent
  | LlmReasoningDeltaEvent
  | LlmTurnCompletedEvent
  | LlmRetryEvent
  | UsageUpdatedEvent
  | ContextCompactedEvent
  | ToolCallDeltaEvent
  | ToolCallStartedEvent
  | ToolCallProgressEvent
  | ToolCallCompletedEvent
  | ToolApprovalRequestedEvent
  | ToolApprovalDecidedEvent
  | ToolApprovalExpiredEvent
  | ClientOutputDeltaEvent
  | ClientInputRequestedEvent
  | ClientInputReceivedEvent
  | SubagentStartedEvent
  | SubagentCompletedEvent
  | SubagentFailedEvent
  | SessionClosedEvent
  | SessionDeadLetteredEvent
  | DeadLetterRetriedEvent
  | WebhookFailedEvent
  | CustomEvent;
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type StreamId = string;
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type NodeId = string;
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type ExecutionId = string;
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type CorrelationId = string;
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type SessionId = string;
export type Timestamp = string;
/**
 * An event's identity: a UUID, version 7 when Runbus makes it, version 5 when it is derived from a journal entry.
 */
export type EventId = string;
export type EventType = string;

/**
 * Somebody asked for an execution; a worker will take it.
 */
export interface ExecutionQueuedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "execution_queued";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ExecutionQueuedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * Somebody asked for an execution; a worker will take it.
 */
export interface ExecutionQueuedData {
  /**
   * The agent or graph that it will run.
   */
  definition?: string;
  /**
   * `sha256:` and the hexadecimal SHA-256 of what was asked for, `[definition, input]` as canonical JSON.
   */
  request_digest?: string;
  /**
   * Labels, as the start gave them.
   */
  labels?: {
    [k: string]: string;
  };
  parent?: ParentExecution;
}
/**
 * The execution that started another one as a sub-agent.
 */
export interface ParentExecution {
  execution_id: ExecutionId;
  session_id: SessionId;
  root?: ExecutionId;
}
/**
 * No worker that is there can run the execution: it waits for one that can.
 */
export interface ExecutionWaitingEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "execution_waiting";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ExecutionWaitingData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * No worker that is there can run the execution: it waits for one that can.
 */
export interface ExecutionWaitingData {
  /**
   * The missing capability or capacity, in words.
   */
  waits_for: string;
  /**
   * The agent or graph that it runs.
   */
  definition?: string;
  /**
   * The tool that is missing; absent: the definition is.
   */
  tool?: string;
}
/**
 * An execution began.
 */
export interface ExecutionStartedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "execution_started";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ExecutionStartedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * An execution began.
 */
export interface ExecutionStartedData {
  /**
   * The input of the execution.
   */
  input?: unknown;
  /**
   * The agent or graph that it runs.
   */
  definition?: string;
}
/**
 * An execution ended well. Terminal.
 */
export interface ExecutionCompletedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "execution_completed";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ExecutionCompletedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * An execution ended well. Terminal.
 */
export interface ExecutionCompletedData {
  /**
   * Its result.
   */
  output?: unknown;
}
/**
 * An execution ended badly. Terminal.
 */
export interface ExecutionFailedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "execution_failed";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ExecutionFailedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * An execution ended badly. Terminal.
 */
export interface ExecutionFailedData {
  /**
   * The error: for Runbus's own workers an object `{code, message, ...}`; other producers send text.
   */
  error?: unknown;
}
/**
 * An execution waits, by command or for a decision.
 */
export interface ExecutionPausedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "execution_paused";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ExecutionPausedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * An execution waits, by command or for a decision.
 */
export interface ExecutionPausedData {
  /**
   * Why.
   */
  reason?: string;
}
/**
 * A paused execution goes on.
 */
export interface ExecutionResumedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "execution_resumed";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ExecutionResumedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A paused execution goes on.
 */
export interface ExecutionResumedData {
  /**
   * Why.
   */
  reason?: string;
}
/**
 * Somebody asked to stop the execution; it is still running.
 */
export interface ExecutionCancelRequestedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "execution_cancel_requested";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ExecutionCancelRequestedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * Somebody asked to stop the execution; it is still running.
 */
export interface ExecutionCancelRequestedData {
  /**
   * Why.
   */
  reason?: string;
  /**
   * The person or program that asked.
   */
  requested_by?: string;
}
/**
 * The execution's owner has heard that it is to stop: nothing is begun any more.
 */
export interface ExecutionCancelDeliveredEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "execution_cancel_delivered";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ExecutionCancelDeliveredData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * The execution's owner has heard that it is to stop: nothing is begun any more.
 */
export interface ExecutionCancelDeliveredData {
  /**
   * Why.
   */
  reason?: string;
}
/**
 * An execution was stopped. Terminal.
 */
export interface ExecutionCancelledEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "execution_cancelled";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ExecutionCancelledData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * An execution was stopped. Terminal.
 */
export interface ExecutionCancelledData {
  /**
   * Why.
   */
  reason?: string;
}
/**
 * A new worker took the execution over. Streamed output of model calls that it repeats is void.
 */
export interface AttemptSupersededEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "attempt_superseded";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: AttemptSupersededData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A new worker took the execution over. Streamed output of model calls that it repeats is void.
 */
export interface AttemptSupersededData {
  /**
   * The attempt that ended.
   */
  superseded_attempt: number;
  /**
   * The attempt that goes on.
   */
  attempt: number;
  /**
   * `seq` of the first event that the new attempt does not stand by: deltas and `node_loop_iteration` from there on
   * that no `llm_turn_completed` of their node closed are void; branches that did stay. Absent: nothing is void.
   */
  void_from?: number;
  /**
   * Why the other one ended, as far as it is known.
   */
  reason: string;
}
/**
 * A key got a new value.
 */
export interface StateChangedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "state_changed";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: StateChangedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A key got a new value.
 */
export interface StateChangedData {
  /**
   * The key.
   */
  key: string;
  /**
   * The previous value.
   */
  old_value?: unknown;
  /**
   * The new value.
   */
  new_value?: unknown;
  /**
   * The readers of the value: `execution`, `stream` or a name that the producer defines.
   */
  scope?: string;
}
/**
 * Two writers changed the same key.
 */
export interface StateConflictEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "state_conflict";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: StateConflictData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * Two writers changed the same key.
 */
export interface StateConflictData {
  /**
   * The key.
   */
  key?: string;
}
/**
 * How far a goal has come.
 */
export interface GoalProgressEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "goal_progress";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: GoalProgressData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * How far a goal has come.
 */
export interface GoalProgressData {
  /**
   * From 0 to 1.
   */
  progress: number;
  /**
   * The state of each criterion.
   */
  criteria_status?: unknown;
}
/**
 * A goal was reached.
 */
export interface GoalAchievedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "goal_achieved";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: GoalAchievedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A goal was reached.
 */
export interface GoalAchievedData {
  /**
   * Which.
   */
  goal_id?: string;
}
/**
 * A constraint does not hold.
 */
export interface ConstraintViolationEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "constraint_violation";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ConstraintViolationData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A constraint does not hold.
 */
export interface ConstraintViolationData {
  /**
   * Which.
   */
  constraint_id: string;
  /**
   * A description of the event.
   */
  description?: string;
}
/**
 * A stream accepts executions.
 */
export interface StreamStartedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "stream_started";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: StreamStartedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A stream accepts executions.
 */
export interface StreamStartedData {
  /**
   * The producer's description of the stream.
   */
  description?: string;
}
/**
 * A stream accepts no more.
 */
export interface StreamStoppedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "stream_stopped";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: StreamStoppedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A stream accepts no more.
 */
export interface StreamStoppedData {
  /**
   * Why.
   */
  reason?: string;
}
/**
 * A node began its loop.
 */
export interface NodeLoopStartedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "node_loop_started";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: NodeLoopStartedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A node began its loop.
 */
export interface NodeLoopStartedData {
  /**
   * Its safety valve: rounds at most.
   */
  max_iterations?: number;
  /**
   * Which pass of the graph's cycle this is, from 1.
   */
  iteration?: number;
}
/**
 * A round of a node's loop began.
 */
export interface NodeLoopIterationEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "node_loop_iteration";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: NodeLoopIterationData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A round of a node's loop began.
 */
export interface NodeLoopIterationData {
  /**
   * From 1.
   */
  iteration: number;
  /**
   * Names the message that the model's answer becomes.
   */
  message_id?: string;
}
/**
 * A node ended its loop.
 */
export interface NodeLoopCompletedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "node_loop_completed";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: NodeLoopCompletedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A node ended its loop.
 */
export interface NodeLoopCompletedData {
  /**
   * Rounds that it took.
   */
  iterations: number;
}
/**
 * Output of a node that is not client-facing.
 */
export interface NodeInternalOutputEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "node_internal_output";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: NodeInternalOutputData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * Output of a node that is not client-facing.
 */
export interface NodeInternalOutputData {
  /**
   * The text.
   */
  content: string;
  /**
   * The structured output, where the node has one.
   */
  output?: unknown;
}
/**
 * A node needs input that nobody gave.
 */
export interface NodeInputBlockedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "node_input_blocked";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: NodeInputBlockedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A node needs input that nobody gave.
 */
export interface NodeInputBlockedData {
  /**
   * The question.
   */
  prompt?: string;
}
/**
 * A node makes no progress.
 */
export interface NodeStalledEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "node_stalled";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: NodeStalledData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A node makes no progress.
 */
export interface NodeStalledData {
  /**
   * Why, as far as it is known.
   */
  reason?: string;
}
/**
 * A piece of the model's answer.
 */
export interface LlmTextDeltaEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "llm_text_delta";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: LlmTextDeltaData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A piece of the model's answer.
 */
export interface LlmTextDeltaData {
  /**
   * The piece.
   */
  content: string;
  /**
   * The text so far, when the producer sends it. Runbus's workers do not: it makes a stream's size quadratic.
   */
  snapshot?: string;
}
/**
 * A piece of the model's reasoning.
 */
export interface LlmReasoningDeltaEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "llm_reasoning_delta";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: LlmReasoningDeltaData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A piece of the model's reasoning.
 */
export interface LlmReasoningDeltaData {
  /**
   * The piece.
   */
  content: string;
}
/**
 * A call of the model ended well and is recorded.
 */
export interface LlmTurnCompletedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "llm_turn_completed";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: LlmTurnCompletedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A call of the model ended well and is recorded.
 */
export interface LlmTurnCompletedData {
  /**
   * Names the message of this turn, the same in every event of it and among the session's messages.
   */
  message_id?: string;
  usage?: Usage;
  /**
   * `stop`, `tool_calls`, `length`, ... as the provider says.
   */
  finish_reason?: string;
  /**
   * The model that answered.
   */
  model?: string;
  /**
   * The provider that answered, by the name of its section in the worker's configuration.
   */
  provider?: string;
  /**
   * The provider's id of the request, for its support.
   */
  request_id?: string;
  /**
   * The whole reasoning of the turn, where the provider discloses it.
   */
  reasoning?: string;
  /**
   * The whole text of the turn.
   */
  content?: string;
  /**
   * Calls that the model asks for.
   */
  tool_calls?: ToolCall[];
}
/**
 * Tokens of one or more calls.
 */
export interface Usage {
  /**
   * Tokens read.
   */
  prompt_tokens?: number;
  /**
   * Tokens written.
   */
  completion_tokens?: number;
  /**
   * Both.
   */
  total_tokens?: number;
  /**
   * Tokens written as reasoning, part of `completion_tokens`, where the provider says so.
   */
  reasoning_tokens?: number;
  /**
   * Tokens read from the provider's cache, part of `prompt_tokens`, where the provider says so.
   */
  cached_tokens?: number;
  /**
   * Whether a provider did not count: then these tokens, or a part of them, are estimated from the length of the texts.
   */
  estimated?: boolean;
  /**
   * The price, where the providers state one, in their currency.
   */
  cost?: number;
}
/**
 * A tool call as the model wrote it.
 */
export interface ToolCall {
  /**
   * The call's id.
   */
  tool_use_id: string;
  /**
   * The tool's name.
   */
  tool_name: string;
  /**
   * The arguments as the model wrote them: JSON text, not always valid.
   */
  arguments: string;
}
/**
 * A call of the model failed and is tried again. Output streamed before in this turn is void.
 */
export interface LlmRetryEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "llm_retry";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: LlmRetryData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A call of the model failed and is tried again. Output streamed before in this turn is void.
 */
export interface LlmRetryData {
  /**
   * The error: `{code, message, status, ...}`.
   */
  error?: unknown;
  /**
   * Which try comes next, from 2.
   */
  next_try?: number;
  /**
   * The wait before it, in milliseconds.
   */
  delay_ms?: number;
  /**
   * Names the message that is void.
   */
  message_id?: string;
  /**
   * The model that is asked next, when it is another one: a fallback of the definition.
   */
  model?: string;
}
/**
 * The usage of the execution so far.
 */
export interface UsageUpdatedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "usage_updated";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: UsageUpdatedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * The usage of the execution so far.
 */
export interface UsageUpdatedData {
  usage: Usage;
  /**
   * Calls so far, of all of them.
   */
  rounds?: number;
  below?: Used;
}
/**
 * The usage of an execution, with all below it.
 */
export interface Used {
  usage: Usage;
  /**
   * Calls of the model.
   */
  rounds: number;
}
/**
 * A range of messages was folded into one note.
 */
export interface ContextCompactedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "context_compacted";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ContextCompactedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A range of messages was folded into one note.
 */
export interface ContextCompactedData {
  /**
   * Tokens before.
   */
  tokens_before?: number;
  /**
   * Tokens after.
   */
  tokens_after?: number;
  /**
   * Messages that were folded.
   */
  messages?: number;
}
/**
 * A piece of a call that the model writes. The call counts when its turn is completed; void as the text of the turn is.
 */
export interface ToolCallDeltaEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "tool_call_delta";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ToolCallDeltaData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A piece of a call that the model writes. The call counts when its turn is completed; void as the text of the turn is.
 */
export interface ToolCallDeltaData {
  /**
   * The call's number in its turn, from 0, in the order in which calls begin.
   */
  index: number;
  /**
   * The call's id, as the model gave it.
   */
  tool_use_id: string;
  /**
   * The tool's name.
   */
  tool_name: string;
  /**
   * The next piece of the arguments' JSON text.
   */
  arguments: string;
}
/**
 * A tool is about to run: its intent is journalled.
 */
export interface ToolCallStartedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "tool_call_started";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ToolCallStartedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A tool is about to run: its intent is journalled.
 */
export interface ToolCallStartedData {
  /**
   * The call's id, as the model gave it.
   */
  tool_use_id: string;
  /**
   * The tool's name.
   */
  tool_name: string;
  /**
   * Its arguments.
   */
  tool_input?: unknown;
}
/**
 * A tool says how far its call has come. Words that come faster than readers can use are left out.
 */
export interface ToolCallProgressEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "tool_call_progress";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ToolCallProgressData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A tool says how far its call has come. Words that come faster than readers can use are left out.
 */
export interface ToolCallProgressData {
  /**
   * The call's id.
   */
  tool_use_id: string;
  /**
   * The tool's name.
   */
  tool_name: string;
  /**
   * A number that grows.
   */
  progress: number;
  /**
   * The number at its end, when the tool knows it.
   */
  total?: number;
  /**
   * The tool's progress, in words.
   */
  message?: string;
}
/**
 * A tool ended, or its call was answered without running it.
 */
export interface ToolCallCompletedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "tool_call_completed";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ToolCallCompletedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A tool ended, or its call was answered without running it.
 */
export interface ToolCallCompletedData {
  /**
   * The call's id.
   */
  tool_use_id: string;
  /**
   * The tool's name.
   */
  tool_name: string;
  /**
   * The result that the model reads.
   */
  result?: unknown;
  /**
   * Whether it failed.
   */
  is_error?: boolean;
}
/**
 * A call waits for a decision.
 */
export interface ToolApprovalRequestedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "tool_approval_requested";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ToolApprovalRequestedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A call waits for a decision.
 */
export interface ToolApprovalRequestedData {
  /**
   * The approval's id.
   */
  approval_id: string;
  /**
   * The call's id.
   */
  tool_use_id: string;
  /**
   * The tool's name.
   */
  tool_name: string;
  /**
   * Its arguments.
   */
  tool_input?: unknown;
  /**
   * SHA-256 of the canonical arguments; a decision is bound to it.
   */
  arguments_digest?: string;
  expires_at?: Timestamp;
  below?: Below;
}
/**
 * Where something happened that an execution above tells.
 */
export interface Below {
  execution_id: ExecutionId;
  session_id: SessionId;
  node_id?: NodeId;
  through: SessionId;
}
/**
 * A call was decided.
 */
export interface ToolApprovalDecidedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "tool_approval_decided";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ToolApprovalDecidedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A call was decided.
 */
export interface ToolApprovalDecidedData {
  /**
   * The approval's id.
   */
  approval_id: string;
  /**
   * The call's id.
   */
  tool_use_id: string;
  /**
   * Whether it may run.
   */
  approved: boolean;
  /**
   * The arguments that the decider put in place of the call's.
   */
  arguments?: unknown;
  /**
   * The decider's note.
   */
  note?: string;
  /**
   * The person who decided.
   */
  decided_by?: string;
  below?: Below;
}
/**
 * Nobody decided in time.
 */
export interface ToolApprovalExpiredEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "tool_approval_expired";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ToolApprovalExpiredData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * Nobody decided in time.
 */
export interface ToolApprovalExpiredData {
  /**
   * The approval's id.
   */
  approval_id: string;
  /**
   * The call's id.
   */
  tool_use_id: string;
  below?: Below;
}
/**
 * A piece of output of a client-facing node.
 */
export interface ClientOutputDeltaEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "client_output_delta";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ClientOutputDeltaData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A piece of output of a client-facing node.
 */
export interface ClientOutputDeltaData {
  /**
   * The piece.
   */
  content: string;
  /**
   * The text so far, when the producer sends it.
   */
  snapshot?: string;
}
/**
 * A node asks a human.
 */
export interface ClientInputRequestedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "client_input_requested";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ClientInputRequestedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A node asks a human.
 */
export interface ClientInputRequestedData {
  /**
   * The question.
   */
  prompt?: string;
  /**
   * The id of the request, which an answer names.
   */
  request_id?: string;
  /**
   * The answers to choose from; empty: any.
   */
  choices?: string[];
  expires_at?: Timestamp;
  /**
   * The call that asks, when it is a tool's.
   */
  tool_use_id?: string;
  below?: Below;
}
/**
 * A human answered.
 */
export interface ClientInputReceivedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "client_input_received";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: ClientInputReceivedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A human answered.
 */
export interface ClientInputReceivedData {
  /**
   * The request's id.
   */
  request_id?: string;
  /**
   * The answer.
   */
  input?: unknown;
  /**
   * The person who answered.
   */
  answered_by?: string;
  below?: Below;
}
/**
 * A tool spawned a session of its own.
 */
export interface SubagentStartedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "subagent_started";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: SubagentStartedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A tool spawned a session of its own.
 */
export interface SubagentStartedData {
  session_id: SessionId;
  execution_id?: ExecutionId;
  /**
   * The agent that it runs.
   */
  name: string;
  /**
   * The call that spawned it.
   */
  tool_use_id?: string;
  below?: Below;
}
/**
 * A child ended well.
 */
export interface SubagentCompletedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "subagent_completed";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: SubagentCompletedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A child ended well.
 */
export interface SubagentCompletedData {
  session_id: SessionId;
  /**
   * Its result.
   */
  output?: unknown;
  below?: Below;
}
/**
 * A child ended badly.
 */
export interface SubagentFailedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "subagent_failed";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: SubagentFailedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A child ended badly.
 */
export interface SubagentFailedData {
  session_id: SessionId;
  /**
   * The error.
   */
  error?: unknown;
  below?: Below;
}
/**
 * A session takes no more input.
 */
export interface SessionClosedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "session_closed";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: SessionClosedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A session takes no more input.
 */
export interface SessionClosedData {
  /**
   * Why.
   */
  reason?: string;
}
/**
 * No worker could finish an execution.
 */
export interface SessionDeadLetteredEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "session_dead_lettered";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: SessionDeadLetteredData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * No worker could finish an execution.
 */
export interface SessionDeadLetteredData {
  session_id: SessionId;
  execution_id: ExecutionId;
  /**
   * The agent or graph.
   */
  definition: string;
  /**
   * The reason of the failure.
   */
  reason: string;
  /**
   * How many workers tried.
   */
  attempts: number;
}
/**
 * A dead execution is tried again.
 */
export interface DeadLetterRetriedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "dead_letter_retried";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: DeadLetterRetriedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * A dead execution is tried again.
 */
export interface DeadLetterRetriedData {
  execution_id: ExecutionId;
  retried_as: ExecutionId;
}
/**
 * An event was given up for one endpoint: the receiver will not get it.
 */
export interface WebhookFailedEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "webhook_failed";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: WebhookFailedData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * An event was given up for one endpoint: the receiver will not get it.
 */
export interface WebhookFailedData {
  /**
   * The endpoint's name in the configuration.
   */
  endpoint: string;
  event_id: EventId;
  event_type: EventType;
  execution_id?: ExecutionId;
  /**
   * How often it was tried.
   */
  attempts: number;
  /**
   * The error of the last try.
   */
  error: string;
}
/**
 * Any object.
 */
export interface CustomEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: "custom";
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: CustomData;
  timestamp: string;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  /**
   * added on delivery: the publisher is no part of Runbus
   */
  external?: true;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  /**
   * added on delivery: how many consecutive deltas this one stands for; absent: one
   */
  merged?: number;
}
/**
 * Any object.
 */
export interface CustomData {
  [k: string]: unknown;
}
