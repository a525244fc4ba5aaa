/** Texts and values that do not grow without end, and say what they lack. */
import * as LIMIT from "../limits.js";
import type { Excerpt, Text } from "../types/snapshot.js";
import { cut, head, utf8 } from "./bytes.js";

/** Bytes of texts that the fold made: a long text is not counted again for each piece. */
const known = new WeakMap<Text, number>();

export function textBytes(text: Text | undefined): number {
  if (!text) return 0;
  let bytes = known.get(text);
  if (bytes === undefined) known.set(text, (bytes = utf8(text.content)));
  return bytes;
}

/** The text with a piece behind it: its end, when it is too long. However it is cut into pieces, the outcome is the same. */
export function push(text: Text | undefined, piece: string): Text | undefined {
  let content = (text?.content ?? "") + piece;
  let bytes = textBytes(text) + utf8(piece);
  let truncated = text?.truncated_bytes ?? 0;
  if (bytes > LIMIT.SNAPSHOT_TURN_BYTES) {
    const gone = cut(content, bytes - LIMIT.SNAPSHOT_TURN_BYTES);
    content = content.slice(gone.length);
    bytes -= utf8(gone);
    truncated += utf8(gone);
  }
  // An empty one is absent.
  if (content === "" && truncated === 0) return undefined;
  const made: Text = truncated === 0 ? { content } : { content, truncated_bytes: truncated };
  known.set(made, bytes);
  return made;
}

/** A value, or the beginning of its JSON. */
export function excerpt(value: unknown, limit: number): Excerpt {
  if (value === null || (typeof value !== "object" && typeof value !== "string")) return { value };
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const bytes = utf8(text);
  if (bytes <= limit) return { value };
  const kept = head(text, limit);
  return { value: kept, truncated_bytes: bytes - utf8(kept) };
}

/** A name as it may be kept: those of strangers may have any length. */
export const name = (text: string): string => head(text, LIMIT.SNAPSHOT_NAME_BYTES);

export const isShort = (id: string): boolean => utf8(id) <= LIMIT.SNAPSHOT_NAME_BYTES;
