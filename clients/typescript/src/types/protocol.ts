// Generated from docs/protocol.schema.json by scripts/generate.mjs; do not edit.
/**
 * A message of the gateway's WebSocket (subprotocols runbus.v1, in JSON, and runbus.v1.cbor, the same in CBOR). In words: docs/protocol.md. Readers ignore fields and types that they do not know. Of the gateway's messages an optional field is absent where it has no value.
 */
export type ProtocolMessage = ClientMessage | ServerMessage;
/**
 * A message of a client.
 */
export type ClientMessage =
  | SubscribeMessage
  | UnsubscribeMessage
  | AuthMessage
  | PingMessage
  | MonitorMessage
  | ListMessage
  | StartMessage
  | SendMessage
  | ResumeMessage
  | AbortPendingMessage
  | CloseMessage
  | CancelMessage
  | PauseMessage
  | UnpauseMessage
  | DecideMessage
  | AnswerMessage
  | PublishMessage;
export type EventType = string;
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
export type Timestamp = string;
/**
 * Begin to send a list as it changes (docs/lists.md).
 */
export type ListMessage = ListExecutionsMessage | ListSessionsMessage | ListApprovalsMessage | ListQuestionsMessage;
/**
 * Which end comes first.
 */
export type Order = "oldest" | "newest";
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type SessionId = string;
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type CorrelationId = string;
/**
 * The policy for a second execution of a session while one is at work.
 */
export type Multitask = "reject" | "enqueue" | "interrupt" | "rollback";
/**
 * Which of several waiting sessions a worker takes first.
 */
export type Priority = "high" | "normal" | "low";
/**
 * An event's identity: a UUID, version 7 when Runbus makes it, version 5 when it is derived from a journal entry.
 */
export type EventId = string;
/**
 * A message of the gateway.
 */
export type ServerMessage =
  | HelloMessage
  | AuthOkMessage
  | SubscribedMessage
  | EventsMessage
  | SnapshotMessage
  | CaughtUpMessage
  | GapMessage
  | UndecodableMessage
  | PresenceMessage
  | PresenceChangedMessage
  | MonitorSnapshotMessage
  | MonitorPatchMessage
  | ListSnapshotMessage
  | ListChangesMessage
  | UnsubscribedMessage
  | PongMessage
  | OkMessage
  | ErrorMessage;
/**
 * An event as readers get it (docs/events.md).
 */
export type Event = KnownEvent | OtherEvent;
/**
 * An event whose type is in the catalogue.
 */
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
 * Where a run stands.
 */
export type ExecutionStatus =
  "queued" | "running" | "waiting_for_approval" | "waiting_for_input" | "paused" | "completed" | "failed" | "cancelled";
/**
 * Why events of a run are missing.
 */
export type ExecutionGap = "expired";
/**
 * The state of a node.
 */
export type NodeState = "running" | "waiting" | "stalled" | "completed" | "stopped";
/**
 * How far a call is.
 */
export type CallState = "requested" | "awaiting_approval" | "approved" | "refused" | "running" | "completed" | "failed";
/**
 * Why a reader cannot have what it asked for.
 */
export type GapReason = "expired" | "recreated";
/**
 * The author of a message.
 */
export type MonitorRole = "user" | "assistant" | "tool";
/**
 * The whole of a live list.
 */
export type ListSnapshotMessage =
  | ExecutionsListSnapshotMessage
  | SessionsListSnapshotMessage
  | ApprovalsListSnapshotMessage
  | QuestionsListSnapshotMessage;
/**
 * Where a session stands.
 */
export type SessionStatus =
  "idle" | "running" | "waiting_for_approval" | "waiting_for_input" | "paused" | "pending" | "closed";
/**
 * Where an approval of a list stands.
 */
export type ApprovalEntryStatus = "pending" | "approved" | "rejected" | "expired" | "cancelled";
/**
 * Where a question of a list stands.
 */
export type QuestionEntryStatus = "pending" | "answered" | "expired" | "cancelled";
/**
 * The changes of a live list from one revision to the next.
 */
export type ListChangesMessage =
  ExecutionsListChangesMessage | SessionsListChangesMessage | ApprovalsListChangesMessage | QuestionsListChangesMessage;
/**
 * A command is durable. The other fields are its result, by the command.
 */
export type OkMessage =
  StartedMessage | AbortedMessage | SessionMessage | AcknowledgedMessage | DecidedMessage | PublishedMessage;
/**
 * Where a call without an answer stands.
 */
export type CallStatus =
  "waiting" | "waiting_for_approval" | "waiting_for_input" | "waiting_for_child" | "running" | "unknown";
/**
 * Where an approval stands.
 */
export type ApprovalStatus = "pending" | "approved" | "rejected" | "expired" | "cancelled" | "consumed";
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type WorkerId = string;
/**
 * The outcome of a cancel.
 */
export type CancelState = "requested" | "latched" | "cancelled";

/**
 * Begin to send events.
 */
export interface SubscribeMessage {
  type: "subscribe";
  id: string;
  filter?: Filter;
  /**
   * Where to begin.
   */
  since?:
    | ("new" | "all" | "snapshot")
    | {
        cursor: string;
      };
  /**
   * Whether consecutive deltas of one message may come as one event; `None`: when the client falls behind.
   */
  coalesce?: boolean | null;
  /**
   * Events in one message, at most.
   */
  batch?: number;
  /**
   * Also send the watchers of the filter's execution, with each join and leave.
   */
  presence?: boolean;
  /**
   * Under which label others see this subscription, beside its credential's subject.
   */
  label?: string | null;
}
/**
 * An absent member matches all. The wire form is this form.
 */
export interface Filter {
  /**
   * Event types; empty: all. 256 at most.
   *
   * @maxItems 256
   */
  types?: EventType[];
  /**
   * The line of work.
   */
  stream_id?: StreamId | null;
  /**
   * The step.
   */
  node_id?: NodeId | null;
  /**
   * The run.
   */
  execution_id?: ExecutionId | null;
  /**
   * Only events that happened at this time or later.
   */
  after?: Timestamp | null;
  /**
   * Only events that happened before this time.
   */
  before?: Timestamp | null;
}
/**
 * End a subscription, a monitor or a list.
 */
export interface UnsubscribeMessage {
  type: "unsubscribe";
  id: string;
}
/**
 * A credential: the first one, or a fresh one of the same subject.
 */
export interface AuthMessage {
  type: "auth";
  /**
   * A token or an API key.
   */
  token: string;
}
/**
 * Ask for `pong`.
 */
export interface PingMessage {
  type: "ping";
  /**
   * Given back.
   */
  nonce?: string | null;
}
/**
 * Begin to send a monitor: of one stream, or of all.
 */
export interface MonitorMessage {
  type: "monitor";
  id: string;
  /**
   * The stream; absent: all.
   */
  stream_id?: StreamId | null;
}
/**
 * Begin to send the list of executions as it changes.
 */
export interface ListExecutionsMessage {
  type: "list";
  id: string;
  list: "executions";
  query?: {
    /**
     * entries at most
     */
    limit?: number;
    order?: Order;
    /**
     * only in one of these, separated by commas
     */
    status?:
      | string
      | [
          (
            | "queued"
            | "running"
            | "waiting_for_approval"
            | "waiting_for_input"
            | "paused"
            | "completed"
            | "failed"
            | "cancelled"
            | "all"
          ),
          ...(
            | "queued"
            | "running"
            | "waiting_for_approval"
            | "waiting_for_input"
            | "paused"
            | "completed"
            | "failed"
            | "cancelled"
            | "all"
          )[]
        ];
    /**
     * only of this agent or graph
     */
    definition?: string;
    stream_id?: StreamId;
    after?: Timestamp;
    before?: Timestamp;
    /**
     * only with this in the id or what is shown of the input
     */
    text?: string;
    /**
     * whether to count by status; default: on a first page
     */
    counts?: boolean;
    session_id?: SessionId;
    root?: ExecutionId;
    parent?: ExecutionId;
    /**
     * only with this label, `key=value`; all of them when given again
     */
    label?:
      | string
      | []
      | [string]
      | [string, string]
      | [string, string, string]
      | [string, string, string, string]
      | [string, string, string, string, string]
      | [string, string, string, string, string, string]
      | [string, string, string, string, string, string, string]
      | [string, string, string, string, string, string, string, string]
      | [string, string, string, string, string, string, string, string, string]
      | [string, string, string, string, string, string, string, string, string, string]
      | [string, string, string, string, string, string, string, string, string, string, string]
      | [string, string, string, string, string, string, string, string, string, string, string, string]
      | [string, string, string, string, string, string, string, string, string, string, string, string, string]
      | [string, string, string, string, string, string, string, string, string, string, string, string, string, string]
      | [
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string
        ]
      | [
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string
        ];
    correlation_id?: CorrelationId;
  };
}
/**
 * Begin to send the list of sessions as it changes.
 */
export interface ListSessionsMessage {
  type: "list";
  id: string;
  list: "sessions";
  query?: {
    /**
     * entries at most
     */
    limit?: number;
    order?: Order;
    /**
     * only in one of these, separated by commas
     */
    status?:
      | string
      | [
          "idle" | "running" | "waiting_for_approval" | "waiting_for_input" | "paused" | "closed" | "all",
          ...("idle" | "running" | "waiting_for_approval" | "waiting_for_input" | "paused" | "closed" | "all")[]
        ];
    /**
     * only of this agent or graph
     */
    definition?: string;
    stream_id?: StreamId;
    after?: Timestamp;
    before?: Timestamp;
    /**
     * only with this in the id or what is shown of the input
     */
    text?: string;
    /**
     * whether to count by status; default: on a first page
     */
    counts?: boolean;
    session_id?: SessionId;
    parent?: ExecutionId;
    /**
     * only with this label, `key=value`; all of them when given again
     */
    label?:
      | string
      | []
      | [string]
      | [string, string]
      | [string, string, string]
      | [string, string, string, string]
      | [string, string, string, string, string]
      | [string, string, string, string, string, string]
      | [string, string, string, string, string, string, string]
      | [string, string, string, string, string, string, string, string]
      | [string, string, string, string, string, string, string, string, string]
      | [string, string, string, string, string, string, string, string, string, string]
      | [string, string, string, string, string, string, string, string, string, string, string]
      | [string, string, string, string, string, string, string, string, string, string, string, string]
      | [string, string, string, string, string, string, string, string, string, string, string, string, string]
      | [string, string, string, string, string, string, string, string, string, string, string, string, string, string]
      | [
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string
        ]
      | [
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string
        ];
    correlation_id?: CorrelationId;
  };
}
/**
 * Begin to send the list of approvals as it changes.
 */
export interface ListApprovalsMessage {
  type: "list";
  id: string;
  list: "approvals";
  query?: {
    /**
     * entries at most
     */
    limit?: number;
    order?: Order;
    /**
     * only in one of these, separated by commas
     */
    status?:
      | string
      | [
          "pending" | "approved" | "rejected" | "expired" | "cancelled" | "all",
          ...("pending" | "approved" | "rejected" | "expired" | "cancelled" | "all")[]
        ];
    /**
     * only of this agent or graph
     */
    definition?: string;
    stream_id?: StreamId;
    after?: Timestamp;
    before?: Timestamp;
    /**
     * only with this in the id or what is shown of the input
     */
    text?: string;
    /**
     * whether to count by status; default: on a first page
     */
    counts?: boolean;
    session_id?: SessionId;
    root?: ExecutionId;
    execution_id?: ExecutionId;
  };
}
/**
 * Begin to send the list of questions as it changes.
 */
export interface ListQuestionsMessage {
  type: "list";
  id: string;
  list: "questions";
  query?: {
    /**
     * entries at most
     */
    limit?: number;
    order?: Order;
    /**
     * only in one of these, separated by commas
     */
    status?:
      | string
      | [
          "pending" | "answered" | "expired" | "cancelled" | "all",
          ...("pending" | "answered" | "expired" | "cancelled" | "all")[]
        ];
    /**
     * only of this agent or graph
     */
    definition?: string;
    stream_id?: StreamId;
    after?: Timestamp;
    before?: Timestamp;
    /**
     * only with this in the id or what is shown of the input
     */
    text?: string;
    /**
     * whether to count by status; default: on a first page
     */
    counts?: boolean;
    session_id?: SessionId;
    root?: ExecutionId;
    execution_id?: ExecutionId;
  };
}
/**
 * A request to start an execution.
 */
export interface StartMessage {
  type: "start";
  id: string;
  /**
   * W3C trace context; absent: that of the connection
   */
  traceparent?: string;
  tracestate?: string;
  /**
   * The agent or graph, by name. At most 128 bytes.
   */
  definition: string;
  /**
   * The input: a text, a list of parts (`Part`), or any JSON. At most 128 KiB of JSON.
   */
  input?: unknown;
  /**
   * The run; starting the same id twice starts one. Absent: a fresh one.
   */
  execution_id?: ExecutionId | null;
  /**
   * The line of work; absent: the definition's name.
   */
  stream_id?: StreamId | null;
  /**
   * The conversation that it continues; absent: a conversation of its own.
   */
  session_id?: SessionId | null;
  /**
   * The id that ties the execution to others.
   */
  correlation_id?: CorrelationId | null;
  multitask?: Multitask;
  budget?: Budget;
  scheduling?: Scheduling;
  labels?: Labels;
}
/**
 * The limits of an execution; exceeding one ends it.
 */
export interface Budget {
  /**
   * Calls of the model.
   */
  rounds?: number | null;
  /**
   * Tokens, read and written.
   */
  tokens?: number | null;
  /**
   * Time from its start, waiting included, in milliseconds.
   */
  wall_time_ms?: number | null;
}
/**
 * How an execution is scheduled.
 */
export interface Scheduling {
  priority?: Priority;
  /**
   * Executions with the same key (a tenant, a customer) share a limit: `worker.max_per_key`.
   */
  concurrency_key?: string | null;
}
export interface Labels {
  [k: string]: string;
}
/**
 * An input for a session.
 */
export interface SendMessage {
  type: "send";
  id: string;
  /**
   * W3C trace context; absent: that of the connection
   */
  traceparent?: string;
  tracestate?: string;
  /**
   * The conversation; absent: a new one.
   */
  session_id?: SessionId | null;
  /**
   * The input: a text, a list of parts (`Part`), or any JSON. At most 128 KiB of JSON.
   */
  input?: unknown;
  /**
   * The agent or graph; absent: the one that the session ran last.
   */
  definition?: string | null;
  /**
   * The run; the same id twice starts one. Absent: a fresh one.
   */
  execution_id?: ExecutionId | null;
  /**
   * The line of work; absent: the session's last one, or the definition's name.
   */
  stream_id?: StreamId | null;
  /**
   * The id that ties the execution to others.
   */
  correlation_id?: CorrelationId | null;
  multitask?: Multitask;
  budget?: Budget;
  /**
   * How it is scheduled; absent: as the session's last execution.
   */
  scheduling?: Scheduling | null;
  labels?: Labels;
}
/**
 * A command that has nothing to say but its name.
 */
export interface ResumeMessage {
  type: "resume";
  id: string;
  session_id: SessionId;
  /**
   * W3C trace context; absent: that of the connection
   */
  traceparent?: string;
  tracestate?: string;
}
/**
 * A command with a reason.
 */
export interface AbortPendingMessage {
  type: "abort_pending";
  id: string;
  session_id: SessionId;
  /**
   * W3C trace context; absent: that of the connection
   */
  traceparent?: string;
  tracestate?: string;
  /**
   * Why, for the record. At most 4096 bytes.
   */
  reason?: string | null;
}
/**
 * Close a session.
 */
export interface CloseMessage {
  type: "close";
  id: string;
  session_id: SessionId;
  /**
   * W3C trace context; absent: that of the connection
   */
  traceparent?: string;
  tracestate?: string;
  /**
   * Whether its children close too.
   */
  cascade?: boolean;
  /**
   * Why, for the record. At most 4096 bytes.
   */
  reason?: string | null;
}
/**
 * Cancel an execution.
 */
export interface CancelMessage {
  type: "cancel";
  id: string;
  execution_id: ExecutionId;
  /**
   * W3C trace context; absent: that of the connection
   */
  traceparent?: string;
  tracestate?: string;
  /**
   * Why, for the record. At most 4096 bytes.
   */
  reason?: string | null;
  /**
   * The session that an execution which nobody has asked for yet will run in, when that is not one of its own.
   */
  session_id?: SessionId | null;
}
/**
 * A command with a reason.
 */
export interface PauseMessage {
  type: "pause";
  id: string;
  execution_id: ExecutionId;
  /**
   * W3C trace context; absent: that of the connection
   */
  traceparent?: string;
  tracestate?: string;
  /**
   * Why, for the record. At most 4096 bytes.
   */
  reason?: string | null;
}
/**
 * A command that has nothing to say but its name.
 */
export interface UnpauseMessage {
  type: "unpause";
  id: string;
  execution_id: ExecutionId;
  /**
   * W3C trace context; absent: that of the connection
   */
  traceparent?: string;
  tracestate?: string;
}
/**
 * A decision.
 */
export interface DecideMessage {
  type: "decide";
  id: string;
  approval_id: string;
  /**
   * W3C trace context; absent: that of the connection
   */
  traceparent?: string;
  tracestate?: string;
  /**
   * Whether the call may run. It has no default: a decision is said, not left out.
   */
  approved: boolean;
  /**
   * Other arguments for the call; only with an approval.
   */
  arguments?: unknown;
  /**
   * A note for the model, or for the record. At most 4096 bytes.
   */
  note?: string | null;
  /**
   * The digest of the arguments that the decider saw; another one than the approval's is refused as stale.
   */
  arguments_digest?: string | null;
  /**
   * Identifies the decision: the same id again is the same decision. Absent: a fresh one.
   */
  decision_id?: EventId | null;
}
/**
 * An answer to a question.
 */
export interface AnswerMessage {
  type: "answer";
  id: string;
  request_id: string;
  /**
   * W3C trace context; absent: that of the connection
   */
  traceparent?: string;
  tracestate?: string;
  /**
   * The answer. At most 64 KiB of JSON.
   */
  input: unknown;
  /**
   * Identifies the answer: the same id again is the same answer. Absent: a fresh one.
   */
  answer_id?: EventId | null;
}
/**
 * Events to publish, in order.
 */
export interface PublishMessage {
  type: "publish";
  id: string;
  /**
   * W3C trace context; absent: that of the connection
   */
  traceparent?: string;
  tracestate?: string;
  /**
   * Each may lack `id` and `timestamp`.
   *
   * @minItems 1
   * @maxItems 1000
   */
  events: [EventDraft, ...EventDraft[]];
}
/**
 * An event that may lack its id and its time. Fields that no event has are refused.
 */
export interface EventDraft {
  /**
   * Its id; absent: a fresh one. The same id again stores nothing new: give it, then the call can be repeated.
   */
  id?: EventId | null;
  type: EventType;
  stream_id: StreamId;
  /**
   * The step inside the stream's graph.
   */
  node_id?: NodeId | null;
  /**
   * The run.
   */
  execution_id?: ExecutionId | null;
  /**
   * The id that ties the execution to others.
   */
  correlation_id?: CorrelationId | null;
  /**
   * The conversation.
   */
  session_id?: SessionId | null;
  /**
   * The producer's try at the execution, from 1.
   */
  attempt?: number | null;
  /**
   * The payload. A type of the catalogue has the fields of the catalogue.
   */
  data: {};
  /**
   * When it happened; absent: now.
   */
  timestamp?: Timestamp | null;
}
/**
 * The first message of a connection.
 */
export interface HelloMessage {
  type: "hello";
  /**
   * The subprotocol of the connection.
   */
  protocol: "runbus.v1" | "runbus.v1.cbor";
  /**
   * `none`: authentication is disabled. `required`: the client must send `auth`. `ok`: the handshake had a valid credential.
   */
  auth: "none" | "required" | "ok";
  /**
   * The program and its version.
   */
  server: string;
  limits: HelloLimits;
}
/**
 * The limits of a connection.
 */
export interface HelloLimits {
  /**
   * Bytes of a client's message, at most.
   */
  max_message_bytes: number;
  /**
   * Subscriptions, monitors and lists, at most.
   */
  max_subscriptions: number;
  /**
   * Commands at work at the same time, at most.
   */
  max_commands: number;
  /**
   * Events of one `events` message, at most.
   */
  max_batch: number;
  /**
   * The gateway closes the connection after so long without a sign of life.
   */
  idle_timeout_ms: number;
}
/**
 * The credential is valid.
 */
export interface AuthOkMessage {
  type: "auth_ok";
  /**
   * Until then; `null`: without end.
   */
  expires_at: Timestamp | null;
}
/**
 * A subscription, a monitor or a list has begun.
 */
export interface SubscribedMessage {
  type: "subscribed";
  /**
   * the `id` of the subscription, the monitor or the list
   */
  sub: string;
  /**
   * The place where the subscription begins: hand it back to resume from there.
   */
  cursor?: string;
}
/**
 * Events of a subscription, in order.
 */
export interface EventsMessage {
  type: "events";
  /**
   * the `id` of the subscription, the monitor or the list
   */
  sub: string;
  /**
   * @minItems 1
   * @maxItems 256
   */
  events: [Event, ...Event[]];
}
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
  usage?: EventUsage;
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
export interface EventUsage {
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
  usage: EventUsage;
  /**
   * Calls so far, of all of them.
   */
  rounds?: number;
  below?: EventUsed;
}
/**
 * The usage of an execution, with all below it.
 */
export interface EventUsed {
  usage: EventUsage;
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
/**
 * An event of a type that is not in the catalogue: readers keep it.
 */
export interface OtherEvent {
  /**
   * UUIDv7, made by the publisher
   */
  id: string;
  type: string;
  stream_id: StreamId;
  node_id?: NodeId;
  execution_id?: ExecutionId;
  correlation_id?: CorrelationId;
  session_id?: SessionId;
  attempt?: number;
  data: {};
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
 * The state of an execution, behind `subscribed` and before any event.
 */
export interface SnapshotMessage {
  type: "snapshot";
  /**
   * the `id` of the subscription, the monitor or the list
   */
  sub: string;
  /**
   * The place behind the events that are in.
   */
  cursor: string;
  snapshot: Snapshot;
}
/**
 * An execution as of one position.
 */
export interface Snapshot {
  /**
   * The position: events behind it are not in.
   */
  cursor: string;
  /**
   * Whether everything from the execution's beginning on is in. `false`: retention removed a part, or that it did not
   * cannot be proven.
   */
  complete: boolean;
  execution?: Execution;
  /**
   * Bytes of JSON that `execution.output` lacks; it is the beginning of its JSON text then.
   */
  output_truncated_bytes?: number;
  /**
   * The same of `execution.error`.
   */
  error_truncated_bytes?: number;
  /**
   * The steps, [`crate::limits::SNAPSHOT_NODES`] at most.
   */
  nodes: {
    [k: string]: Node;
  };
  /**
   * Events of nodes that are not in `nodes`, because there are too many.
   */
  nodes_omitted_events?: number;
  /**
   * The turns of models, oldest first; those that are not `done` are being written. [`crate::limits::SNAPSHOT_TURNS`]
   * and [`crate::limits::SNAPSHOT_TEXT_BYTES`] at most: the oldest go first.
   */
  turns: Turn[];
  /**
   * Turns that are not in `turns` any more.
   */
  turns_omitted?: number;
  /**
   * Turns that have begun, void ones too.
   */
  turns_begun: number;
  /**
   * Calls of tools, oldest first, [`crate::limits::SNAPSHOT_CALLS`] at most: the oldest completed ones go first.
   */
  calls: Call[];
  /**
   * Calls that are not in `calls` any more.
   */
  calls_omitted?: number;
  /**
   * Calls that wait for a decision, oldest first.
   */
  approvals: Approval[];
  /**
   * Questions that wait for an answer, oldest first.
   */
  questions: Question[];
  /**
   * Approvals and questions that were left out: more than [`crate::limits::SNAPSHOT_WAITING`] waited.
   */
  waiting_omitted?: number;
}
/**
 * The state of a run.
 */
export interface Execution {
  execution_id: ExecutionId;
  stream_id: StreamId;
  /**
   * Runbus does not run it: others tell it.
   */
  external: boolean;
  session_id?: SessionId;
  correlation_id?: CorrelationId;
  /**
   * The agent or graph.
   */
  definition?: string;
  /**
   * `sha256:` and the hexadecimal SHA-256 of what was asked for, `[definition, input]` as canonical JSON.
   */
  request_digest?: string;
  labels?: Labels;
  parent?: ParentExecution;
  status: ExecutionStatus;
  /**
   * The missing capability, in words, when no present worker can run it.
   */
  waits_for?: string;
  /**
   * Approvals and questions that wait for a person, by id.
   */
  waiting?: {
    [k: string]: Waiting;
  };
  active_node?: NodeId;
  /**
   * Which pass of the graph's cycle, from 1.
   */
  iteration?: number;
  /**
   * The worker's try, from 1.
   */
  attempt?: number;
  /**
   * How far its goal has come, 0 to 1.
   */
  progress?: number;
  /**
   * Calls of models so far.
   */
  rounds: number;
  usage?: Usage;
  queued_at?: Timestamp;
  started_at?: Timestamp;
  updated_at?: Timestamp;
  ended_at?: Timestamp;
  /**
   * Its result.
   */
  output?: unknown;
  /**
   * The error.
   */
  error?: unknown;
  /**
   * Events so far.
   */
  events: number;
  gap?: ExecutionGap;
}
/**
 * Something that waits for a person.
 */
export interface Waiting {
  status: ExecutionStatus;
  /**
   * The call that waits, when it is one of this execution.
   */
  tool_use_id?: string;
  below?: Below;
}
/**
 * Tokens of one or more calls.
 */
export interface Usage {
  /**
   * Tokens read.
   */
  prompt_tokens: number;
  /**
   * Tokens written.
   */
  completion_tokens: number;
  /**
   * Both.
   */
  total_tokens: number;
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
 * A step of the stream's graph.
 *
 * This interface was referenced by `undefined`'s JSON-Schema definition
 * via the `patternProperty` "^[^\u0000-\u001f\u007f-\u009f]+$".
 */
export interface Node {
  state: NodeState;
  /**
   * How often its loop began.
   */
  visits: number;
  /**
   * Which pass of the graph's cycle, from 1.
   */
  iteration?: number;
  /**
   * The round of its loop, from 1; 0: none has begun.
   */
  round: number;
  /**
   * Names the message that its model is writing.
   */
  message_id?: string;
  /**
   * Calls of its model that failed and were made again.
   */
  retries: number;
  output?: Excerpt;
  updated_at: Timestamp;
}
/**
 * A value, or the beginning of its JSON text.
 */
export interface Excerpt {
  /**
   * The value; when bytes are missing, a text: the beginning of the value's JSON, or of the text that it was.
   */
  value: unknown;
  /**
   * Bytes that are missing behind it; absent: none.
   */
  truncated_bytes?: number;
}
/**
 * One call of a model, or one message of a producer that has no turns.
 */
export interface Turn {
  /**
   * Its number among the turns that began, from 1.
   */
  number: number;
  /**
   * Names the message that it becomes, as its events and the session's messages do.
   */
  message_id?: string;
  node_id?: NodeId;
  /**
   * The worker's try that said it.
   */
  attempt?: number;
  /**
   * `seq` of its last event.
   */
  seq: number;
  /**
   * Whether it is over: its text is final.
   */
  done: boolean;
  text?: Text;
  output?: Text;
  reasoning?: Text;
  /**
   * The calls that the model is writing (`tool_call_delta`), the last [`crate::limits::SNAPSHOT_DRAFTS`] at most; of a turn that is
   * done see `calls`.
   */
  drafts?: Draft[];
  /**
   * As the provider says, when the turn is done.
   */
  finish_reason?: string;
  /**
   * The model that answered.
   */
  model?: string;
  /**
   * The provider that answered.
   */
  provider?: string;
}
/**
 * A text that is being written: its end, [`limits::SNAPSHOT_TURN_BYTES`] at most.
 */
export interface Text {
  /**
   * The text, or its end.
   */
  content: string;
  /**
   * Bytes of UTF-8 that are missing before it; absent: none, the text is whole.
   */
  truncated_bytes?: number;
}
/**
 * A call that the model is writing.
 */
export interface Draft {
  /**
   * Its number in the turn, from 0.
   */
  index: number;
  /**
   * Its id.
   */
  tool_use_id: string;
  /**
   * The tool.
   */
  tool_name: string;
  arguments: Text;
}
/**
 * A call of a tool.
 */
export interface Call {
  /**
   * Its id, as the model gave it.
   */
  tool_use_id: string;
  /**
   * The tool.
   */
  tool_name: string;
  node_id?: NodeId;
  state: CallState;
  arguments: Excerpt;
  result?: Excerpt;
}
/**
 * A call that waits for a decision.
 */
export interface Approval {
  /**
   * The id that a decision names.
   */
  approval_id: string;
  /**
   * The call.
   */
  tool_use_id: string;
  /**
   * The tool.
   */
  tool_name: string;
  node_id?: NodeId;
  arguments: Excerpt;
  /**
   * The digest that a decision is bound to.
   */
  arguments_digest?: string;
  expires_at?: Timestamp;
  below?: Below;
}
/**
 * A question that waits for an answer.
 */
export interface Question {
  /**
   * The id that an answer names; empty when its producer gave none.
   */
  request_id: string;
  prompt: Text;
  node_id?: NodeId;
  /**
   * The answers to choose from, [`crate::limits::SNAPSHOT_CHOICES`] at most; empty: any.
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
 * The events that were stored when the subscription began have been sent; live events follow.
 */
export interface CaughtUpMessage {
  type: "caught_up";
  /**
   * the `id` of the subscription, the monitor or the list
   */
  sub: string;
}
/**
 * Events are missing: both places as cursors. The next events follow.
 */
export interface GapMessage {
  type: "gap";
  /**
   * the `id` of the subscription, the monitor or the list
   */
  sub: string;
  /**
   * The place where the reader stood.
   */
  requested: string;
  /**
   * The place where it goes on.
   */
  first_available: string;
  reason: GapReason;
}
/**
 * A stored line that is no event.
 */
export interface UndecodableMessage {
  type: "undecodable";
  /**
   * the `id` of the subscription, the monitor or the list
   */
  sub: string;
  /**
   * The line as text; of a long one the beginning.
   */
  line: string;
  /**
   * Its bytes in base64, where they are no text.
   */
  line_base64?: string;
  /**
   * How many bytes the line has, where it is cut.
   */
  line_bytes?: number;
  /**
   * The fault of the line.
   */
  reason: string;
  /**
   * As of an event.
   */
  seq: number;
  /**
   * As of an event.
   */
  cursor: string;
}
/**
 * The watchers of an execution.
 */
export interface PresenceMessage {
  type: "presence";
  /**
   * the `id` of the subscription, the monitor or the list
   */
  sub: string;
  execution_id: ExecutionId;
  /**
   * Subscriptions, over all gateways.
   */
  count: number;
  /**
   * Those who watch longest, 100 at most.
   */
  watchers: Watcher[];
}
/**
 * Those who watch under one name.
 */
export interface Watcher {
  /**
   * The subject of the credential; `everyone` where authentication is disabled.
   */
  subject: string;
  /**
   * The client's own label.
   */
  label?: string;
  /**
   * Subscriptions under this name.
   */
  connections: number;
  since: Timestamp;
}
/**
 * The watchers of an execution have changed.
 */
export interface PresenceChangedMessage {
  type: "presence_changed";
  /**
   * the `id` of the subscription, the monitor or the list
   */
  sub: string;
  execution_id: ExecutionId;
  /**
   * Subscriptions, over all gateways.
   */
  count: number;
  /**
   * Those who joined since the last message.
   */
  joined: Watcher[];
  /**
   * Those who left since then.
   */
  left: Watcher[];
}
/**
 * The whole monitor.
 */
export interface MonitorSnapshotMessage {
  type: "monitor_snapshot";
  /**
   * the `id` of the subscription, the monitor or the list
   */
  sub: string;
  /**
   * Counts up with every change; no gateway knows another one's.
   */
  revision: number;
  monitor: Monitor;
}
/**
 * The view of one stream, or of all. Bounded: long values are cut, old entries are removed.
 */
export interface Monitor {
  stream_id?: StreamId;
  /**
   * Whether everything that the log holds of it was looked at. `false`: only the newest part, which is bounded.
   */
  complete: boolean;
  /**
   * Whether something was left out so that the document keeps within its limit of bytes.
   */
  reduced?: boolean;
  approvals?: MonitorApprovals;
  context?: MonitorContext;
  /**
   * MCP servers by name, and the state of each by contributor: a worker, or `stream/<stream_id>` for an event.
   */
  mcp?: {
    [k: string]: {
      [k: string]: unknown;
    };
  };
  /**
   * Where agents run code, by contributor.
   */
  code_execution?: {
    [k: string]: unknown;
  };
  usage?: Used;
  graph?: MonitorGraph;
}
/**
 * Calls that wait for a decision.
 */
export interface MonitorApprovals {
  /**
   * How many.
   */
  count: number;
  /**
   * They, by id.
   */
  pending: {
    [k: string]: MonitorApproval;
  };
}
/**
 * A call that waits for a decision.
 */
export interface MonitorApproval {
  stream_id: StreamId;
  execution_id?: ExecutionId;
  session_id?: SessionId;
  node_id?: NodeId;
  /**
   * The call.
   */
  tool_use_id: string;
  /**
   * The tool.
   */
  tool_name: string;
  /**
   * Its arguments; `{cut, bytes, begins}` when they are long.
   */
  tool_input: unknown;
  /**
   * SHA-256 of the canonical arguments.
   */
  arguments_digest?: string;
  requested_at: Timestamp;
  expires_at?: Timestamp;
}
/**
 * The sources and tools of the agents.
 */
export interface MonitorContext {
  /**
   * How the agents and graphs are configured, by name: models and tools of each node, as workers report it.
   */
  agents?: {
    [k: string]: AgentReport;
  };
  /**
   * Tools by name: those that the agents may call, and those that were called.
   */
  tools?: {
    [k: string]: MonitorTool;
  };
  /**
   * The conversations that went on last, by session; by execution where there is no session.
   */
  conversations?: {
    [k: string]: Conversation;
  };
}
/**
 * How an agent or a graph is configured.
 */
export interface AgentReport {
  /**
   * The description of the agent, for people.
   */
  description?: string;
  /**
   * Its nodes; an agent is one node of its own name.
   */
  nodes: {
    [k: string]: NodeReport;
  };
}
/**
 * How a node is configured.
 */
export interface NodeReport {
  /**
   * The model and how it is asked: `name`, `temperature`, `max_tokens`; absent where it is the worker's default.
   */
  model?: unknown;
  /**
   * The tools that it may call.
   */
  tools?: string[];
}
/**
 * How often a tool was called.
 */
export interface MonitorTool {
  /**
   * Calls that ended.
   */
  calls: number;
  /**
   * Of these, those that failed.
   */
  errors: number;
}
/**
 * The last messages of a conversation.
 */
export interface Conversation {
  stream_id?: StreamId;
  execution_id?: ExecutionId;
  /**
   * Messages, oldest first.
   */
  messages: ShownMonitorMessage[];
  /**
   * Older ones that are not shown.
   */
  omitted: number;
  compacted?: Compacted;
}
/**
 * A message of a conversation.
 */
export interface ShownMonitorMessage {
  role: MonitorRole;
  /**
   * The content; `{cut, bytes, begins}` when it is long.
   */
  content: unknown;
  node_id?: NodeId;
  /**
   * The tool that answers, and its call.
   */
  tool_name?: string;
  /**
   * The call that is answered.
   */
  tool_use_id?: string;
  /**
   * Calls that the model asks for.
   */
  tool_calls?: unknown[];
  at: Timestamp;
}
/**
 * The result of a compaction.
 */
export interface Compacted {
  /**
   * Tokens before.
   */
  tokens_before: number;
  /**
   * Tokens after.
   */
  tokens_after: number;
}
/**
 * Tokens, and their cost.
 */
export interface Used {
  /**
   * Executions that used any.
   */
  executions: number;
  /**
   * Calls of models.
   */
  rounds: number;
  tokens: Usage;
  /**
   * Tokens by model, where events say which.
   */
  by_model?: {
    [k: string]: Usage;
  };
  cost?: Cost;
}
/**
 * The cost of tokens.
 */
export interface Cost {
  /**
   * How much, to nine decimals.
   */
  amount: number;
  /**
   * Of what.
   */
  currency: string;
  /**
   * Tokens that are not in it, because nobody knows their price.
   */
  unpriced_tokens: number;
}
/**
 * Executions and their nodes.
 */
export interface MonitorGraph {
  /**
   * Executions that have not ended, of those shown.
   */
  active: number;
  /**
   * They, by id; those that ended go first when there are many.
   */
  executions: {
    [k: string]: MonitorRun;
  };
  /**
   * Executions that were shown once and are not any more.
   */
  omitted: number;
}
/**
 * An execution.
 *
 * This interface was referenced by `undefined`'s JSON-Schema definition
 * via the `patternProperty` "^[^\u0000-\u001f\u007f-\u009f]+$".
 */
export interface MonitorRun {
  stream_id: StreamId;
  /**
   * Runbus does not run it: others tell it.
   */
  external?: boolean;
  session_id?: SessionId;
  /**
   * The agent or graph.
   */
  definition?: string;
  status: ExecutionStatus;
  active_node?: NodeId;
  /**
   * Which pass of the graph's cycle, from 1.
   */
  iteration?: number;
  /**
   * The worker's try, from 1.
   */
  attempt?: number;
  queued_at?: Timestamp;
  started_at?: Timestamp;
  ended_at?: Timestamp;
  /**
   * Calls of models.
   */
  rounds: number;
  usage?: Usage;
  goals?: Goals;
  /**
   * Its nodes, at most 64.
   */
  nodes?: {
    [k: string]: MonitorNode;
  };
  /**
   * The error.
   */
  error?: unknown;
}
/**
 * How far an execution has come.
 */
export interface Goals {
  /**
   * 0 to 1.
   */
  progress?: number;
  /**
   * How the criteria stand, as the producer says.
   */
  criteria_status?: unknown;
  /**
   * Goals that were achieved.
   */
  achieved: number;
  /**
   * Constraints that were violated: how often each.
   */
  violations?: {
    [k: string]: number;
  };
}
/**
 * A node of an execution.
 *
 * This interface was referenced by `undefined`'s JSON-Schema definition
 * via the `patternProperty` "^[^\u0000-\u001f\u007f-\u009f]+$".
 */
export interface MonitorNode {
  /**
   * Whether it is at work.
   */
  at_work: boolean;
  /**
   * How often it began.
   */
  passes: number;
  /**
   * The round of its loop, from 1.
   */
  iteration?: number;
  /**
   * Its safety valve: rounds at most.
   */
  max_iterations?: number;
  /**
   * Tool calls that ended.
   */
  tool_calls: number;
  /**
   * Of these, those that failed.
   */
  tool_errors: number;
  /**
   * Calls of the model that failed and were tried again.
   */
  retries: number;
  /**
   * Why it makes no progress, until it does.
   */
  stalled?: string;
}
/**
 * The change of a monitor from one revision to another.
 */
export interface MonitorPatchMessage {
  type: "monitor_patch";
  /**
   * the `id` of the subscription, the monitor or the list
   */
  sub: string;
  /**
   * The revision that the patch applies to.
   */
  base: number;
  /**
   * The revision that it leads to.
   */
  revision: number;
  /**
   * The operations in order (JSON Patch, RFC 6902).
   */
  patch: PatchOperation[];
}
/**
 * An operation of a JSON Patch.
 */
export interface PatchOperation {
  /**
   * Its kind.
   */
  op: "add" | "remove" | "replace" | "move" | "copy" | "test";
  /**
   * The place, a JSON Pointer.
   */
  path: string;
  /**
   * The place to take from, of `move` and `copy`.
   */
  from?: string;
  /**
   * The value, of `add`, `replace` and `test`.
   */
  value?: unknown;
}
/**
 * The whole list of executions, as far as the query shows it.
 */
export interface ExecutionsListSnapshotMessage {
  type: "list_snapshot";
  /**
   * the `id` of the subscription, the monitor or the list
   */
  sub: string;
  list: "executions";
  revision: number;
  entries: ExecutionEntry[];
  /**
   * There are more that match than the window shows.
   */
  more: boolean;
  /**
   * Entries that match, whatever their status, by status.
   */
  counts?: {
    [k: string]: number;
  };
  /**
   * Whether all were counted.
   */
  counts_exact?: boolean;
  /**
   * Whether the index follows the log; else it is being built.
   */
  complete: boolean;
}
/**
 * An execution in a list.
 */
export interface ExecutionEntry {
  execution_id: ExecutionId;
  stream_id: StreamId;
  session_id?: SessionId;
  /**
   * The agent or graph.
   */
  definition?: string;
  status: ExecutionStatus;
  /**
   * Runbus does not run it: others tell it.
   */
  external: boolean;
  parent?: ParentEntry;
  root?: ExecutionId;
  correlation_id?: CorrelationId;
  labels?: Labels;
  /**
   * The nodes at work; 16 at most.
   */
  nodes?: NodeId[];
  /**
   * Which pass of the graph's cycle, from 1.
   */
  iteration?: number;
  /**
   * The worker's try, from 1.
   */
  attempt?: number;
  /**
   * Calls of models so far.
   */
  rounds: number;
  /**
   * How far its goal has come, 0 to 1.
   */
  progress?: number;
  /**
   * The beginning of its input: text as it is, other JSON as JSON text; at most 256 bytes.
   */
  input?: string;
  /**
   * Whether the input has more.
   */
  input_cut?: boolean;
  usage?: Usage;
  /**
   * Approvals that wait, those of sub-agents included.
   */
  approvals: number;
  /**
   * Questions that wait, those of sub-agents included.
   */
  questions: number;
  /**
   * No worker that is there can run it: what it waits for, in words.
   */
  waits_for?: string;
  error?: EntryError;
  created_at: Timestamp;
  started_at?: Timestamp;
  updated_at: Timestamp;
  ended_at?: Timestamp;
}
/**
 * The execution that started another one as a sub-agent.
 */
export interface ParentEntry {
  execution_id: ExecutionId;
  session_id: SessionId;
}
/**
 * The error.
 */
export interface EntryError {
  /**
   * A stable code; absent where the producer gave none.
   */
  code?: string;
  /**
   * In words; its beginning.
   */
  message?: string;
}
/**
 * The whole list of sessions, as far as the query shows it.
 */
export interface SessionsListSnapshotMessage {
  type: "list_snapshot";
  /**
   * the `id` of the subscription, the monitor or the list
   */
  sub: string;
  list: "sessions";
  revision: number;
  entries: SessionEntry[];
  /**
   * There are more that match than the window shows.
   */
  more: boolean;
  /**
   * Entries that match, whatever their status, by status.
   */
  counts?: {
    [k: string]: number;
  };
  /**
   * Whether all were counted.
   */
  counts_exact?: boolean;
  /**
   * Whether the index follows the log; else it is being built.
   */
  complete: boolean;
}
/**
 * A session in a list.
 */
export interface SessionEntry {
  session_id: SessionId;
  stream_id: StreamId;
  /**
   * The agent or graph of its latest execution.
   */
  definition?: string;
  status: SessionStatus;
  execution_id: ExecutionId;
  /**
   * How many executions it had.
   */
  executions: number;
  parent?: ParentEntry;
  labels?: Labels;
  correlation_id?: CorrelationId;
  /**
   * The beginning of its latest input.
   */
  input?: string;
  /**
   * Whether that input has more.
   */
  input_cut?: boolean;
  /**
   * Approvals that wait.
   */
  approvals: number;
  /**
   * Questions that wait.
   */
  questions: number;
  usage: Usage;
  created_at: Timestamp;
  updated_at: Timestamp;
  closed_at?: Timestamp;
}
/**
 * The whole list of approvals, as far as the query shows it.
 */
export interface ApprovalsListSnapshotMessage {
  type: "list_snapshot";
  /**
   * the `id` of the subscription, the monitor or the list
   */
  sub: string;
  list: "approvals";
  revision: number;
  entries: ApprovalEntry[];
  /**
   * There are more that match than the window shows.
   */
  more: boolean;
  /**
   * Entries that match, whatever their status, by status.
   */
  counts?: {
    [k: string]: number;
  };
  /**
   * Whether all were counted.
   */
  counts_exact?: boolean;
  /**
   * Whether the index follows the log; else it is being built.
   */
  complete: boolean;
}
/**
 * An approval in a list.
 */
export interface ApprovalEntry {
  /**
   * Names it.
   */
  approval_id: string;
  status: ApprovalEntryStatus;
  execution_id: ExecutionId;
  root?: ExecutionId;
  stream_id: StreamId;
  session_id?: SessionId;
  /**
   * The agent or graph.
   */
  definition?: string;
  node_id?: NodeId;
  /**
   * The call.
   */
  tool_use_id: string;
  /**
   * The tool.
   */
  tool_name: string;
  /**
   * The call's arguments; of more than 2 KiB `{cut, bytes, begins}`.
   */
  tool_input: unknown;
  /**
   * Whether the arguments have more.
   */
  tool_input_cut?: boolean;
  /**
   * SHA-256 of the canonical arguments: what a decision is bound to.
   */
  arguments_digest?: string;
  /**
   * Others run the execution.
   */
  external: boolean;
  requested_at: Timestamp;
  expires_at?: Timestamp;
  decided_at?: Timestamp;
  /**
   * The decider.
   */
  decided_by?: string;
  /**
   * The decider's note.
   */
  note?: string;
}
/**
 * The whole list of questions, as far as the query shows it.
 */
export interface QuestionsListSnapshotMessage {
  type: "list_snapshot";
  /**
   * the `id` of the subscription, the monitor or the list
   */
  sub: string;
  list: "questions";
  revision: number;
  entries: QuestionEntry[];
  /**
   * There are more that match than the window shows.
   */
  more: boolean;
  /**
   * Entries that match, whatever their status, by status.
   */
  counts?: {
    [k: string]: number;
  };
  /**
   * Whether all were counted.
   */
  counts_exact?: boolean;
  /**
   * Whether the index follows the log; else it is being built.
   */
  complete: boolean;
}
/**
 * A question in a list.
 */
export interface QuestionEntry {
  /**
   * Names it.
   */
  request_id: string;
  status: QuestionEntryStatus;
  execution_id: ExecutionId;
  root?: ExecutionId;
  stream_id: StreamId;
  session_id?: SessionId;
  /**
   * The agent or graph.
   */
  definition?: string;
  node_id?: NodeId;
  /**
   * The question; at most 2 KiB.
   */
  prompt: string;
  /**
   * Whether the text has more.
   */
  prompt_cut?: boolean;
  /**
   * The answers to choose from, the first 32; empty: any.
   */
  choices?: string[];
  /**
   * Others run the execution.
   */
  external: boolean;
  requested_at: Timestamp;
  expires_at?: Timestamp;
  answered_at?: Timestamp;
  /**
   * The person who answered.
   */
  answered_by?: string;
}
/**
 * The changes of the list of executions: first the removals, then the upserts.
 */
export interface ExecutionsListChangesMessage {
  type: "list_changes";
  /**
   * the `id` of the subscription, the monitor or the list
   */
  sub: string;
  list: "executions";
  base: number;
  revision: number;
  /**
   * Items: The id that left the list, and its entry where the caller may still see it.
   */
  removals: {
    id: string;
    entry?: ExecutionEntry;
  }[];
  upserts: ExecutionEntry[];
  /**
   * There are more that match than the window shows.
   */
  more: boolean;
  /**
   * Entries that match, whatever their status, by status.
   */
  counts?: {
    [k: string]: number;
  };
  /**
   * Whether all were counted.
   */
  counts_exact?: boolean;
  /**
   * Whether the index follows the log; else it is being built.
   */
  complete: boolean;
}
/**
 * The changes of the list of sessions: first the removals, then the upserts.
 */
export interface SessionsListChangesMessage {
  type: "list_changes";
  /**
   * the `id` of the subscription, the monitor or the list
   */
  sub: string;
  list: "sessions";
  base: number;
  revision: number;
  /**
   * Items: The id that left the list, and its entry where the caller may still see it.
   */
  removals: {
    id: string;
    entry?: SessionEntry;
  }[];
  upserts: SessionEntry[];
  /**
   * There are more that match than the window shows.
   */
  more: boolean;
  /**
   * Entries that match, whatever their status, by status.
   */
  counts?: {
    [k: string]: number;
  };
  /**
   * Whether all were counted.
   */
  counts_exact?: boolean;
  /**
   * Whether the index follows the log; else it is being built.
   */
  complete: boolean;
}
/**
 * The changes of the list of approvals: first the removals, then the upserts.
 */
export interface ApprovalsListChangesMessage {
  type: "list_changes";
  /**
   * the `id` of the subscription, the monitor or the list
   */
  sub: string;
  list: "approvals";
  base: number;
  revision: number;
  /**
   * Items: The id that left the list, and its entry where the caller may still see it.
   */
  removals: {
    id: string;
    entry?: ApprovalEntry;
  }[];
  upserts: ApprovalEntry[];
  /**
   * There are more that match than the window shows.
   */
  more: boolean;
  /**
   * Entries that match, whatever their status, by status.
   */
  counts?: {
    [k: string]: number;
  };
  /**
   * Whether all were counted.
   */
  counts_exact?: boolean;
  /**
   * Whether the index follows the log; else it is being built.
   */
  complete: boolean;
}
/**
 * The changes of the list of questions: first the removals, then the upserts.
 */
export interface QuestionsListChangesMessage {
  type: "list_changes";
  /**
   * the `id` of the subscription, the monitor or the list
   */
  sub: string;
  list: "questions";
  base: number;
  revision: number;
  /**
   * Items: The id that left the list, and its entry where the caller may still see it.
   */
  removals: {
    id: string;
    entry?: QuestionEntry;
  }[];
  upserts: QuestionEntry[];
  /**
   * There are more that match than the window shows.
   */
  more: boolean;
  /**
   * Entries that match, whatever their status, by status.
   */
  counts?: {
    [k: string]: number;
  };
  /**
   * Whether all were counted.
   */
  counts_exact?: boolean;
  /**
   * Whether the index follows the log; else it is being built.
   */
  complete: boolean;
}
/**
 * A subscription, a monitor or a list has ended.
 */
export interface UnsubscribedMessage {
  type: "unsubscribed";
  /**
   * the `id` of the subscription, the monitor or the list
   */
  sub: string;
}
/**
 * The answer to `ping`.
 */
export interface PongMessage {
  type: "pong";
  /**
   * As in the `ping`.
   */
  nonce?: string;
}
/**
 * A started execution.
 */
export interface StartedMessage {
  type: "ok";
  /**
   * the `id` of the command
   */
  id: string;
  execution_id: ExecutionId;
  stream_id: StreamId;
  session_id: SessionId;
  /**
   * Whether this call started it; `false`: it was there.
   */
  created: boolean;
  /**
   * Of an execution that was there: whether it was started with the same definition and the same input. Absent: this call
   * started it, or nobody knows any more.
   */
  same_request?: boolean;
}
/**
 * Calls that were answered.
 */
export interface AbortedMessage {
  type: "ok";
  /**
   * the `id` of the command
   */
  id: string;
  session_id: SessionId;
  aborted: PendingCall[];
}
/**
 * A call without an answer.
 */
export interface PendingCall {
  /**
   * Its id.
   */
  tool_use_id: string;
  /**
   * The tool.
   */
  tool_name: string;
  /**
   * Its arguments, as the model wrote them.
   */
  arguments: string;
  status: CallStatus;
}
/**
 * A session.
 */
export interface SessionMessage {
  type: "ok";
  /**
   * the `id` of the command
   */
  id: string;
  session_id: SessionId;
  status: SessionStatus;
  execution_id?: ExecutionId;
  /**
   * The agent or graph that it runs.
   */
  definition?: string;
  /**
   * Executions that wait for their turn.
   */
  queued: ExecutionId[];
  /**
   * Calls that have no answer yet.
   */
  pending: PendingCall[];
  /**
   * Approvals that wait for a decision.
   */
  approvals: PendingApproval[];
  /**
   * Questions that wait for an answer.
   */
  questions: PendingQuestion[];
  /**
   * Its children.
   */
  children: Child[];
  /**
   * Messages of the conversation that the model still reads.
   */
  messages: number;
  usage: Usage;
  closed_at?: Timestamp;
  owner?: WorkerId;
  /**
   * Entries of its journal that this reflects.
   */
  version: number;
}
/**
 * An approval, as those who decide see it.
 */
export interface PendingApproval {
  /**
   * Names it.
   */
  approval_id: string;
  execution_id: ExecutionId;
  node_id: NodeId;
  /**
   * The call.
   */
  tool_use_id: string;
  /**
   * The tool.
   */
  tool_name: string;
  /**
   * The call's arguments.
   */
  tool_input: unknown;
  /**
   * SHA-256 of the canonical arguments.
   */
  arguments_digest: string;
  status: ApprovalStatus;
  requested_at: Timestamp;
  expires_at?: Timestamp;
  /**
   * Whether the call may run, once it is decided.
   */
  approved?: boolean;
  /**
   * The person who decided.
   */
  decided_by?: string;
  decided_at?: Timestamp;
  /**
   * The decider's note.
   */
  note?: string;
}
/**
 * A question, as those who answer see it.
 */
export interface PendingQuestion {
  /**
   * Names it.
   */
  request_id: string;
  node_id: NodeId;
  /**
   * The question.
   */
  prompt: string;
  /**
   * The answers to choose from; empty: any.
   */
  choices: string[];
  expires_at?: Timestamp;
  execution_id?: ExecutionId;
}
/**
 * A child session.
 */
export interface Child {
  session_id: SessionId;
  execution_id: ExecutionId;
  /**
   * The definition that it runs.
   */
  definition: string;
  /**
   * It closes when its execution has ended.
   */
  ephemeral: boolean;
  /**
   * Whether its execution has ended.
   */
  ended: boolean;
}
/**
 * A command that is durable; its effect shows in the execution's events.
 */
export interface AcknowledgedMessage {
  type: "ok";
  /**
   * the `id` of the command
   */
  id: string;
  execution_id: ExecutionId;
  session_id: SessionId;
  cancel?: CancelState;
}
/**
 * A decision or an answer that counts.
 */
export interface DecidedMessage {
  type: "ok";
  /**
   * the `id` of the command
   */
  id: string;
  session_id: SessionId;
  approval?: PendingApproval;
}
/**
 * Events that are durable.
 */
export interface PublishedMessage {
  type: "ok";
  /**
   * the `id` of the command
   */
  id: string;
  /**
   * In the order in which they were given.
   */
  events: StoredEvent[];
}
/**
 * An event that is durable.
 */
export interface StoredEvent {
  id: EventId;
  /**
   * Its `seq`, as readers see it. An event that was there already has the one that it had.
   */
  seq: number;
}
/**
 * A message of the client was not followed. The connection stays open.
 */
export interface ErrorMessage {
  type: "error";
  /**
   * A stable code: programs may compare it.
   */
  code: string;
  /**
   * The cause in words; it may change.
   */
  message: string;
  /**
   * The field that is wrong.
   */
  path?: string;
  /**
   * The subscription or command that it is about.
   */
  id?: string;
  /**
   * The conflicting state.
   */
  details?: unknown;
}
