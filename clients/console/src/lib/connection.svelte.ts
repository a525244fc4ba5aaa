/** Whether a gateway answers, and since when not: for the bar over each view. */
import { PROBE_MS } from "./limits";
import { session } from "./session.svelte";

class Connection {
  /** Since when no gateway answers, in milliseconds since 1970. */
  lostSince = $state<number | undefined>(undefined);
  /** The gateway that answered last. */
  gateway = $state(window.location.origin);
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Asks the gateways for a sign of life, now and from time to time. */
  watch(): void {
    window.addEventListener("online", () => this.probe());
    window.addEventListener("offline", () => this.probe());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.probe());
    this.probe();
  }

  /** Something failed: is a gateway there at all? */
  probe(): void {
    clearTimeout(this.#timer);
    void this.#probe().finally(() => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.probe(), this.lostSince === undefined ? 5 * PROBE_MS : PROBE_MS);
    });
  }

  async #probe(): Promise<void> {
    for (const gateway of session.gateways) {
      const alive = await fetch(`${gateway}/healthz`, { cache: "no-store", signal: AbortSignal.timeout(4_000) }).then(
        ({ ok }) => ok,
        () => false,
      );
      if (!alive) continue;
      this.gateway = gateway;
      this.lostSince = undefined;
      return;
    }
    this.lostSince ??= Date.now();
  }
}

export const connection = new Connection();
