/** Two executions side by side: their steps aligned by what they are, not by when they came. */
import { last, type Block, type CallBlock, type TurnBlock } from "../execution/blocks";
import type { ExecutionRecord } from "../execution/record";

export interface Step {
  /** The key of the step: equal keys are aligned. */
  key: string;
  kind: "turn" | "call";
  title: string;
  text: string;
  input: string;
  ms: number | undefined;
  tokens: number | undefined;
}

/** Steps that are compared of each execution. */
export const STEPS = 600;

export function steps(record: ExecutionRecord): Step[] {
  return record.story.blocks
    .filter((one): one is TurnBlock | CallBlock => (one.kind === "call" || one.kind === "turn") && !one.void)
    .slice(0, STEPS)
    .map(step);
}

function step(block: Block): Step {
  if (block.kind === "turn") {
    const done = block.done?.value;
    return {
      key: `turn ${block.node ?? ""}`,
      kind: "turn",
      title: block.node ?? "model",
      text: block.output.text || block.text.text,
      input: "",
      ms: done && done.at - block.asked,
      tokens: done?.usage?.total_tokens,
    };
  }
  const call = block as CallBlock;
  const begun = call.states.find(({ value }) => value.state === "running")?.value.at;
  const ended = call.states.at(-1)?.value;
  const result = call.result?.value.value;
  return {
    key: `call ${call.node ?? ""} ${call.tool}`,
    kind: "call",
    title: call.tool,
    text: result === undefined ? (ended?.state ?? "") : typeof result === "string" ? result : JSON.stringify(result),
    input: JSON.stringify(last(call.arguments, Infinity)) ?? "",
    ms: begun !== undefined && ended && call.result ? ended.at - begun : undefined,
    tokens: undefined,
  };
}

export interface Pair {
  a: Step | undefined;
  b: Step | undefined;
}

/** The longest common order of the keys; what has no partner stands alone. */
export function align(a: readonly Step[], b: readonly Step[]): Pair[] {
  const [n, m] = [a.length, b.length];
  const lengths = Array.from({ length: n + 1 }, () => new Uint16Array(m + 1));
  for (let i = n - 1; i >= 0; i--) {
    for (let j = m - 1; j >= 0; j--) {
      const row = lengths[i] as Uint16Array;
      const next = lengths[i + 1] as Uint16Array;
      row[j] = a[i]?.key === b[j]?.key ? (next[j + 1] as number) + 1 : Math.max(next[j] as number, row[j + 1] as number);
    }
  }
  const pairs: Pair[] = [];
  let [i, j] = [0, 0];
  while (i < n || j < m) {
    if (i < n && j < m && a[i]?.key === b[j]?.key) pairs.push({ a: a[i++], b: b[j++] });
    else if (j >= m || (i < n && (lengths[i + 1]?.[j] ?? 0) >= (lengths[i]?.[j + 1] ?? 0))) pairs.push({ a: a[i++], b: undefined });
    else pairs.push({ a: undefined, b: b[j++] });
  }
  return pairs;
}

export const differs = ({ a, b }: Pair): boolean => !a || !b || a.text !== b.text || a.input !== b.input;

/** Two texts are compared: the common part at both ends, and the part between: whole words, so that people can read it. */
export function parted(text: string, other: string): { head: string; middle: string; tail: string } {
  const most = Math.min(text.length, other.length);
  let head = 0;
  while (head < most && text[head] === other[head]) head++;
  let tail = 0;
  while (tail < most - head && text[text.length - 1 - tail] === other[other.length - 1 - tail]) tail++;
  if (head < text.length || head < other.length) {
    while (head > 0 && /[\p{L}\p{N}]/u.test(text[head - 1] as string)) head--;
    while (tail > 0 && /[\p{L}\p{N}]/u.test(text[text.length - tail] as string)) tail--;
  }
  return { head: text.slice(0, head), middle: text.slice(head, text.length - tail), tail: text.slice(text.length - tail) };
}
