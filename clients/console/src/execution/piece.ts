/** A text that was written in pieces, and what of it was there at any position. */

export class Piece {
  text = "";
  /** Positions at which it grew, and its length behind each. */
  readonly #at: number[] = [];
  readonly #ends: number[] = [];

  push(position: number, more: string): void {
    this.text += more;
    this.#grown(position);
  }

  /** The text so far, as its producer says it. */
  replace(position: number, whole: string): void {
    if (whole === this.text) return;
    this.text = whole;
    this.#grown(position);
  }

  #grown(position: number): void {
    const last = this.#at.length - 1;
    if (this.#at[last] === position) this.#ends[last] = this.text.length;
    else {
      this.#at.push(position);
      this.#ends.push(this.text.length);
    }
  }

  /** The content behind the entry at `position`. */
  upTo(position: number): string {
    const last = this.#at.length - 1;
    if (last < 0 || (this.#at[last] as number) <= position) return this.text;
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#at[middle] as number) <= position) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? "" : this.text.slice(0, this.#ends[low - 1]);
  }
}
