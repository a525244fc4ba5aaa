/** Times as the gateway writes them: RFC 3339, UTC, six digits. */

const SHAPE = /^\d{4}-\d\d-\d\d[t ]\d\d:\d\d:\d\d(?:\.(\d+))?(z|[+-]\d\d:\d\d)$/i;

/** `undefined`: it is no time. */
export function time(text: unknown): string | undefined {
  const parts = SHAPE.exec(text as string);
  if (!parts) return undefined;
  const at = new Date((text as string).toUpperCase());
  if (Number.isNaN(at.getTime())) return undefined;
  return `${at.toISOString().slice(0, 19)}.${(parts[1] ?? "").padEnd(6, "0").slice(0, 6)}Z`;
}
