/** Messages of a session, as the gateway gives them. */

export interface SaidMessage {
  role: "user" | "assistant" | "tool" | "system" | (string & {});
  content?: string | null;
  reasoning?: string | null;
  tool_calls?: { id: string; function: { name: string; arguments: string } }[];
  tool_call_id?: string;
  images?: unknown[];
  compacted?: boolean;
}

export type Said = SaidMessage;
