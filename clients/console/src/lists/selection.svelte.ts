/** Which rows are chosen, and which one the keys are at. */
import { SvelteSet } from "svelte/reactivity";

export class Selection {
  readonly chosen = new SvelteSet<string>();
  /** The row that keys move; -1: none. */
  at = $state(-1);

  toggle(id: string): void {
    if (!this.chosen.delete(id)) this.chosen.add(id);
  }

  all(ids: readonly string[]): void {
    const every = ids.length > 0 && ids.every((id) => this.chosen.has(id));
    this.chosen.clear();
    if (!every) for (const id of ids) this.chosen.add(id);
  }

  move(by: number, length: number): void {
    this.at = length === 0 ? -1 : Math.min(length - 1, Math.max(0, this.at + by));
  }

  /** An entry that is gone is not chosen either. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of [...this.chosen]) if (!ids.has(id)) this.chosen.delete(id);
  }
}
