/** Lengths and cuts in bytes of UTF-8, as the gateway counts them. Texts are well-formed: others are no events. */

const encoder = new TextEncoder();

export const utf8 = (text: string): number => encoder.encode(text).length;

/** The longest beginning that has `limit` bytes at most. */
export const head = (text: string, limit: number): string =>
  text.slice(0, encoder.encodeInto(text, new Uint8Array(limit)).read);

/** Whole characters at the beginning that have `bytes` bytes at least. */
export function cut(text: string, bytes: number): string {
  const short = head(text, bytes);
  if (utf8(short) === bytes) return short;
  return short + String.fromCodePoint(text.codePointAt(short.length) ?? 0);
}
