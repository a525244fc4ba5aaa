/** The rights of a credential, as far as the console can find out: it offers nothing that would be refused. */

export type Action = "read" | "start" | "decide" | "cancel" | "publish" | "admin";

/** Actions that a page's token may carry; `admin` never. */
export const ASKED: readonly Action[] = ["start", "decide", "cancel", "publish"];

interface Scope {
  actions: string[];
  stream: string;
  node: string;
  execution: string;
}

export function parse(text: string): Scope | undefined {
  const at = text.indexOf(":");
  const actions = (at < 0 ? text : text.slice(0, at)).split(",");
  const parts = at < 0 ? [] : text.slice(at + 1).split("/");
  if (actions.some((action) => !action) || parts.length > 3) return undefined;
  const [stream = "*", node = "*", execution = "*"] = parts;
  return { actions, stream: stream || "*", node: node || "*", execution: execution || "*" };
}

/** The pattern of a scope: what stands behind its actions. */
export function pattern(text: string): string {
  const scope = parse(text);
  return scope ? `${scope.stream}/${scope.node}/${scope.execution}` : "*/*/*";
}

const matches = (pattern: string, id: string | undefined): boolean => {
  if (pattern === "*") return true;
  if (id === undefined) return false;
  const open = pattern.endsWith("*");
  const text = decode(open ? pattern.slice(0, -1) : pattern);
  return open ? id.startsWith(text) : id === text;
};

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Where something would be done; what is left out may be anything. */
export interface Place {
  stream?: string | undefined;
  node?: string | undefined;
  execution?: string | undefined;
}

/** Whether some scope allows an action at a place. Parts of the place that are not known do not count against it. */
export function allows(scopes: readonly string[], action: Action, place: Place = {}): boolean {
  return scopes.some((text) => {
    const scope = parse(text);
    if (!scope) return false;
    const all = scope.actions.includes("*") && action !== "admin";
    if (!all && !scope.actions.includes(action)) return false;
    return (
      (place.stream === undefined || matches(scope.stream, place.stream)) &&
      (place.node === undefined || matches(scope.node, place.node)) &&
      (place.execution === undefined || matches(scope.execution, place.execution))
    );
  });
}
