// Generated from docs/snapshot.schema.json by scripts/generate.mjs; do not edit.
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type ExecutionId = string;
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type NodeId = string;
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type SessionId = string;
export type Timestamp = string;
/**
 * How far a call is.
 */
export type CallState = "requested" | "awaiting_approval" | "approved" | "refused" | "running" | "completed" | "failed";
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type CorrelationId = string;
/**
 * Why events of a run are missing.
 */
export type ExecutionGap = "expired";
/**
 * Where a run stands.
 */
export type ExecutionStatus =
  "queued" | "running" | "waiting_for_approval" | "waiting_for_input" | "paused" | "completed" | "failed" | "cancelled";
/**
 * at most 128 bytes of UTF-8 without control characters
 */
export type StreamId = string;
/**
 * The state of a node.
 */
export type NodeState = "running" | "waiting" | "stalled" | "completed" | "stopped";

/**
 * An execution as of one position.
 */
export interface Snapshot {
  /**
   * Calls that wait for a decision, oldest first.
   */
  approvals: Approval[];
  /**
   * Calls of tools, oldest first, [`crate::limits::SNAPSHOT_CALLS`] at most: the oldest completed ones go first.
   */
  calls: Call[];
  /**
   * Calls that are not in `calls` any more.
   */
  calls_omitted?: number;
  /**
   * Whether everything from the execution's beginning on is in. `false`: retention removed a part, or that it did not
   * cannot be proven.
   */
  complete: boolean;
  /**
   * The position: events behind it are not in.
   */
  cursor: string;
  /**
   * The same of `execution.error`.
   */
  error_truncated_bytes?: number;
  execution?: Execution;
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
   * Bytes of JSON that `execution.output` lacks; it is the beginning of its JSON text then.
   */
  output_truncated_bytes?: number;
  /**
   * Questions that wait for an answer, oldest first.
   */
  questions: Question[];
  /**
   * The turns of models, oldest first; those that are not `done` are being written. [`crate::limits::SNAPSHOT_TURNS`]
   * and [`crate::limits::SNAPSHOT_TEXT_BYTES`] at most: the oldest go first.
   */
  turns: Turn[];
  /**
   * Turns that have begun, void ones too.
   */
  turns_begun: number;
  /**
   * Turns that are not in `turns` any more.
   */
  turns_omitted?: number;
  /**
   * Approvals and questions that were left out: more than [`crate::limits::SNAPSHOT_WAITING`] waited.
   */
  waiting_omitted?: number;
}
/**
 * A call that waits for a decision.
 */
export interface Approval {
  /**
   * The id that a decision names.
   */
  approval_id: string;
  arguments: Excerpt;
  /**
   * The digest that a decision is bound to.
   */
  arguments_digest?: string;
  below?: Below;
  expires_at?: Timestamp;
  node_id?: NodeId;
  /**
   * The tool.
   */
  tool_name: string;
  /**
   * The call.
   */
  tool_use_id: string;
}
/**
 * A value, or the beginning of its JSON text.
 */
export interface Excerpt {
  /**
   * Bytes that are missing behind it; absent: none.
   */
  truncated_bytes?: number;
  /**
   * The value; when bytes are missing, a text: the beginning of the value's JSON, or of the text that it was.
   */
  value: unknown;
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
/**
 * A call of a tool.
 */
export interface Call {
  arguments: Excerpt;
  node_id?: NodeId;
  result?: Excerpt;
  state: CallState;
  /**
   * The tool.
   */
  tool_name: string;
  /**
   * Its id, as the model gave it.
   */
  tool_use_id: string;
}
/**
 * The state of a run.
 */
export interface Execution {
  active_node?: NodeId;
  /**
   * The worker's try, from 1.
   */
  attempt?: number;
  correlation_id?: CorrelationId;
  /**
   * The agent or graph.
   */
  definition?: string;
  ended_at?: Timestamp;
  /**
   * The error.
   */
  error?: unknown;
  /**
   * Events so far.
   */
  events: number;
  execution_id: ExecutionId;
  /**
   * Runbus does not run it: others tell it.
   */
  external: boolean;
  gap?: ExecutionGap;
  /**
   * Which pass of the graph's cycle, from 1.
   */
  iteration?: number;
  labels?: Labels;
  /**
   * Its result.
   */
  output?: unknown;
  parent?: Above;
  /**
   * How far its goal has come, 0 to 1.
   */
  progress?: number;
  queued_at?: Timestamp;
  /**
   * Calls of models so far.
   */
  rounds: number;
  session_id?: SessionId;
  started_at?: Timestamp;
  status: ExecutionStatus;
  stream_id: StreamId;
  updated_at?: Timestamp;
  usage?: Usage;
  /**
   * Approvals and questions that wait for a person, by id.
   */
  waiting?: {
    [k: string]: Waiting;
  };
  /**
   * The missing capability, in words, when no present worker can run it.
   */
  waits_for?: string;
}
export interface Labels {
  [k: string]: string;
}
/**
 * The execution that started another one as a sub-agent.
 */
export interface Above {
  execution_id: ExecutionId;
  root?: ExecutionId;
  session_id: SessionId;
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
/**
 * Something that waits for a person.
 */
export interface Waiting {
  below?: Below;
  status: ExecutionStatus;
  /**
   * The call that waits, when it is one of this execution.
   */
  tool_use_id?: string;
}
/**
 * A step of the stream's graph.
 */
export interface Node {
  /**
   * Which pass of the graph's cycle, from 1.
   */
  iteration?: number;
  output?: Excerpt;
  /**
   * Calls of its model that failed and were made again.
   */
  retries: number;
  /**
   * The round of its loop, from 1; 0: none has begun.
   */
  round: number;
  state: NodeState;
  updated_at: Timestamp;
  /**
   * How often its loop began.
   */
  visits: number;
}
/**
 * A question that waits for an answer.
 */
export interface Question {
  below?: Below;
  /**
   * The answers to choose from, [`crate::limits::SNAPSHOT_CHOICES`] at most; empty: any.
   */
  choices?: string[];
  expires_at?: Timestamp;
  node_id?: NodeId;
  prompt: Text;
  /**
   * The id that an answer names; empty when its producer gave none.
   */
  request_id: string;
  /**
   * The call that asks, when it is a tool's.
   */
  tool_use_id?: string;
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
 * One call of a model, or one message of a producer that has no turns.
 */
export interface Turn {
  /**
   * The worker's try that said it.
   */
  attempt?: number;
  /**
   * Whether it is over: its text is final.
   */
  done: boolean;
  /**
   * As the provider says, when the turn is done.
   */
  finish_reason?: string;
  /**
   * The model that answered.
   */
  model?: string;
  node_id?: NodeId;
  /**
   * Its number among the turns that began, from 1.
   */
  number: number;
  output?: Text;
  reasoning?: Text;
  /**
   * `seq` of its last event.
   */
  seq: number;
  text?: Text;
}
