import { flushSync, mount, unmount } from "svelte";
import { describe, expect, it } from "vitest";
import Markdown from "../../src/components/Markdown.svelte";
import { inline, parse, parts, target } from "../../src/lib/markdown";
import { random } from "./events";

const PIECES = [
  "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "![p](https://e.org/x.png)", "<a href='//e.org'>y</a>",
  "**", "_", "`", "```\n", "~~", "[", "](", ")", "\n", "\n\n", "> ", "- ", "1. ", "|a|b|\n|-|-|\n|1|2|\n", "# ", "text", "<", ">", "&lt;", "\u0000",
  "\u202e", "😀", "data:text/html,<b>", "https://e.org/a_(b)", "<svg/onload=alert(1)>", "</div>", "{{x}}", "${y}", "<!--", "\\", "style=\"x\"",
];

export const hostile = (seed: number): string => {
  const next = random(seed * 7919 + 1);
  return Array.from({ length: 1 + Math.floor(next() * 12) }, () => PIECES[Math.floor(next() * PIECES.length)]).join("");
};

describe("Markdown", () => {
  it("reads what models write", () => {
    expect(parse("# T\n\n- a\n- b\n\n```js\nx\n```").map(({ kind }) => kind)).toEqual(["heading", "list", "code"]);
    expect(inline("**a** `b` [c](https://e.org)").map(({ kind }) => kind)).toEqual(["strong", "text", "code", "text", "link"]);
    expect(parse("|a|b|\n|-|-|\n|1|2|")[0]?.kind).toBe("table");
  });

  it("opens nothing but http, https and mail", () => {
    for (const to of ["javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "//e.org", "/v1/stats", "file:///etc", " javascript:x", "vbscript:x", "https:"]) {
      expect(target(to), to).toBeUndefined();
    }
    expect(target("https://e.org/a")?.href).toBe("https://e.org/a");
  });

  it("draws hostile strings as text", () => {
    const allowed = new Set("DIV P PRE CODE STRONG EM DEL BLOCKQUOTE UL OL LI HR TABLE THEAD TBODY TR TH TD BUTTON SPAN".split(" "));
    const root = document.createElement("div");
    document.body.append(root);
    // Many in one document: mounting one by one would measure the mounting.
    for (let batch = 0; batch < 4; batch++) {
      const text = Array.from({ length: 100 }, (_, n) => hostile(batch * 100 + n)).join("\n\n");
      const view = mount(Markdown, { target: root, props: { text } });
      flushSync();
      for (const one of root.querySelectorAll("*")) {
        if (!allowed.has(one.tagName)) throw new Error(`${one.tagName} in batch ${batch}`);
        for (const { name } of one.attributes) if (/^(on|href|src|style|srcdoc|action)/.test(name)) throw new Error(`${name} in batch ${batch}`);
      }
      void unmount(view);
    }
  }, 120_000);

  it("takes time in proportion to the length", () => {
    for (const piece of ["**a", "`", "[x](", "> ", "- a\n ", "|a", "_a", "~~b", "![", "*a*_"]) {
      const text = piece.repeat(20_000).slice(0, 60_000);
      const from = performance.now();
      parts(text).forEach((part) => parse(part));
      expect(performance.now() - from, piece).toBeLessThan(3_000);
    }
  });

  it("cuts a growing text only at its end", () => {
    const text = "a\n\n```\nx\n\ny\n```\n\nb\n\nc";
    expect(parts(text)).toEqual(["a\n", "```\nx\n\ny\n```\n", "b\n", "c"]);
    expect(parts(text).join("\n").replaceAll("\n", "")).toBe(text.replaceAll("\n", ""));
  });
});
