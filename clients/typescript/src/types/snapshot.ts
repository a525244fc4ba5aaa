// Generated from docs/snapshot.schema.json by scripts/generate.mjs; do not edit.
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type ExecutionId = string;
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type StreamId = string;
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type SessionId = string;
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type CorrelationId = string;
/**
 * Where a run stands.
 */
export type ExecutionStatus =
  "queued" | "running" | "waiting_for_approval" | "waiting_for_input" | "paused" | "completed" | "failed" | "cancelled";
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type NodeId = string;
export type Timestamp = string;
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
export interface Labels {
  [k: string]: string;
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
 * Where something happened that an execution above tells.
 */
export interface Below {
  execution_id: ExecutionId;
  session_id: SessionId;
  node_id?: NodeId;
  through: SessionId;
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
 * A step of the stream's graph.
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
