/** JSON Patch (RFC 6902), as far as monitors use it, without changing the document that it is applied to. */
import type { PatchOperation } from "./messages.js";

/** `undefined`: a part of the patch does not fit, or is none of `add`, `replace` and `remove`; ask for the document anew. */
export function patch(document: unknown, operations: readonly PatchOperation[]): unknown {
  try {
    return operations.reduce((now, { op, path, value }) => {
      const tokens = path.split("/").slice(1);
      return change(now, tokens.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~")), op, value);
    }, document);
  } catch {
    return undefined;
  }
}

function change(document: unknown, [first, ...rest]: string[], op: string, value: unknown): unknown {
  if (!["add", "replace", "remove"].includes(op)) throw op;
  if (first === undefined) return value;
  if (Array.isArray(document)) {
    const copy = [...document];
    const at = first === "-" ? copy.length : Number(first);
    if (!(at <= copy.length)) throw first;
    if (rest.length > 0) copy[at] = change(copy[at], rest, op, value);
    else copy.splice(at, op === "add" ? 0 : 1, ...(op === "remove" ? [] : [value]));
    return copy;
  }
  const { ...object } = document as Record<string, unknown>;
  if ((rest.length > 0 || op !== "add") && !Object.hasOwn(object, first)) throw first;
  const next = rest.length > 0 ? change(object[first], rest, op, value) : value;
  // A computed key makes an own property, whatever its name.
  if (rest.length > 0 || op !== "remove") return { ...object, [first]: next };
  delete object[first];
  return object;
}
