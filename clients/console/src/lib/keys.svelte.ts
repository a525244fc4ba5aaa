/** Keys of the whole console; a view adds its own while it is shown. */
import { go, href } from "./router.svelte";

export interface Key {
  /** As `KeyboardEvent.key` has it. */
  key: string;
  what: string;
  run: (event: KeyboardEvent) => void;
  /** How the key is written, where that differs. */
  shown?: string;
  hidden?: boolean;
}

const PLACES: Record<string, string> = { e: "executions", i: "inbox", s: "sessions", y: "system", n: "start" };

class Keys {
  /** Those of the view that is shown. */
  own = $state.raw<readonly Key[]>([]);
  help = $state(false);
  #lead = 0;

  /** Sets the keys of a view; gives the way to take them away. */
  use(keys: readonly Key[]): () => void {
    this.own = keys;
    return () => {
      if (this.own === keys) this.own = [];
    };
  }

  press = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target as HTMLElement;
    const types = target.closest("input:not([type=checkbox]):not([type=range]), textarea, select, [contenteditable]");
    if (types || document.querySelector("[role=dialog], [role=menu], [role=alertdialog]")) return;
    // A button has its own meaning of these.
    const isControl = target.closest("button, a, summary, [role=tab], [role=slider], input") !== null;
    if (isControl && (event.key === " " || event.key === "Enter")) return;
    if (target.closest("[role=tab], [type=range]") && /^(Arrow|Home|End)/.test(event.key)) return;
    if (Date.now() - this.#lead < 1_000) {
      this.#lead = 0;
      const place = PLACES[event.key];
      if (place) {
        event.preventDefault();
        return go(href([place]));
      }
    }
    if (event.key === "g") {
      this.#lead = Date.now();
      return;
    }
    if (event.key === "?") {
      event.preventDefault();
      this.help = true;
      return;
    }
    const own = this.own.find(({ key }) => key === event.key);
    if (!own) return;
    event.preventDefault();
    own.run(event);
  };
}

export const keys = new Keys();
