/** The parts of an execution's conversation. Each part knows at which positions it changed, so it can be shown as of any. */
import type { Piece } from "./piece";

/** A value that is there from a position on. */
export interface Since<T> {
  position: number;
  value: T;
}

interface Part {
  /** Unique among the parts of one execution. */
  key: number;
  /** The position at which it began. */
  born: number;
  /** When that was, in milliseconds since 1970. */
  at: number;
  node: string | undefined;
}

export interface TurnBlock extends Part {
  kind: "turn";
  attempt: number | undefined;
  /** The round of the node's loop, from 1. */
  round: number | undefined;
  /** The pass of the graph's cycle, from 1. */
  iteration: number | undefined;
  /** When the model was asked, or the first word came. */
  asked: number;
  text: Piece;
  output: Piece;
  reasoning: Piece;
  /** Calls that it writes, or wrote. */
  calls: CallBlock[];
  /** `seq` of its last event. */
  seq: number;
  done?: Since<{ at: number; finish?: string | undefined; model?: string | undefined; usage?: Usage | undefined }>;
  void?: Since<{ at: number; why: "retry" | "takeover"; error?: unknown }>;
}

export interface Usage {
  prompt_tokens?: number;
  completion_tokens?: number;
  total_tokens?: number;
  reasoning_tokens?: number;
  cached_tokens?: number;
  estimated?: boolean;
  cost?: number;
}

export type CallState = "writing" | "requested" | "awaiting approval" | "approved" | "rejected" | "expired" | "running" | "completed" | "failed";

export interface CallBlock extends Part {
  kind: "call";
  id: string;
  tool: string;
  states: Since<{ state: CallState; at: number }>[];
  /** The arguments while the model writes them: text that is no JSON yet. */
  written: Piece;
  /** The turn that wrote it counts no more, or ended before the call was whole. */
  void?: Since<"retry" | "takeover" | "unfinished">;
  /** Arguments: as the model wrote them, as they ran, as a person changed them. */
  arguments: Since<unknown>[];
  result?: Since<{ value: unknown; isError: boolean }>;
  approval?: Since<{ id: string; digest?: string | undefined; expires?: string | undefined; below?: Below | undefined }>;
  decided?: Since<{ approved: boolean; by?: string | undefined; note?: string | undefined; edited: boolean }>;
  progress: Since<{ progress: number; total?: number | undefined; message?: string | undefined }>[];
  /** The session of the sub-agent that the call began. */
  child?: Since<{ session: string; name: string }>;
}

export interface Below {
  execution_id: string;
  session_id: string;
  node_id?: string;
}

export interface QuestionBlock extends Part {
  kind: "question";
  id: string;
  prompt: string;
  choices: string[];
  expires?: string | undefined;
  below?: Below | undefined;
  answered?: Since<{ input: unknown; by?: string | undefined; at: number }>;
}

export type Tone = "plain" | "good" | "bad" | "warn" | "note";

/** Something that happened, in a line. */
export interface MarkBlock extends Part {
  kind: "mark";
  mark: string;
  tone: Tone;
  title: string;
  /** More of it, in words. */
  detail?: string | undefined;
  /** All of it, to unfold. */
  value?: unknown;
  link?: { path: string[]; label: string } | undefined;
}

export type Block = TurnBlock | CallBlock | QuestionBlock | MarkBlock;

/** The value that counted at a position. */
export function last<T>(list: readonly Since<T>[], position: number): T | undefined {
  for (let at = list.length - 1; at >= 0; at--) {
    const one = list[at] as Since<T>;
    if (one.position <= position) return one.value;
  }
  return undefined;
}

/** The same of something that comes once. */
export const once = <T>(one: Since<T> | undefined, position: number): T | undefined =>
  one && one.position <= position ? one.value : undefined;
