/**
 * Markdown as a tree. Views draw it as text nodes: there is no HTML in it, whatever a model wrote.
 *
 * A part of CommonMark and of GitHub's tables: what is not understood stays text.
 */

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "strong"; inner: Inline[] }
  | { kind: "em"; inner: Inline[] }
  | { kind: "del"; inner: Inline[] }
  | { kind: "link"; inner: Inline[]; to: string; image: boolean };

export type Block =
  | { kind: "heading"; level: number; inner: Inline[] }
  | { kind: "paragraph"; inner: Inline[] }
  | { kind: "code"; language: string; text: string }
  | { kind: "quote"; inner: Block[] }
  | { kind: "list"; ordered: boolean; start: number; items: Block[][] }
  | { kind: "table"; head: Inline[][]; rows: Inline[][][] }
  | { kind: "rule" };

/** Nesting of quotes and lists. */
const DEPTH = 6;

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^`\s]*)[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])\s+(.*)$/;
const QUOTE = /^ {0,3}>\s?(.*)$/;
const DIVIDER = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

export function parse(text: string, depth = 0): Block[] {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  const blocks: Block[] = [];
  let at = 0;
  const line = (n = at): string => lines[n] ?? "";
  while (at < lines.length) {
    if (!line().trim()) {
      at++;
      continue;
    }
    const fence = FENCE.exec(line());
    if (fence) {
      const mark = fence[1] as string;
      const body: string[] = [];
      for (at++; at < lines.length && !closes(line(), mark); at++) body.push(line());
      at++;
      blocks.push({ kind: "code", language: fence[2] ?? "", text: body.join("\n") });
      continue;
    }
    const heading = HEADING.exec(line());
    if (heading) {
      blocks.push({ kind: "heading", level: (heading[1] as string).length, inner: inline(heading[2] ?? "") });
      at++;
      continue;
    }
    if (RULE.test(line())) {
      blocks.push({ kind: "rule" });
      at++;
      continue;
    }
    if (depth < DEPTH && QUOTE.test(line())) {
      const body: string[] = [];
      for (let quote; at < lines.length && (quote = QUOTE.exec(line())); at++) body.push(quote[1] ?? "");
      blocks.push({ kind: "quote", inner: parse(body.join("\n"), depth + 1) });
      continue;
    }
    const item = depth < DEPTH ? ITEM.exec(line()) : null;
    if (item) {
      const ordered = /\d/.test(item[2] as string);
      const items: Block[][] = [];
      while (at < lines.length) {
        const one = ITEM.exec(line());
        if (!one || /\d/.test(one[2] as string) !== ordered) break;
        const indent = (one[1] as string).length + (one[2] as string).length + 1;
        const body = [one[3] ?? ""];
        for (at++; at < lines.length; at++) {
          const next = line();
          const inside = next.startsWith(" ".repeat(Math.min(indent, 2)));
          if (next.trim() ? !inside && (ITEM.test(next) || starts(next)) : !line(at + 1).startsWith("  ")) break;
          body.push(inside ? next.slice(Math.min(indent, next.length - next.trimStart().length)) : next);
        }
        items.push(parse(body.join("\n"), depth + 1));
        while (at < lines.length && !line().trim() && ITEM.test(line(at + 1))) at++;
      }
      blocks.push({ kind: "list", ordered, start: parseInt(item[2] as string) || 1, items });
      continue;
    }
    if (line().includes("|") && DIVIDER.test(line(at + 1)) && line(at + 1).includes("-")) {
      const head = cells(line());
      const rows: Inline[][][] = [];
      for (at += 2; at < lines.length && line().includes("|") && line().trim(); at++) rows.push(cells(line()));
      blocks.push({ kind: "table", head, rows });
      continue;
    }
    const body: string[] = [];
    do body.push(line().trim());
    while (++at < lines.length && line().trim() && !starts(line()));
    blocks.push({ kind: "paragraph", inner: inline(body.join("\n")) });
  }
  return blocks;
}

const starts = (line: string): boolean => FENCE.test(line) || HEADING.test(line) || QUOTE.test(line) || ITEM.test(line) || RULE.test(line);

const closes = (line: string, mark: string): boolean => {
  const text = line.trim();
  return text.length >= mark.length && text === (mark[0] as string).repeat(text.length);
};

const cells = (line: string): Inline[][] =>
  line
    .trim()
    .replace(/^\|/, "")
    .replace(/\|$/, "")
    .split(/(?<!\\)\|/)
    .map((cell) => inline(cell.trim().replaceAll("\\|", "|")));

/** One piece of what lines are made of; the order is the precedence. No quantifier is nested, so time is linear in practice. */
const PIECE =
  /\\([!-/:-@[-`{-~])|(`+)([^`]|[^`][^]{0,4000}?[^`])\2(?!`)|(!?)\[([^[\]\n]{0,1000})\]\(\s*<?([^\s()<>]{0,2000}(?:\([^\s()<>]{0,500}\)[^\s()<>]{0,500})?)>?(?:\s+"[^"\n]{0,500}")?\s*\)|\*\*(?=\S)([^]{1,4000}?)\*\*|__(?=\S)([^_]{1,4000})__|~~(?=\S)([^~]{1,4000})~~|\*(?=[^\s*])([^*]{1,4000})\*|(?<![\p{L}\p{N}_])_(?=[^\s_])([^_]{1,4000})_(?![\p{L}\p{N}_])|(https?:\/\/[^\s<>"'`)\]]{1,2000})/gu;

export function inline(text: string, depth = 0): Inline[] {
  const out: Inline[] = [];
  const push = (more: string) => {
    if (!more) return;
    const last = out.at(-1);
    if (last?.kind === "text") last.text += more;
    else out.push({ kind: "text", text: more });
  };
  let at = 0;
  const inner = (more: string) => (depth < DEPTH ? inline(more, depth + 1) : [{ kind: "text" as const, text: more }]);
  for (const found of text.matchAll(PIECE)) {
    push(text.slice(at, found.index));
    at = found.index + found[0].length;
    const [, escaped, , code, image, label, to, strong, strong2, del, em, em2, bare] = found;
    if (escaped !== undefined) push(escaped);
    else if (code !== undefined) out.push({ kind: "code", text: code.trim() || code });
    else if (to !== undefined) out.push({ kind: "link", inner: inner(label || to), to, image: image === "!" });
    else if (strong !== undefined || strong2 !== undefined) out.push({ kind: "strong", inner: inner((strong ?? strong2) as string) });
    else if (del !== undefined) out.push({ kind: "del", inner: inner(del) });
    else if (em !== undefined || em2 !== undefined) out.push({ kind: "em", inner: inner((em ?? em2) as string) });
    else if (bare !== undefined) out.push({ kind: "link", inner: [{ kind: "text", text: bare }], to: bare, image: false });
  }
  push(text.slice(at));
  return out;
}

/** An address that may be opened, once a person agrees; `undefined` for any other. */
export function target(to: string): URL | undefined {
  if (!/^(https?:\/\/|mailto:)/i.test(to)) return undefined;
  try {
    const url = new URL(to);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}

/** Parts of a text that are parsed one by one: so a text that grows is parsed again only at its end. */
export function parts(text: string): string[] {
  const out: string[] = [];
  let from = 0;
  let fence: string | undefined;
  let at = 0;
  while (at < text.length) {
    const end = text.indexOf("\n", at);
    const line = text.slice(at, end < 0 ? text.length : end);
    const next = end < 0 ? text.length : end + 1;
    if (fence !== undefined) {
      if (closes(line, fence)) fence = undefined;
    } else {
      fence = FENCE.exec(line)?.[1];
      // An empty line ends a part, unless what follows belongs to a list.
      if (!line.trim() && at > from && !/^(\s|[-*+]\s|\d{1,9}[.)]\s)/.test(text.slice(next, next + 12))) {
        out.push(text.slice(from, at));
        from = next;
      }
    }
    at = next;
  }
  if (from < text.length) out.push(text.slice(from));
  return out;
}
