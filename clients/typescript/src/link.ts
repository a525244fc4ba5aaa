/** The client's WebSocket: made when it is needed, made again on another gateway when it is lost. */
import type { Context } from "./context.js";
import { abortable } from "./signals.js";
import { Socket } from "./socket.js";

export class Link {
  readonly #context: Context;
  #dialing: Promise<Socket> | undefined;
  #socket: Socket | undefined;

  constructor(context: Context) {
    this.#context = context;
    context.closing.addEventListener("abort", () => this.#socket?.close());
  }

  /** The open socket, or a new one. Those who ask at the same time share it. */
  async socket(signal: AbortSignal): Promise<Socket> {
    if (this.#socket?.open) return this.#socket;
    this.#dialing ??= this.#dial().finally(() => {
      this.#dialing = undefined;
    });
    return abortable(this.#dialing, signal);
  }

  async #dial(): Promise<Socket> {
    const { gateways, closing } = this.#context;
    const gateway = gateways.current();
    try {
      this.#socket = await Socket.open(this.#context, gateway, closing);
    } catch (error) {
      gateways.failed(gateway);
      throw error;
    }
    return this.#socket;
  }
}
