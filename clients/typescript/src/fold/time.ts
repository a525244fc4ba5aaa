/** Times as the gateway writes them: RFC 3339, UTC, six digits. */

const SHAPE = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$/;

/** `undefined`: it is no time. */
export function time(text: unknown): string | undefined {
  if (typeof text !== "string") return undefined;
  if (text.length === 27 && text.endsWith("Z") && SHAPE.test(text)) return text;
  const parts = SHAPE.exec(text);
  if (!parts) return undefined;
  const [, date, clock, fraction = "", zone = "Z"] = parts;
  const at = new Date(`${date}T${clock}${zone.toUpperCase()}`);
  if (Number.isNaN(at.getTime())) return undefined;
  return `${at.toISOString().slice(0, 19)}.${fraction.padEnd(6, "0").slice(0, 6)}Z`;
}
