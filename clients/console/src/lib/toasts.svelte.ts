/** Short words about what was done. Screen readers hear them, too. */

export interface Toast {
  id: number;
  text: string;
  tone: "plain" | "good" | "bad";
}

class Toasts {
  list = $state.raw<readonly Toast[]>([]);
  #next = 0;

  say(text: string, tone: Toast["tone"] = "plain"): void {
    const toast = { id: this.#next++, text, tone };
    this.list = [...this.list.slice(-3), toast];
    setTimeout(() => this.drop(toast.id), tone === "bad" ? 12_000 : 6_000);
  }

  drop(id: number): void {
    this.list = this.list.filter((one) => one.id !== id);
  }
}

export const toasts = new Toasts();

export async function copy(text: string, what = "Copied"): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toasts.say(what, "good");
  } catch {
    // Without a secure origin there is no clipboard: the old way.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    toasts.say(done ? what : "The browser does not let the page copy", done ? "good" : "bad");
  }
}

/** Offers a text as a file. */
export function download(name: string, parts: BlobPart[], type: string): void {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name.replaceAll(/[^\p{L}\p{N}._-]+/gu, "_").slice(0, 120);
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
