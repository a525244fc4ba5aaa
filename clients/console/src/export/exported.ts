/** The content of an exported file. */
import type { Definition } from "../execution/definition.svelte";
import type { Stored } from "../execution/entry";

export interface Exported {
  id: string;
  at: string;
  items: Stored[];
  definition?: Definition;
  /** Whether events are left out because there were too many. */
  cut: boolean;
}

/** The page around it. Nothing in the data ends its element, or is a script. */
export function page(exported: Exported, script: string, style: string, nonce: string): string {
  const data = JSON.stringify(exported).replaceAll("<", "\\u003c").replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
  const title = escape(`${exported.definition?.name ?? "Execution"} ${exported.id}`);
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'`;
  return [
    "<!doctype html>",
    '<html lang="en"><head><meta charset="utf-8" />',
    '<meta name="viewport" content="width=device-width, initial-scale=1" />',
    `<meta http-equiv="Content-Security-Policy" content="${policy}" />`,
    `<title>${title}</title>`,
    `<style nonce="${nonce}">${style.replaceAll("</style", "<\\/style")}</style>`,
    '</head><body><div id="app"></div>',
    `<script type="application/json" id="events" nonce="${nonce}">${data}</script>`,
    `<script nonce="${nonce}">${script.replaceAll("</script", "<\\/script").replaceAll("<!--", "\\x3c!--")}</script>`,
    "</body></html>\n",
  ].join("\n");
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export const escape = (text: string): string => text.replace(/[&<>"']/g, (one) => ENTITIES[one] as string);
