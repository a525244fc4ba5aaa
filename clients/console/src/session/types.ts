/** Messages of a session, as the gateway gives them. */

/** A part of a message: a text, or an image, audio or a file with its data or an address. */
export interface Part {
  type: "text" | "image" | "audio" | "file" | (string & {});
  text?: string;
  media_type?: string;
  data?: string;
  url?: string;
  name?: string;
}

export interface SaidMessage {
  role: "user" | "assistant" | "tool" | "system" | (string & {});
  content?: string | readonly Part[] | null;
  reasoning?: string | null;
  tool_calls?: { id: string; name: string; arguments: string }[];
  tool_call_id?: string;
  compacted?: boolean;
}

export type Said = SaidMessage;

/** The text of a message's content, without its media. */
export function textOf(content: SaidMessage["content"]): string {
  if (typeof content === "string") return content;
  return (content ?? []).flatMap((part) => (part.type === "text" && part.text ? [part.text] : [])).join("\n\n");
}

/** A label for each medium of a message's content. Nothing is loaded: an address may be anybody's. */
export function mediaOf(content: SaidMessage["content"]): string[] {
  if (typeof content === "string") return [];
  return (content ?? [])
    .filter((part) => part.type !== "text")
    .map(({ type, name, media_type, url }) => [type, name, media_type, url?.split(/[?#]/)[0]].filter(Boolean).join(" "));
}
