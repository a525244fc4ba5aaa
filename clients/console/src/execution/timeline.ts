/** The time line: idle time folded, spans in rows, and the critical path. */
import { IDLE_MS } from "../lib/limits";
import type { Span } from "./spans";

/** A stretch of time and the part of the width that it takes, both from 0. */
interface Stretch {
  from: number;
  to: number;
  start: number;
  width: number;
  idle: boolean;
}

/** Where a time is on a line whose idle parts are folded. */
export class Axis {
  readonly stretches: Stretch[] = [];
  readonly from: number;
  readonly to: number;

  constructor(spans: readonly { from: number; to: number }[], from: number, to: number, folds: boolean) {
    this.from = from;
    this.to = Math.max(to, from + 1);
    const busy = union(spans, from, this.to);
    const parts: { from: number; to: number; idle: boolean }[] = [];
    let at = from;
    const push = (until: number, idle: boolean) => {
      if (until <= at) return;
      const last = parts.at(-1);
      if (last && last.idle === idle) last.to = until;
      else parts.push({ from: at, to: until, idle });
      at = until;
    };
    for (const one of busy) {
      push(one.from, folds && one.from - at > IDLE_MS);
      push(one.to, false);
    }
    push(this.to, folds && this.to - at > IDLE_MS);
    const idle = parts.filter((one) => one.idle).length;
    const worked = parts.reduce((sum, one) => sum + (one.idle ? 0 : one.to - one.from), 0);
    // A folded part has a fixed width; all folds together have a third at most.
    const each = idle === 0 ? 0 : Math.min(0.04, 0.33 / idle);
    const rest = 1 - each * idle;
    let start = 0;
    for (const one of parts) {
      const width = one.idle ? each : worked === 0 ? rest / (parts.length - idle || 1) : ((one.to - one.from) / worked) * rest;
      this.stretches.push({ ...one, start, width });
      start += width;
    }
  }

  /** From 0 to 1. */
  place(time: number): number {
    if (time <= this.from) return 0;
    for (const { from, to, start, width } of this.stretches) {
      if (time <= to) return start + (width * (time - from)) / (to - from || 1);
    }
    return 1;
  }

  time(place: number): number {
    for (const { from, to, start, width } of this.stretches) {
      if (place <= start + width) return from + ((to - from) * Math.max(0, place - start)) / (width || 1);
    }
    return this.to;
  }
}

function union(spans: readonly { from: number; to: number }[], from: number, to: number): { from: number; to: number }[] {
  const sorted = spans
    .map((one) => ({ from: Math.max(one.from, from), to: Math.min(one.to, to) }))
    .filter((one) => one.to >= one.from)
    .sort((a, b) => a.from - b.from);
  const out: { from: number; to: number }[] = [];
  for (const one of sorted) {
    const last = out.at(-1);
    if (last && one.from <= last.to) last.to = Math.max(last.to, one.to);
    else out.push({ ...one });
  }
  return out;
}

/** Spans in rows: by node, and within one those that overlap one below the other. */
export interface Row {
  node: string;
  kind: Span["kind"];
  spans: Span[];
}

const ORDER: Span["kind"][] = ["node", "model", "tool", "wait"];

/** Rows of one kind of one node that overlap, at most. */
const LANES = 6;

export function rows(spans: readonly Span[]): Row[] {
  const nodes = [...new Set(spans.map(({ node }) => node))];
  return nodes.flatMap((node) =>
    ORDER.flatMap((kind) => {
      const lanes: Row[] = [];
      for (const span of spans) {
        if (span.node !== node || span.kind !== kind) continue;
        let lane = lanes.find((one) => (one.spans.at(-1)?.to ?? Infinity) <= span.from);
        if (!lane && lanes.length < LANES) lanes.push((lane = { node, kind, spans: [] }));
        (lane ?? (lanes.at(-1) as Row)).spans.push(span);
      }
      return lanes;
    }),
  );
}

/** The calls that one after the other made the execution as long as it is: from its end back, each time the one that ended last before. */
export function critical(spans: readonly Span[], end: number): Set<Span> {
  const leaves = spans.filter(({ kind, to }) => kind !== "node" && to !== undefined).sort((a, b) => (a.to as number) - (b.to as number));
  const path = new Set<Span>();
  let before = end + 1;
  for (let at = leaves.length - 1; at >= 0; at--) {
    const one = leaves[at] as Span;
    if ((one.to as number) > before || one.from >= before) continue;
    path.add(one);
    before = one.from;
  }
  return path;
}
