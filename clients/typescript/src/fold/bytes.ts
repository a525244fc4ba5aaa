/** Lengths and cuts in bytes of UTF-8, as the gateway counts them. */

/** Bytes of the character at an index of a well-formed text, and the units that it has. */
const size = (unit: number): number => (unit < 0x80 ? 1 : unit < 0x800 ? 2 : unit >= 0xd800 && unit < 0xe000 ? 4 : 3);

export function utf8(text: string): number {
  let bytes = 0;
  for (let at = 0; at < text.length; at++) {
    const one = size(text.charCodeAt(at));
    bytes += one;
    if (one === 4) at++;
  }
  return bytes;
}

/** The index behind the longest beginning that has `limit` bytes at most. */
export function headEnd(text: string, limit: number): number {
  let bytes = 0;
  let at = 0;
  while (at < text.length) {
    const one = size(text.charCodeAt(at));
    bytes += one;
    if (bytes > limit) break;
    at += one === 4 ? 2 : 1;
  }
  return at;
}

export const head = (text: string, limit: number): string => text.slice(0, headEnd(text, limit));

/** The index behind whole characters that have `bytes` bytes at least. */
export function cutAt(text: string, bytes: number): number {
  let cut = 0;
  let at = 0;
  while (cut < bytes && at < text.length) {
    const one = size(text.charCodeAt(at));
    cut += one;
    at += one === 4 ? 2 : 1;
  }
  return at;
}
