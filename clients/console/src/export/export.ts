/** Exports an execution as one HTML file that replays without a server. */
import { EXPORT_CHARS } from "../lib/limits";
import { session } from "../lib/session.svelte";
import { download, toasts } from "../lib/toasts.svelte";
import type { Definition } from "../execution/definition.svelte";
import type { Stored } from "../execution/entry";
import type { ExecutionView } from "../execution/view.svelte";
import { page } from "./exported";

/** Where the script and the style of such a file are; written by the build. */
declare const REPLAY_FILES: { script: string; style: string };

export async function exportPage(view: ExecutionView, definition: Definition | undefined): Promise<void> {
  const items: Stored[] = [];
  let chars = 0;
  let cut = false;
  for await (const item of session.client.pages({ execution_id: view.id }, { order: "oldest" })) {
    chars += JSON.stringify(item).length;
    if ((cut = chars > EXPORT_CHARS)) break;
    items.push(item);
  }
  const [script, style] = await Promise.all([REPLAY_FILES.script, REPLAY_FILES.style].map(read));
  const exported = { id: view.id, at: new Date().toISOString(), items, cut, ...(definition ? { definition } : {}) };
  const text = page(exported, script as string, style as string, crypto.randomUUID());
  download(`${definition?.name ?? "execution"}-${view.id}.html`, [text], "text/html");
  toasts.say(cut ? "The file is there, without the last events: there are too many" : "The file is there; it replays without a server", cut ? "bad" : "good");
}

async function read(name: string): Promise<string> {
  const answer = await fetch(`/console/${name}`);
  if (!answer.ok) throw new Error("the gateway's console has no such file: load the page again");
  return answer.text();
}
