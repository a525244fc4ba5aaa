/** The credential, and fresh ones in its place. */
import { abortable } from "./signals.js";

export type GetToken = (context: { signal: AbortSignal }) => string | Promise<string>;

export class Credentials {
  #token: string | undefined;
  #asking: Promise<string> | undefined;
  readonly #getToken: GetToken | undefined;

  constructor(token: string | undefined, getToken: GetToken | undefined) {
    this.#token = token;
    this.#getToken = getToken;
  }

  /** Whether a refused credential can be replaced. */
  get renewable(): boolean {
    return this.#getToken !== undefined;
  }

  async current(signal: AbortSignal): Promise<string | undefined> {
    return this.#token ?? (this.#getToken ? this.fresh(undefined, signal) : undefined);
  }

  /** Another credential than `stale`. Those who ask at the same time get the same one. */
  async fresh(stale: string | undefined, signal: AbortSignal): Promise<string | undefined> {
    if (this.#token !== stale || !this.#getToken) return this.#token;
    this.#asking ??= this.#ask(this.#getToken).finally(() => {
      this.#asking = undefined;
    });
    return abortable(this.#asking, signal);
  }

  async #ask(getToken: GetToken): Promise<string> {
    // Several may wait for it: nobody's signal alone ends it.
    return (this.#token = await getToken({ signal: AbortSignal.timeout(30_000) }));
  }
}
