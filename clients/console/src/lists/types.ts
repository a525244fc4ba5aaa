/** Entries of the lists, and the words of a live list. */
import type { ExecutionStatus } from "@runbus/client";
import type { Usage } from "../execution/blocks";

export interface ExecutionEntry {
  execution_id: string;
  stream_id: string;
  session_id?: string;
  definition?: string;
  status: ExecutionStatus;
  external: boolean;
  parent?: { execution_id: string; session_id: string };
  root?: string;
  correlation_id?: string;
  labels?: Record<string, string>;
  nodes?: string[];
  iteration?: number;
  attempt?: number;
  rounds: number;
  progress?: number;
  input?: string;
  input_cut?: boolean;
  usage?: Usage;
  approvals: number;
  questions: number;
  waits_for?: string;
  error?: { code?: string; message: string };
  created_at: string;
  started_at?: string;
  updated_at: string;
  ended_at?: string;
}

export interface SessionEntry {
  session_id: string;
  stream_id: string;
  definition?: string;
  status: string;
  execution_id?: string;
  executions: number;
  parent?: { execution_id: string; session_id: string };
  labels?: Record<string, string>;
  input?: string;
  input_cut?: boolean;
  approvals: number;
  questions: number;
  usage?: Usage;
  created_at: string;
  updated_at: string;
  closed_at?: string;
}

export interface ApprovalEntry {
  approval_id: string;
  status: "pending" | "approved" | "rejected" | "expired" | "cancelled";
  execution_id: string;
  root?: string;
  stream_id: string;
  session_id?: string;
  definition?: string;
  node_id?: string;
  tool_use_id: string;
  tool_name: string;
  tool_input: unknown;
  tool_input_cut?: boolean;
  arguments_digest?: string;
  external: boolean;
  requested_at: string;
  expires_at?: string;
  decided_at?: string;
  decided_by?: string;
  note?: string;
}

export interface QuestionEntry {
  request_id: string;
  status: "pending" | "answered" | "expired" | "cancelled";
  execution_id: string;
  root?: string;
  stream_id: string;
  session_id?: string;
  definition?: string;
  node_id?: string;
  prompt: string;
  prompt_cut?: boolean;
  choices: string[];
  external: boolean;
  requested_at: string;
  expires_at?: string;
  answered_at?: string;
  answered_by?: string;
}

interface Standing {
  revision: number;
  more: boolean;
  counts?: Record<string, number>;
  counts_exact?: boolean;
  complete: boolean;
}

export interface ListSnapshot<T> extends Standing {
  type: "list_snapshot";
  entries: T[];
}

export interface ListChanges<T> extends Standing {
  type: "list_changes";
  base: number;
  upserts: T[];
  removals: { id: string; entry?: T }[];
}

export interface Page<K extends string, T> {
  next?: string;
  counts?: Record<string, number>;
  counts_exact?: boolean;
  complete: boolean;
  entries?: T[];
  key?: K;
}
