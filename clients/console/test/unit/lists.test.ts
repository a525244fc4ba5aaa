import { describe, expect, it } from "vitest";
import { queryOf, viewQuery } from "../../src/lists/filters";
import { joined, Window } from "../../src/lists/window";
import type { ListChanges } from "../../src/lists/types";
import { soonest, approvalWords, type Waiting } from "../../src/inbox/waiting.svelte";
import type { ApprovalEntry } from "../../src/lists/types";
import { random } from "./events";

interface One {
  id: string;
  at: string;
  state: number;
}

const kind = { id: (one: One) => one.id, at: (one: One) => one.at };

describe("a live list", () => {
  it("is what a fresh list would be, whatever changes come", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const next = random(seed);
      const order = seed % 2 ? ("newest" as const) : ("oldest" as const);
      const window = new Window<One>(kind, order);
      const truth = new Map<string, One>();
      window.apply({ type: "list_snapshot", revision: 1, entries: [], more: false, complete: true });
      for (let revision = 2; revision < 60; revision++) {
        const upserts: One[] = [];
        const removals: ListChanges<One>["removals"] = [];
        for (let n = 0; n < 3; n++) {
          const id = `i${Math.floor(next() * 20)}`;
          if (next() < 0.3 && truth.delete(id)) removals.push({ id });
          else if (!removals.some((one) => one.id === id)) {
            const one = { id, at: truth.get(id)?.at ?? `2026-01-01T00:00:${String(Math.floor(next() * 60)).padStart(2, "0")}Z`, state: revision };
            truth.set(id, one);
            upserts.push(one);
          }
        }
        // An entry that left and came back in one message stands in both: removals are applied first.
        const left = removals.filter(({ id }) => !truth.has(id));
        expect(window.apply({ type: "list_changes", base: revision - 1, revision, upserts: upserts.filter(({ id }) => truth.has(id)), removals: left, more: false, complete: true })).toBeDefined();
        const fresh = [...truth.values()].sort((a, b) => window.compare(a, b));
        expect(window.entries).toEqual(fresh);
      }
    }
  });

  it("asks again when a change does not fit", () => {
    const window = new Window<One>(kind);
    window.apply({ type: "list_snapshot", revision: 4, entries: [], more: false, complete: true });
    expect(window.apply({ type: "list_changes", base: 5, revision: 6, upserts: [], removals: [], more: false, complete: true })).toBeUndefined();
  });

  it("has the older entries behind its window in order, each once, the newer word first", () => {
    const window = new Window<One>(kind);
    const one = (id: string, state = 0): One => ({ id, at: `2026-01-01T00:00:${id}Z`, state });
    expect(joined([one("09"), one("08", 2)], [one("08", 1), one("07"), one("05")], kind.id, window)).toEqual([one("09"), one("08", 2), one("07"), one("05")]);
    expect(joined([one("09"), one("06")], [one("08"), one("05")], kind.id, window).map(({ id }) => id)).toEqual(["09", "08", "06", "05"]);
    const many = Array.from({ length: 100_000 }, (_, n) => ({ id: String(n), at: String(1_000_000 - n), state: 0 }));
    const from = performance.now();
    expect(joined(many.slice(0, 100), many, kind.id, window).length).toBe(100_000);
    expect(performance.now() - from).toBeLessThan(500);
  });

  it("says what became of an entry that left", () => {
    const before = { approval_id: "a", tool_name: "pay" } as ApprovalEntry;
    expect(approvalWords({ id: "a", before, now: { ...before, status: "rejected", decided_by: "ann", note: "no" } })).toBe("pay was rejected by ann: “no”");
    expect(approvalWords({ id: "a", before, now: undefined })).toBe("pay waits no longer");
  });
});

describe("filters", () => {
  it("stand in the address and come back", () => {
    const params = new URLSearchParams("status=failed,running&label=team=a, env=b&text=tea&junk=1&after=2026-01-02T00:00:00Z");
    expect(queryOf(params)).toEqual({ status: "failed,running", label: ["team=a", "env=b"], text: "tea", after: "2026-01-02T00:00:00.000Z" });
    expect(viewQuery(params)).not.toContain("junk");
  });
});

describe("the inbox", () => {
  it("has the soonest to expire first, then the oldest", () => {
    const one = (id: string, requested_at: string, expires_at?: string): Waiting =>
      ({ kind: "approval", id, entry: { requested_at, ...(expires_at ? { expires_at } : {}) } }) as Waiting;
    const all = [one("old", "2026-01-01"), one("new", "2026-01-03"), one("later", "2026-01-02", "2026-02-02"), one("soon", "2026-01-04", "2026-02-01")];
    expect(all.sort(soonest).map(({ id }) => id)).toEqual(["soon", "later", "old", "new"]);
  });
});
