/** Replay: moves through the positions as time passed, 1 to 50 times as fast. Long waits are shortened. */
import type { ExecutionView } from "./view.svelte";

export const SPEEDS = [1, 2, 5, 10, 20, 50] as const;

/** A wait within a replay, at most, in milliseconds of the replay. */
const LONGEST_MS = 1_500;

export class Player {
  playing = $state(false);
  speed = $state<number>(10);
  readonly #view: ExecutionView;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(view: ExecutionView) {
    this.#view = view;
  }

  toggle(): void {
    if (this.playing) return this.stop();
    if (this.#view.shown >= this.#view.record.end) this.#view.goTo(this.#view.record.gone);
    this.playing = true;
    this.#next();
  }

  stop(): void {
    this.playing = false;
    clearTimeout(this.#timer);
  }

  #next(): void {
    const { record, shown } = this.#view;
    const [now, next] = [record.entry(shown), record.entry(shown + 1)];
    if (!now || !next) {
      this.stop();
      this.#view.goTo(undefined);
      return;
    }
    const wait = Math.min(Math.max(0, next.at - now.at) / this.speed, LONGEST_MS);
    // All changes within one frame are one step.
    this.#timer = setTimeout(() => {
      let to = shown + 1;
      let left = 16 - wait;
      for (let more = record.entry(to + 1); more && left > 0; more = record.entry(to + 1)) {
        left -= Math.max(0, more.at - (record.entry(to)?.at ?? more.at)) / this.speed;
        if (left <= 0) break;
        to++;
      }
      this.#view.goTo(to);
      this.#next();
    }, wait);
  }
}
