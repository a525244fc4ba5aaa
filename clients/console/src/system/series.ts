/** Rates from counters that only grow, over the last minutes. */
import { CHART_S } from "../lib/limits";

export class Rates {
  times: number[] = [];
  values: number[] = [];
  #last: { at: number; count: number } | undefined;

  /** Takes the counter at a time, in milliseconds; a counter that fell was begun anew. */
  add(at: number, count: number): void {
    const last = this.#last;
    this.#last = { at, count };
    if (!last || at <= last.at) return;
    const rate = count < last.count ? 0 : ((count - last.count) * 1000) / (at - last.at);
    this.times = [...this.times, at / 1000].slice(-CHART_S);
    this.values = [...this.values, rate].slice(-CHART_S);
  }

  get now(): number | undefined {
    return this.values.at(-1);
  }
}
