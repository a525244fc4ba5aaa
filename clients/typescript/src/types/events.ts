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
export type CorrelationId = string;
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type ExecutionId = string;
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type SessionId = string;
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type NodeId = string;
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type StreamId = string;
export type Timestamp = string;
/**
 * An event's identity: a UUID, version 7 when Runbus makes it, version 5 when it is derived from a journal entry.
 */
export type EventId = string;
export type EventType = string;

export interface ExecutionQueuedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: ExecutionQueuedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "execution_queued";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
   * Labels, as the start gave them.
   */
  labels?: {
    [k: string]: string;
  };
  parent?: Above;
}
/**
 * The execution that started another one as a sub-agent.
 */
export interface Above {
  execution_id: ExecutionId;
  root?: ExecutionId;
  session_id: SessionId;
}
export interface ExecutionWaitingEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: ExecutionWaitingData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "execution_waiting";
  /**
   * How many consecutive deltas this one stands for; absent: one.
   */
  merged?: number;
}
/**
 * No worker that is there can run the execution: it waits for one that can.
 */
export interface ExecutionWaitingData {
  /**
   * The agent or graph that it runs.
   */
  definition?: string;
  /**
   * The tool that is missing; absent: the definition is.
   */
  tool?: string;
  /**
   * The missing capability or capacity, in words.
   */
  waits_for: string;
}
export interface ExecutionStartedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: ExecutionStartedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "execution_started";
  /**
   * How many consecutive deltas this one stands for; absent: one.
   */
  merged?: number;
}
/**
 * An execution began.
 */
export interface ExecutionStartedData {
  /**
   * The agent or graph that it runs.
   */
  definition?: string;
  /**
   * The input of the execution.
   */
  input?: unknown;
}
export interface ExecutionCompletedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: ExecutionCompletedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "execution_completed";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface ExecutionFailedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: ExecutionFailedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "execution_failed";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface ExecutionPausedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: ExecutionPausedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "execution_paused";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface ExecutionResumedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: ExecutionResumedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "execution_resumed";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface ExecutionCancelRequestedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: ExecutionCancelRequestedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "execution_cancel_requested";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface ExecutionCancelDeliveredEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: ExecutionCancelDeliveredData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "execution_cancel_delivered";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface ExecutionCancelledEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: ExecutionCancelledData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "execution_cancelled";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface AttemptSupersededEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: AttemptSupersededData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "attempt_superseded";
  /**
   * How many consecutive deltas this one stands for; absent: one.
   */
  merged?: number;
}
/**
 * A new worker took the execution over. Streamed output of model calls that it repeats is void.
 */
export interface AttemptSupersededData {
  /**
   * The attempt that goes on.
   */
  attempt: number;
  /**
   * Why the other one ended, as far as it is known.
   */
  reason: string;
  /**
   * The attempt that ended.
   */
  superseded_attempt: number;
  /**
   * `seq` of the first event that the new attempt does not stand by: deltas and `node_loop_iteration` from there on
   * that no `llm_turn_completed` of their node closed are void; branches that did stay. Absent: nothing is void.
   */
  void_from?: number;
}
export interface StateChangedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: StateChangedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "state_changed";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
   * The new value.
   */
  new_value?: unknown;
  /**
   * The previous value.
   */
  old_value?: unknown;
  /**
   * The readers of the value: `execution`, `stream` or a name that the producer defines.
   */
  scope?: string;
}
export interface StateConflictEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: StateConflictData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "state_conflict";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface GoalProgressEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: GoalProgressData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "goal_progress";
  /**
   * How many consecutive deltas this one stands for; absent: one.
   */
  merged?: number;
}
/**
 * How far a goal has come.
 */
export interface GoalProgressData {
  /**
   * The state of each criterion.
   */
  criteria_status?: unknown;
  /**
   * From 0 to 1.
   */
  progress: number;
}
export interface GoalAchievedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: GoalAchievedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "goal_achieved";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface ConstraintViolationEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: ConstraintViolationData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "constraint_violation";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface StreamStartedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: StreamStartedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "stream_started";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface StreamStoppedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: StreamStoppedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "stream_stopped";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface NodeLoopStartedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: NodeLoopStartedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "node_loop_started";
  /**
   * How many consecutive deltas this one stands for; absent: one.
   */
  merged?: number;
}
/**
 * A node began its loop.
 */
export interface NodeLoopStartedData {
  /**
   * Which pass of the graph's cycle this is, from 1.
   */
  iteration?: number;
  /**
   * Its safety valve: rounds at most.
   */
  max_iterations?: number;
}
export interface NodeLoopIterationEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: NodeLoopIterationData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "node_loop_iteration";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface NodeLoopCompletedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: NodeLoopCompletedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "node_loop_completed";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface NodeInternalOutputEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: NodeInternalOutputData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "node_internal_output";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface NodeInputBlockedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: NodeInputBlockedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "node_input_blocked";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface NodeStalledEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: NodeStalledData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "node_stalled";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface LlmTextDeltaEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: LlmTextDeltaData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "llm_text_delta";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface LlmReasoningDeltaEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: LlmReasoningDeltaData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "llm_reasoning_delta";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface LlmTurnCompletedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: LlmTurnCompletedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "llm_turn_completed";
  /**
   * How many consecutive deltas this one stands for; absent: one.
   */
  merged?: number;
}
/**
 * A call of the model ended well and is recorded.
 */
export interface LlmTurnCompletedData {
  /**
   * The whole text of the turn.
   */
  content?: string;
  /**
   * `stop`, `tool_calls`, `length`, ... as the provider says.
   */
  finish_reason?: string;
  /**
   * Names the message of this turn, the same in every event of it and among the session's messages.
   */
  message_id?: string;
  /**
   * The model that answered.
   */
  model?: string;
  /**
   * The provider that answered, by the name of its section in the worker's configuration.
   */
  provider?: string;
  /**
   * The whole reasoning of the turn, where the provider discloses it.
   */
  reasoning?: string;
  /**
   * The provider's id of the request, for its support.
   */
  request_id?: string;
  /**
   * Calls that the model asks for.
   */
  tool_calls?: ToolCall[];
  usage?: Usage;
}
/**
 * A tool call as the model wrote it.
 */
export interface ToolCall {
  /**
   * The arguments as the model wrote them: JSON text, not always valid.
   */
  arguments: string;
  /**
   * The tool's name.
   */
  tool_name: string;
  /**
   * The call's id.
   */
  tool_use_id: string;
}
/**
 * Tokens of one or more calls.
 */
export interface Usage {
  /**
   * Tokens read from the provider's cache, part of `prompt_tokens`, where the provider says so.
   */
  cached_tokens?: number;
  /**
   * Tokens written.
   */
  completion_tokens?: number;
  /**
   * The price, where the providers state one, in their currency.
   */
  cost?: number;
  /**
   * Whether a provider did not count: then these tokens, or a part of them, are estimated from the length of the texts.
   */
  estimated?: boolean;
  /**
   * Tokens read.
   */
  prompt_tokens?: number;
  /**
   * Tokens written as reasoning, part of `completion_tokens`, where the provider says so.
   */
  reasoning_tokens?: number;
  /**
   * Both.
   */
  total_tokens?: number;
}
export interface LlmRetryEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: LlmRetryData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "llm_retry";
  /**
   * How many consecutive deltas this one stands for; absent: one.
   */
  merged?: number;
}
/**
 * A call of the model failed and is tried again. Output streamed before in this turn is void.
 */
export interface LlmRetryData {
  /**
   * The wait before it, in milliseconds.
   */
  delay_ms?: number;
  /**
   * The error: `{code, message, status, ...}`.
   */
  error?: unknown;
  /**
   * Names the message that is void.
   */
  message_id?: string;
  /**
   * The model that is asked next, when it is another one: a fallback of the definition.
   */
  model?: string;
  /**
   * Which try comes next, from 2.
   */
  next_try?: number;
}
export interface UsageUpdatedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: UsageUpdatedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "usage_updated";
  /**
   * How many consecutive deltas this one stands for; absent: one.
   */
  merged?: number;
}
/**
 * The usage of the execution so far.
 */
export interface UsageUpdatedData {
  below?: Used;
  /**
   * Calls so far, of all of them.
   */
  rounds?: number;
  usage: Usage;
}
/**
 * The usage of an execution, with all below it.
 */
export interface Used {
  /**
   * Calls of the model.
   */
  rounds: number;
  usage: Usage;
}
export interface ContextCompactedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: ContextCompactedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "context_compacted";
  /**
   * How many consecutive deltas this one stands for; absent: one.
   */
  merged?: number;
}
/**
 * A range of messages was folded into one note.
 */
export interface ContextCompactedData {
  /**
   * Messages that were folded.
   */
  messages?: number;
  /**
   * Tokens after.
   */
  tokens_after?: number;
  /**
   * Tokens before.
   */
  tokens_before?: number;
}
export interface ToolCallStartedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: ToolCallStartedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "tool_call_started";
  /**
   * How many consecutive deltas this one stands for; absent: one.
   */
  merged?: number;
}
/**
 * A tool is about to run: its intent is journalled.
 */
export interface ToolCallStartedData {
  /**
   * Its arguments.
   */
  tool_input?: unknown;
  /**
   * The tool's name.
   */
  tool_name: string;
  /**
   * The call's id, as the model gave it.
   */
  tool_use_id: string;
}
export interface ToolCallProgressEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: ToolCallProgressData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "tool_call_progress";
  /**
   * How many consecutive deltas this one stands for; absent: one.
   */
  merged?: number;
}
/**
 * A tool says how far its call has come. Words that come faster than readers can use are left out.
 */
export interface ToolCallProgressData {
  /**
   * The tool's progress, in words.
   */
  message?: string;
  /**
   * A number that grows.
   */
  progress: number;
  /**
   * The tool's name.
   */
  tool_name: string;
  /**
   * The call's id.
   */
  tool_use_id: string;
  /**
   * The number at its end, when the tool knows it.
   */
  total?: number;
}
export interface ToolCallCompletedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: ToolCallCompletedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "tool_call_completed";
  /**
   * How many consecutive deltas this one stands for; absent: one.
   */
  merged?: number;
}
/**
 * A tool ended, or its call was answered without running it.
 */
export interface ToolCallCompletedData {
  /**
   * Whether it failed.
   */
  is_error?: boolean;
  /**
   * The result that the model reads.
   */
  result?: unknown;
  /**
   * The tool's name.
   */
  tool_name: string;
  /**
   * The call's id.
   */
  tool_use_id: string;
}
export interface ToolApprovalRequestedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: ToolApprovalRequestedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "tool_approval_requested";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
   * SHA-256 of the canonical arguments; a decision is bound to it.
   */
  arguments_digest?: string;
  below?: Below;
  expires_at?: Timestamp;
  /**
   * Its arguments.
   */
  tool_input?: unknown;
  /**
   * The tool's name.
   */
  tool_name: string;
  /**
   * The call's id.
   */
  tool_use_id: string;
}
/**
 * Where something happened that an execution above tells.
 */
export interface Below {
  execution_id: ExecutionId;
  node_id?: NodeId;
  session_id: SessionId;
  through: SessionId;
}
export interface ToolApprovalDecidedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: ToolApprovalDecidedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "tool_approval_decided";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
   * Whether it may run.
   */
  approved: boolean;
  /**
   * The arguments that the decider put in place of the call's.
   */
  arguments?: unknown;
  below?: Below;
  /**
   * The person who decided.
   */
  decided_by?: string;
  /**
   * The decider's note.
   */
  note?: string;
  /**
   * The call's id.
   */
  tool_use_id: string;
}
export interface ToolApprovalExpiredEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: ToolApprovalExpiredData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "tool_approval_expired";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
  below?: Below;
  /**
   * The call's id.
   */
  tool_use_id: string;
}
export interface ClientOutputDeltaEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: ClientOutputDeltaData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "client_output_delta";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface ClientInputRequestedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: ClientInputRequestedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "client_input_requested";
  /**
   * How many consecutive deltas this one stands for; absent: one.
   */
  merged?: number;
}
/**
 * A node asks a human.
 */
export interface ClientInputRequestedData {
  below?: Below;
  /**
   * The answers to choose from; empty: any.
   */
  choices?: string[];
  expires_at?: Timestamp;
  /**
   * The question.
   */
  prompt?: string;
  /**
   * The id of the request, which an answer names.
   */
  request_id?: string;
  /**
   * The call that asks, when it is a tool's.
   */
  tool_use_id?: string;
}
export interface ClientInputReceivedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: ClientInputReceivedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "client_input_received";
  /**
   * How many consecutive deltas this one stands for; absent: one.
   */
  merged?: number;
}
/**
 * A human answered.
 */
export interface ClientInputReceivedData {
  /**
   * The person who answered.
   */
  answered_by?: string;
  below?: Below;
  /**
   * The answer.
   */
  input?: unknown;
  /**
   * The request's id.
   */
  request_id?: string;
}
export interface SubagentStartedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: SubagentStartedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "subagent_started";
  /**
   * How many consecutive deltas this one stands for; absent: one.
   */
  merged?: number;
}
/**
 * A tool spawned a session of its own.
 */
export interface SubagentStartedData {
  below?: Below;
  execution_id?: ExecutionId;
  /**
   * The agent that it runs.
   */
  name: string;
  session_id: SessionId;
  /**
   * The call that spawned it.
   */
  tool_use_id?: string;
}
export interface SubagentCompletedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: SubagentCompletedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "subagent_completed";
  /**
   * How many consecutive deltas this one stands for; absent: one.
   */
  merged?: number;
}
/**
 * A child ended well.
 */
export interface SubagentCompletedData {
  below?: Below;
  /**
   * Its result.
   */
  output?: unknown;
  session_id: SessionId;
}
export interface SubagentFailedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: SubagentFailedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "subagent_failed";
  /**
   * How many consecutive deltas this one stands for; absent: one.
   */
  merged?: number;
}
/**
 * A child ended badly.
 */
export interface SubagentFailedData {
  below?: Below;
  /**
   * The error.
   */
  error?: unknown;
  session_id: SessionId;
}
export interface SessionClosedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: SessionClosedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "session_closed";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface SessionDeadLetteredEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: SessionDeadLetteredData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "session_dead_lettered";
  /**
   * How many consecutive deltas this one stands for; absent: one.
   */
  merged?: number;
}
/**
 * No worker could finish an execution.
 */
export interface SessionDeadLetteredData {
  /**
   * How many workers tried.
   */
  attempts: number;
  /**
   * The agent or graph.
   */
  definition: string;
  execution_id: ExecutionId;
  /**
   * The reason of the failure.
   */
  reason: string;
  session_id: SessionId;
}
export interface DeadLetterRetriedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: DeadLetterRetriedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "dead_letter_retried";
  /**
   * How many consecutive deltas this one stands for; absent: one.
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
export interface WebhookFailedEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: WebhookFailedData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "webhook_failed";
  /**
   * How many consecutive deltas this one stands for; absent: one.
   */
  merged?: number;
}
/**
 * An event was given up for one endpoint: the receiver will not get it.
 */
export interface WebhookFailedData {
  /**
   * How often it was tried.
   */
  attempts: number;
  /**
   * The endpoint's name in the configuration.
   */
  endpoint: string;
  /**
   * The error of the last try.
   */
  error: string;
  event_id: EventId;
  event_type: EventType;
  execution_id?: ExecutionId;
}
export interface CustomEvent {
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * added on delivery: hand it back to resume after this event
   */
  cursor: string;
  data: CustomData;
  execution_id?: ExecutionId;
  /**
   * added on delivery: somebody published it who is no part of Runbus
   */
  external?: true;
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  node_id?: NodeId;
  /**
   * added on delivery: see docs/events.md
   */
  seq: number;
  session_id?: SessionId;
  stream_id: StreamId;
  timestamp: string;
  type: "custom";
  /**
   * How many consecutive deltas this one stands for; absent: one.
   */
  merged?: number;
}
/**
 * Any object.
 */
export interface CustomData {
  [k: string]: unknown;
}
