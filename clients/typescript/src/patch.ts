/** JSON Patch (RFC 6902), without changing the document that it is applied to. */
import { RunbusError } from "./errors.js";
import type { PatchOperation } from "./messages.js";

type Json = unknown;

export function patch(document: Json, operations: readonly PatchOperation[]): Json {
  return operations.reduce((now, { op, path, from, value }) => {
    const at = tokens(path);
    switch (op) {
      case "add":
        return change(now, at, () => value, "insert");
      case "replace":
        return change(now, at, () => value, "set");
      case "remove":
        return change(now, at, () => undefined, "remove");
      case "copy":
        return change(now, at, () => get(now, tokens(from)), "insert");
      case "move": {
        const moved = get(now, tokens(from));
        return change(change(now, tokens(from), () => undefined, "remove"), at, () => moved, "insert");
      }
      case "test":
        if (JSON.stringify(get(now, at)) === JSON.stringify(value)) return now;
        throw broken(path);
      default:
        throw broken(op);
    }
  }, document);
}

const broken = (what: string) => new RunbusError("internal", `a patch does not fit its document: ${what}`);

const tokens = (path = ""): string[] =>
  path
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));

function get(document: Json, path: string[]): Json {
  return path.reduce((now, token) => {
    if (typeof now !== "object" || now === null || !Object.hasOwn(now, token)) throw broken(token);
    return (now as Record<string, Json>)[token];
  }, document);
}

function change(document: Json, [first, ...rest]: string[], make: () => Json, how: "insert" | "set" | "remove"): Json {
  if (first === undefined) return make();
  if (Array.isArray(document)) {
    const copy = [...document];
    const at = first === "-" ? copy.length : Number(first);
    if (!Number.isInteger(at) || at < 0 || at > copy.length) throw broken(first);
    if (rest.length > 0) copy[at] = change(copy[at], rest, make, how);
    else if (how === "remove") copy.splice(at, 1);
    else copy.splice(at, how === "insert" ? 0 : 1, make());
    return copy;
  }
  if (typeof document !== "object" || document === null) throw broken(first);
  const object = document as Record<string, Json>;
  if (rest.length === 0 && how === "remove") {
    return Object.fromEntries(Object.entries(object).filter(([key]) => key !== first));
  }
  if (rest.length > 0 && !Object.hasOwn(object, first)) throw broken(first);
  // A computed key makes an own property, whatever its name.
  return { ...object, [first]: rest.length > 0 ? change(object[first], rest, make, how) : make() };
}
