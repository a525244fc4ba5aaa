import { describe, expect, it } from "vitest";
import { align, differs, parted, type Step } from "../../src/compare/align";
import { Axis, critical, rows } from "../../src/execution/timeline";
import type { Span } from "../../src/execution/spans";
import { page } from "../../src/export/exported";
import { wrong } from "../../src/inbox/schema";
import { quote, start } from "../../src/lib/commands";
import { anyInput, fieldsOf, inputOf, textsOf } from "../../src/lib/form";
import { age, bytes, duration, middle } from "../../src/lib/format";
import { allows } from "../../src/lib/rights";
import { Rates } from "../../src/system/series";

const span = (kind: Span["kind"], from: number, to: number): Span => ({ kind, node: "n", name: kind, from, to, born: from, ended: to, outcome: "good" });

describe("the time line", () => {
  it("folds idle time and finds each moment again", () => {
    const spans = [{ from: 0, to: 1_000 }, { from: 600_000, to: 601_000 }];
    const [folded, whole] = [new Axis(spans, 0, 601_000, true), new Axis(spans, 0, 601_000, false)];
    expect(folded.place(1_000)).toBeGreaterThan(0.4);
    expect(whole.place(1_000)).toBeLessThan(0.01);
    for (const at of [0, 10, 999, 300_000, 600_500, 601_000]) {
      expect(folded.time(folded.place(at))).toBeCloseTo(at, 3);
      expect(folded.place(at)).toBeGreaterThanOrEqual(folded.place(at - 1));
    }
  });

  it("puts what overlaps below each other", () => {
    expect(rows([span("tool", 0, 10), span("tool", 5, 8), span("tool", 20, 30)]).map((row) => row.spans.length)).toEqual([2, 1]);
  });

  it("finds the calls that made it as long as it is", () => {
    const all = [span("model", 0, 10), span("tool", 10, 40), span("tool", 12, 20), span("model", 41, 50)];
    expect([...critical(all, 50)].map(({ from }) => from)).toEqual([41, 10, 0]);
  });
});

describe("commands", () => {
  it("are words of a shell, whatever is in them", () => {
    expect(quote("a b")).toBe("'a b'");
    expect(quote("it's $x `y`")).toBe(`'it'\\''s $x \`y\`'`);
    expect(start({ definition: "d", input: "a'b" }, { auth: false }).cli).toContain(`start d --input '"a'\\''b"'`);
  });
});

describe("forms", () => {
  const fields = fieldsOf({ type: "object", properties: { topic: { type: "string" }, n: { type: "integer" }, any: {} }, required: ["topic"] }) ?? [];
  it("come from a schema and give its input", () => {
    expect(fields.map(({ kind }) => kind)).toEqual(["text", "integer", "text"]);
    expect(inputOf(fields, { topic: "tea", n: "3" })).toEqual({ topic: "tea", n: 3 });
    expect(() => inputOf(fields, { n: "3" })).toThrow("topic is required");
    expect(() => inputOf(fields, { topic: "x", n: "a" })).toThrow("n is no integer");
    expect(textsOf(fields, { topic: "tea", n: 3 })).toEqual({ topic: "tea", n: "3", any: "" });
    expect(textsOf(fields, { other: 1 })).toBeUndefined();
    expect([anyInput("{\"a\":1}"), anyInput("tea"), anyInput(" ")]).toEqual([{ a: 1 }, "tea", null]);
  });
  it("check arguments by the tool's schema", () => {
    const schema = { type: "object", properties: { n: { type: "number", maximum: 5 } }, required: ["n"] };
    expect(wrong({ n: 3 }, schema)).toEqual([]);
    expect(wrong({ n: 9 }, schema).join()).toContain("n");
    expect(wrong({}, schema).length).toBeGreaterThan(0);
  });
});

describe("rights", () => {
  it("offer what a scope allows, and nothing else", () => {
    expect(allows(["read", "decide:orders-*/refund"], "decide", { stream: "orders-1", node: "refund" })).toBe(true);
    expect(allows(["read", "decide:orders-*/refund"], "decide", { stream: "orders-1", node: "pay" })).toBe(false);
    expect(allows(["*"], "admin")).toBe(false);
    expect(allows(["*"], "cancel", { stream: "x" })).toBe(true);
    expect(allows(["read"], "start")).toBe(false);
  });
});

describe("comparison", () => {
  it("aligns steps by what they are", () => {
    const step = (key: string, text = ""): Step => ({ key, kind: "turn", title: key, text, input: "", ms: 1, tokens: 1 });
    const pairs = align([step("a"), step("b"), step("c", "x")], [step("a"), step("c", "y"), step("d")]);
    expect(pairs.map(({ a, b }) => [a?.key, b?.key])).toEqual([["a", "a"], ["b", undefined], ["c", "c"], [undefined, "d"]]);
    expect(pairs.map(differs)).toEqual([false, true, true, true]);
  });
});

describe("a difference", () => {
  it("is whole words, between what both have", () => {
    expect(parted("pay 41.5 to ann", "pay 40 to ann")).toEqual({ head: "pay ", middle: "41.5", tail: " to ann" });
    expect(parted("same", "same")).toEqual({ head: "same", middle: "", tail: "" });
    expect(parted("ab", "ab c")).toEqual({ head: "", middle: "ab", tail: "" });
    expect(parted("", "x")).toEqual({ head: "", middle: "", tail: "" });
    for (const [a, b] of [["x y z", "x q z"], ["aaa", "aa"], ["", ""], ["1 2", "1 2 3"]] as const) {
      const { head, middle, tail } = parted(a, b);
      expect(head + middle + tail).toBe(a);
    }
  });
});

describe("an exported file", () => {
  it("cannot be left by what is in it", () => {
    const text = page({ id: "</title><script>", at: "", items: [{ type: "gap", requested: "</script><script>alert(1)</script><!--", first_available: "", reason: "x" }], cut: false }, "let a='</script>'", "b{}", "n1");
    const doc = new DOMParser().parseFromString(text, "text/html");
    expect(doc.querySelectorAll("script").length).toBe(2);
    expect(JSON.parse(doc.getElementById("events")?.textContent ?? "").items[0].requested).toContain("</script>");
    expect(text).toContain("script-src 'nonce-n1'");
  });
});

describe("figures", () => {
  it("read like people say them", () => {
    expect([duration(340), duration(4_230), duration(65_000), duration(7_200_000)]).toEqual(["340 ms", "4.2 s", "1 min 5 s", "2 h"]);
    expect([age(500), age(61_000), age(86_400_000)]).toEqual(["0 s", "1 min", "24 h"]);
    expect([bytes(10), bytes(1_536), bytes(20 * 1024 * 1024)]).toEqual(["10 B", "1.5 KiB", "20 MiB"]);
    expect(middle("a".repeat(40), 11).length).toBe(11);
  });
  it("make rates of counters that may begin anew", () => {
    const rates = new Rates();
    for (const [at, n] of [[0, 0], [1_000, 50], [2_000, 60], [3_000, 5]] as const) rates.add(at, n);
    expect(rates.values).toEqual([50, 10, 0]);
  });
});
