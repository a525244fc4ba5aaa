/** The gateways that a client may use: any of them serves anything, so a failed one is just left for the next. */
import { RunbusError } from "./errors.js";

export class Gateways {
  readonly #urls: string[];
  #at: number;

  constructor(url: string | URL | readonly (string | URL)[]) {
    this.#urls = (Array.isArray(url) ? url : [url]).map((one) => base(String(one)));
    if (this.#urls.length === 0) base("");
    this.#at = Math.floor(Math.random() * this.#urls.length);
  }

  current(): string {
    return this.#urls[this.#at] as string;
  }

  /** `url` failed: the next one is asked, unless somebody has gone on already. */
  failed(url: string): void {
    if (url === this.current()) this.#at = (this.#at + 1) % this.#urls.length;
  }
}

function base(text: string): string {
  const url = /^(http|ws)s?:/.test(text) && URL.canParse(text) ? new URL(text.replace(/^ws/, "http")) : undefined;
  if (url) return url.origin + url.pathname.replace(/\/+$/, "");
  throw new RunbusError("invalid_argument", `"${text}" is no address of a gateway (http, ws)`, { path: "url" });
}

/** The same gateway's WebSocket. */
export const socketUrl = (url: string): string => `${url.replace(/^http/, "ws")}/v1/ws`;
